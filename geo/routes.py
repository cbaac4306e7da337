"""Addresses of this app."""

from django.conf import settings
from django.contrib.auth.views import LogoutView
from django.urls import include, path
from django.views.decorators.cache import cache_control
from django.views.i18n import JavaScriptCatalog

from geo import api, health, openapi
from geo.pages import login, outputs, photos, scope, wishes

# The catalogue changes with the product's version, that is with a restart.
catalogue = cache_control(private=True, max_age=3600)(JavaScriptCatalog.as_view(packages=settings.OWN_APPS))

urlpatterns = [
    path("login/", login.Login.as_view(), name="login"),
    path("login/captcha.png", login.captcha_picture, name="captcha"),
    path("password/", login.PasswordChange.as_view(), name="password_change"),
    path("manage/", include("geo.manage_routes")),
    path("photos/", photos.photos, name="photos"),
    path("photos/<uuid:uuid>/", photos.photo, name="photo"),
    path("scope/", scope.choose_scope, name="choose-scope"),
    path("me/notifications/", wishes.my_notifications, name="my-notifications"),
    path("outputs/", outputs.outputs_page, name="outputs"),
    path("outputs/<uuid:uuid>/", outputs.output_file, name="output-file"),
    path("outputs/<int:pk>/cancel/", outputs.output_cancel, name="output-cancel"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("jsi18n/", catalogue, name="jsi18n"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("healthz", health.healthz, name="healthz"),
    path("metrics", health.metrics, name="metrics"),
    path("api/", openapi.Root.as_view(), name="api-root"),
    path("api/schema/", openapi.Schema.as_view(), name="api-schema"),
    path("api/docs/", openapi.Docs.as_view(url_name="api-schema"), name="api-docs"),
    path("api/session", api.SessionView.as_view(), name="session"),
    path("api/search", api.SearchView.as_view(), name="search"),
    path("api/events/token", api.EventToken.as_view(), name="events-token"),
    path("api/dictionaries/<slug:code>/", api.DictionaryWords.as_view(), name="dictionary-words"),
    path("api/attachments/", api.AttachmentList.as_view(), name="attachments"),
    path("api/attachments/<uuid:uuid>/", api.AttachmentDetail.as_view(), name="attachment"),
    path("api/attachments/<uuid:uuid>/review", api.AttachmentReview.as_view(), name="attachment-review"),
    path("api/attachments/<uuid:uuid>/<slug:kind>", api.AttachmentFile.as_view(), name="attachment-file"),
]
