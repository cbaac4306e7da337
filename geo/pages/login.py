"""Logging in: lock-out, a question after wrong passwords, the first password changed."""

from datetime import timedelta

from axes.handlers.proxy import AxesProxyHandler
from axes.helpers import get_cool_off
from axes.models import AccessAttempt
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import views
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models import Sum
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from geo import audit, captcha, sessions
from geo.landing import after_login
from geo.net import client_address
from geo.passwords import NotUsedBefore
from geo.problems import Problem, problem_response

# Wrong passwords for one name; and from one address, behind which a whole office may sit.
CAPTCHA_AFTER = 3
CAPTCHA_AFTER_FROM_ADDRESS = 20
_ASKED = "captcha_asked"


def is_asked(request, username: str = "") -> bool:
    """Whether this log-in needs the captcha: by the name, by the address, or because it was asked before."""
    if request.session.get(_ASKED):
        return True
    since = timezone.now() - (get_cool_off() or timedelta(minutes=15))
    recent = AccessAttempt.objects.filter(attempt_time__gt=since)
    for whose, limit in (
        ({"username": username}, CAPTCHA_AFTER),
        ({"ip_address": client_address(request)}, CAPTCHA_AFTER_FROM_ADDRESS),
    ):
        if (recent.filter(**whose).aggregate(sum=Sum("failures_since_start"))["sum"] or 0) >= limit:
            request.session[_ASKED] = True
            return True
    return False


class LoginForm(AuthenticationForm):
    """Name and password, and the captcha's answer where it is asked for."""

    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": gettext_lazy("User name or password is wrong."),
        "captcha": gettext_lazy("The answer was not right. Here is another."),
    }

    def __init__(self, request=None, *args, **kwargs):
        super().__init__(request, *args, **kwargs)
        self.asked = is_asked(request, self.data.get("username", ""))
        if self.asked:
            self.fields["captcha"] = forms.CharField(required=False, max_length=8)

    def clean(self):
        # The question comes before the password, or it would hinder nobody from trying passwords.
        if self.asked and not captcha.solve(self.request.session, self.cleaned_data.get("captcha", "")):
            self.add_error("captcha", self.error_messages["captcha"])
            return self.cleaned_data
        return super().clean()


class Login(views.LoginView):
    """The log-in page. The captcha's picture and its words are told apart by ``?words``."""

    template_name = "geo/login.html"
    authentication_form = LoginForm

    def post(self, request, *args, **kwargs):
        # Whoever is locked out is told so, and not asked questions first.
        credentials = {"username": request.POST.get("username", "")}
        if not AxesProxyHandler.is_allowed(request, credentials):
            return locked_out(request)
        return super().post(request, *args, **kwargs)

    def get_success_url(self):
        if self.get_redirect_url() in ("", settings.LOGIN_REDIRECT_URL):
            return after_login(self.request, self.request.user) or settings.LOGIN_REDIRECT_URL
        return super().get_success_url()

    def form_valid(self, form):
        response = super().form_valid(form)
        self.request.session.pop(_ASKED, None)
        sessions.lead(self.request, response.url)
        user = form.get_user()
        if user.language:
            response.set_cookie(
                settings.LANGUAGE_COOKIE_NAME, user.language, max_age=365 * 86400, samesite="Lax"
            )
        return response

    def get_context_data(self, **kwargs):
        context = super().get_context_data(**kwargs)
        # The failure that was just counted may be the one after which the question is asked.
        form = context["form"]
        context["idle"] = self.request.GET.get("ended") == "idle" and not form.is_bound
        if not form.asked and is_asked(self.request, form.data.get("username", "")):
            form.asked = True
            form.fields["captcha"] = forms.CharField(required=False, max_length=8)
        if form.asked:
            session = self.request.session
            captcha.renew(session, words="words" in self.request.GET)
            context["captcha_question"] = captcha.question(session)
            # The address changes with the question, so that no old picture is shown.
            context["captcha_url"] = f"{reverse('captcha')}?{timezone.now().timestamp():.0f}"
            context["captcha_other"] = "" if captcha.in_words(session) else "words"
        return context


@never_cache
@require_safe
def captcha_picture(request):
    """The session's question as a picture."""
    image = captcha.picture(request.session)
    if not image:
        raise Http404
    return HttpResponse(image, content_type="image/png")


def locked_out(request, response=None, credentials=None, *args, **kwargs):
    """What axes answers to whoever is locked out (``AXES_LOCKOUT_CALLABLE``)."""
    minutes = round((get_cool_off() or timedelta(minutes=15)).total_seconds() / 60)
    words = _(
        "Too many wrong passwords. Try again in %(minutes)d minutes, or ask the security administrator."
    )
    context = {"locked": words % {"minutes": minutes}, "form": AuthenticationForm(request)}
    if request.path.startswith("/api/"):
        return problem_response(Problem(context["locked"], status=429, kind="locked-out"))
    return render(request, "geo/login.html", context, status=429)


class PasswordForm(PasswordChangeForm):
    """The old password once, the new one twice."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        # One line instead of a rule a line; a password that breaks one is told which.
        self.fields["new_password1"].help_text = _(
            "At least 10 characters and three kinds of them: small letters, capital letters, digits, others."
            " No common password, and none like your name."
        )
        if settings.PASSWORD_HISTORY:
            self.fields["new_password1"].help_text += " " + NotUsedBefore().get_help_text()

    def save(self, commit=True):
        self.user.must_change_password = False
        return super().save(commit)


class PasswordChange(views.PasswordChangeView):
    """One's own password; other sessions end with the old one."""

    template_name = "geo/password.html"
    form_class = PasswordForm

    def get_success_url(self):
        return sessions.home(self.request)

    def form_valid(self, form):
        response = super().form_valid(form)
        audit.log(self.request.user, "password.change", self.request.user, ip=client_address(self.request))
        messages.success(self.request, _("Your password was changed."))
        return response


def watch() -> None:
    """Write log-ins into the audit log. Called once, when the app is ready."""
    user_logged_in.connect(_logged_in, dispatch_uid="audit-login")
    user_logged_out.connect(_logged_out, dispatch_uid="audit-logout")
    user_login_failed.connect(_failed, dispatch_uid="audit-login-failed")


def _logged_in(sender, request, user, **kwargs):
    sessions.begin(request)
    audit.log(user, "login", user, ip=client_address(request))


def _logged_out(sender, request, user, **kwargs):
    if user is not None:
        action = "session.idle" if getattr(request, "unused", False) else "logout"
        audit.log(user, action, user, ip=client_address(request))


def _failed(sender, credentials, request=None, **kwargs):
    # Passwords typed into the name's field happen: only its beginning is kept.
    name = str(credentials.get("username") or "")[:3]
    audit.log(None, "login.failed", ip=client_address(request) if request else None, begins=name)
