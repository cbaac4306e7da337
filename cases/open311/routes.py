"""Addresses below ``/open311/v2/``; the ending says the form."""

from django.urls import path, register_converter

from cases.open311 import views


class Form:
    regex = "json|xml"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(Form, "o311")

urlpatterns = [
    path("", views.root, name="open311"),
    path("discovery.<o311:form>", views.discovery, name="open311-discovery"),
    path("services.<o311:form>", views.service_list, name="open311-services"),
    path("services/<str:service>.<o311:form>", views.service_definition, name="open311-service"),
    path("requests.<o311:form>", views.requests, name="open311-requests"),
    path("requests/<str:number>.<o311:form>", views.request, name="open311-request"),
    path("tokens/<str:token>.<o311:form>", views.token, name="open311-token"),
    path("servicerequestupdates.<o311:form>", views.updates, name="open311-updates"),
    path("<path:rest>.<o311:form>", views.nothing),
]
