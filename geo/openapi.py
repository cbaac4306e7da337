"""The API's own description, and a page to read and try it; both need nothing from elsewhere."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

from geo.middleware import POLICY

# Swagger UI sets styles from its script; nothing else is widened, and nowhere else.
DOCS_POLICY = POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")


class BasicScheme(OpenApiAuthenticationExtension):
    """How the description names ``geo.authentication.Basic``."""

    target_class = "geo.authentication.Basic"
    name = "basicAuth"

    def get_security_definition(self, auto_schema):
        return {"type": "http", "scheme": "basic"}


class Schema(SpectacularAPIView):
    """The OpenAPI document, complete in itself."""

    permission_classes = (AllowAny,)
    schema = None


class Docs(SpectacularSwaggerSplitView):
    """The OpenAPI document as a page; its scripts and styles are our own files."""

    permission_classes = (AllowAny,)
    schema = None

    def finalize_response(self, request, response, *args, **kwargs):
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Content-Security-Policy"] = DOCS_POLICY
        return response


class Root(APIView):
    """Where the API begins: its description, and what a program asks first."""

    permission_classes = (AllowAny,)
    schema = None

    def get(self, request):
        """Addresses to begin with."""
        names = {"schema": "api-schema", "docs": "api-docs", "locate": "locate", "cases": "case-list"}
        return Response({key: reverse(name, request=request) for key, name in names.items()})
