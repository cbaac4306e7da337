"""Keys for Open311: make one, list them, revoke one."""

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from cases.models import Open311Key
from cases.open311 import keys


class Command(BaseCommand):
    help = "Make, list and revoke the keys under which other systems send reports (/open311/v2/)."

    def add_arguments(self, parser):
        verbs = parser.add_subparsers(dest="verb", required=True)
        add = verbs.add_parser("add", help="make a key and print it, this once")
        add.add_argument("label", help="the system that gets it")
        add.add_argument("--contact", default="", help="whom to call about it")
        add.add_argument("--per-hour", type=int, default=60, help="how many reports it may send an hour")
        add.add_argument("--read-only", action="store_true", help="it may not send")
        verbs.add_parser("list", help="all keys")
        revoke = verbs.add_parser("revoke", help="take a key out of use")
        revoke.add_argument("prefix", help="what the key begins with, as the list shows it")

    def handle(self, *args, verb: str, **options):
        getattr(self, f"_{verb}")(options)

    def _add(self, options):
        if options["per_hour"] < 1:
            raise CommandError(_("--per-hour must be at least 1."))
        key = Open311Key(
            label=options["label"],
            contact=options["contact"],
            per_hour=options["per_hour"],
            may_post=not options["read_only"],
        )
        self.stdout.write(keys.add(None, key))

    def _list(self, options):
        for key in Open311Key.objects.all():
            state = _("valid") if key.active else _("revoked")
            rights = _("%d an hour") % key.per_hour if key.may_post else _("reads only")
            self.stdout.write("\t".join([key.prefix, key.label, state, rights, key.contact]))

    def _revoke(self, options):
        key = Open311Key.objects.filter(prefix=options["prefix"], active=True).first()
        if key is None:
            raise CommandError(_("No key in use begins with “%s”.") % options["prefix"])
        keys.revoke(None, key)
        self.stdout.write(_("%s is revoked.") % key)
