"""Addresses of the three administrators' pages, below ``/manage/``."""

from django.urls import path

from geo.pages import audit_log, people, rights, tables

urlpatterns = [
    path("users/", people.users, name="manage-users"),
    path("users/new", people.user, name="manage-user-new"),
    path("users/<int:pk>/", people.user, name="manage-user"),
    path("users/<int:pk>/password", people.user_password, name="manage-user-password"),
    path("organisations/", people.organisations, name="manage-organisations"),
    path("organisations/new", people.organisation, name="manage-organisation-new"),
    path("organisations/<int:pk>/", people.organisation, name="manage-organisation"),
    path("grants/", rights.grants, name="manage-all-grants"),
    path("grants/<int:pk>/", rights.user_grants, name="manage-grants"),
    path("grants/<int:pk>/revoke", rights.revoke, name="manage-revoke"),
    path("grants/<int:pk>/unlock", rights.unlock, name="manage-unlock"),
    path("roles/", rights.roles, name="manage-roles"),
    path("roles/new", rights.role, name="manage-role-new"),
    path("roles/<int:pk>/", rights.role, name="manage-role"),
    path("audit/", audit_log.log, name="manage-audit"),
    path("audit/export", audit_log.export, name="manage-audit-export"),
    path("dictionaries/", tables.dictionaries, name="manage-dictionaries"),
    path("dictionaries/words/<int:pk>/", tables.word, name="manage-word"),
    path("dictionaries/<slug:code>/", tables.dictionary, name="manage-dictionary"),
    path("calendar/", tables.calendar, name="manage-calendar"),
    path("calendar/<slug:kind>/<int:pk>/delete", tables.calendar_delete, name="manage-calendar-delete"),
]
