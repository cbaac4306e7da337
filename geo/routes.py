"""Addresses of this app."""

from django.conf import settings
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path
from django.views.decorators.cache import cache_control
from django.views.i18n import JavaScriptCatalog

# The catalogue changes with the product's version, that is with a restart.
catalogue = cache_control(private=True, max_age=3600)(JavaScriptCatalog.as_view(packages=settings.OWN_APPS))

urlpatterns = [
    path("login/", LoginView.as_view(template_name="geo/login.html"), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("jsi18n/", catalogue, name="jsi18n"),
    path("i18n/", include("django.conf.urls.i18n")),
]
