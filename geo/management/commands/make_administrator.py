"""Make one of the three administrators: the first accounts of an installation come from its server."""

from django.contrib.auth.password_validation import validate_password
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils.translation import gettext as _

from geo import audit, passwords
from geo.models import Grant, Role, User


class Command(BaseCommand):
    help = "Make an account that holds one administrator's office, and print its temporary password."

    def add_arguments(self, parser):
        parser.add_argument("office", choices=[choice for choice in Role.Administrator.values if choice])
        parser.add_argument("username")
        parser.add_argument("--name", default="", help="the person's name")

    @transaction.atomic
    def handle(self, *args, office: str, username: str, name: str, **options):
        role = Role.objects.filter(administrator=office).first()
        if role is None:
            raise CommandError(_("There are no roles yet: run load_code_tables first."))
        if User.objects.filter(username__iexact=username).exists():
            raise CommandError(_("There is an account %(name)s already.") % {"name": username})
        password = passwords.temporary()
        user = User(username=username, name=name or username, must_change_password=True)
        user.full_clean(exclude=["password"])
        validate_password(password, user)
        user.set_password(password)
        user.save()
        Grant.objects.create(user=user, role=role)
        audit.log(None, "grant.give", user, role=role.code, source="make_administrator")
        self.stdout.write(
            _("%(role)s: user name %(user)s, temporary password %(password)s (changed at the first log-in)")
            % {"role": role, "user": username, "password": password}
        )
