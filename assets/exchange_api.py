"""Exports through the API: ask, look, fetch."""

from django.urls import reverse
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from assets import exchange as exchanges
from assets.exporting import CRS, FORMATS
from assets.models import Exchange
from geo.idempotency import Idempotent
from geo.problems import Problem
from geo.rest import parse_area


class ExportSerializer(serializers.ModelSerializer):
    """An export of mine; ``download`` is there once it is done."""

    layer = serializers.CharField(source="options.layer", read_only=True)
    format = serializers.CharField(source="options.format", read_only=True)
    crs = serializers.CharField(source="options.crs", read_only=True)
    area = serializers.CharField(source="options.area", read_only=True)
    rows = serializers.IntegerField(source="result.rows", read_only=True, default=None, allow_null=True)
    download = serializers.SerializerMethodField()

    class Meta:
        model = Exchange
        fields = (
            "uuid",
            "state",
            "layer",
            "format",
            "crs",
            "area",
            "file_name",
            "rows",
            "done",
            "total",
            "message",
            "created_at",
            "finished_at",
            "download",
        )

    def get_download(self, row) -> str | None:
        if row.state != Exchange.State.DONE:
            return None
        return reverse("exchange-download", args=[row.uuid, "file"])


class ExportAsk(serializers.Serializer):
    """What to export."""

    layer = serializers.CharField(max_length=40)
    format = serializers.ChoiceField(list(FORMATS), default="gpkg")
    crs = serializers.ChoiceField(list(CRS), default="4326")
    area = serializers.CharField(required=False, default="", allow_blank=True, help_text="code prefix")


class ExportList(Idempotent, APIView):
    """My exports, the latest first; asking for one."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(responses=ExportSerializer(many=True))
    def get(self, request):
        """The latest 50 of my exports."""
        rows = Exchange.objects.filter(owner=request.user, kind=Exchange.Kind.EXPORT)[:50]
        return Response(ExportSerializer(rows, many=True).data)

    @extend_schema(
        request=ExportAsk, responses={202: OpenApiResponse(ExportSerializer, "asked for; look again")}
    )
    def post(self, request):
        """Ask for a layer as a file; it is written in the background and kept for a week."""
        data = ExportAsk(data=request.data)
        data.is_valid(raise_exception=True)
        asked = dict(data.validated_data)
        if asked["area"]:
            parse_area(asked["area"])
        exchange = exchanges.ask_export(request.user, **asked)
        return Response(ExportSerializer(exchange).data, status=202)


class ExportDetail(APIView):
    """One export of mine."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(responses=ExportSerializer)
    def get(self, request, uuid):
        """How far it is."""
        rows = Exchange.objects.filter(owner=request.user, kind=Exchange.Kind.EXPORT)
        exchange = rows.filter(uuid=uuid).first()
        if exchange is None:
            raise Problem(_("Not found, or not within your scope."), status=404, kind="not-found")
        return Response(ExportSerializer(exchange).data)
