"""REST resources of the ground: attachments, the key to the event stream, search."""

from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from geo import attachments, events, search, sessions, stream_token
from geo.models import Attachment, Dictionary, DictionaryItem
from geo.net import client_address


class AttachmentSerializer(serializers.ModelSerializer):
    """An attachment as its viewers see it; where it was taken is told to its owner alone.

    Whose it is stays hidden from whom the reporter is hidden from.
    """

    shown = serializers.SerializerMethodField()
    thumbnail = serializers.SerializerMethodField()
    public = serializers.SerializerMethodField()
    position = serializers.SerializerMethodField()
    owner = serializers.SerializerMethodField()

    class Meta:
        model = Attachment
        fields = [
            "uuid",
            "media_type",
            "size",
            "width",
            "height",
            "owner",
            "taken_at",
            "created_at",
            "review",
            "shown",
            "thumbnail",
            "public",
            "position",
        ]

    def _address(self, attachment, kind: str) -> str | None:
        return reverse("attachment-file", args=[attachment.uuid, kind]) if getattr(attachment, kind) else None

    def get_shown(self, attachment) -> str | None:
        return self._address(attachment, "shown")

    def get_thumbnail(self, attachment) -> str | None:
        return self._address(attachment, "thumbnail")

    def get_public(self, attachment) -> str | None:
        return self._address(attachment, "public")

    def get_owner(self, attachment) -> str | None:
        request = self.context.get("request")
        knows = request is not None and attachment.owner and attachments.may_know(request.user, attachment)
        return attachment.owner.name if knows else None

    def get_position(self, attachment) -> list[float] | None:
        request = self.context.get("request")
        mine = (
            request is not None and attachment.owner_id is not None and attachment.owner_id == request.user.pk
        )
        return list(attachment.exif_position.coords) if mine and attachment.exif_position else None


class UploadSerializer(serializers.Serializer):
    """What a client sends: the file, and its own UUID for it, under which it may send again."""

    file = serializers.FileField()
    uuid = serializers.UUIDField(required=False)


class ReviewSerializer(serializers.Serializer):
    """A look at a photo: may it be public, and what must be unreadable in it."""

    passed = serializers.BooleanField()
    rectangles = serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField(), min_length=4, max_length=4),
        required=False,
        default=list,
        max_length=100,
    )
    reason = serializers.CharField(required=False, default="", max_length=500, allow_blank=True)


class AttachmentList(APIView):
    """Photos and recordings, taken in before what they belong to."""

    permission_classes = [IsAuthenticated]
    parser_classes = [MultiPartParser, FormParser]

    @extend_schema(
        operation_id="attachments_create",
        request={"multipart/form-data": UploadSerializer},
        responses={
            201: AttachmentSerializer,
            200: OpenApiResponse(AttachmentSerializer, description="Sent before under this UUID."),
        },
    )
    def post(self, request):
        data = UploadSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        row, is_new = attachments.store(
            request.user, data.validated_data["file"], data.validated_data.get("uuid")
        )
        body = AttachmentSerializer(row, context={"request": request}).data
        address = reverse("attachment", args=[row.uuid])
        return Response(body, status=201 if is_new else 200, headers={"Location": address})


class AttachmentDetail(APIView):
    """What is known of one attachment."""

    permission_classes = [IsAuthenticated]

    @extend_schema(operation_id="attachments_retrieve", responses=AttachmentSerializer)
    def get(self, request, uuid):
        row = attachments.visible(request.user, uuid)
        return Response(AttachmentSerializer(row, context={"request": request}).data)


class AttachmentFile(APIView):
    """The bytes: ``shown`` and ``thumbnail`` without EXIF, ``original``, and ``public`` for anybody."""

    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="attachments_file",
        parameters=[OpenApiParameter("kind", str, "path", enum=attachments.KINDS)],
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(self, request, uuid, kind):
        return attachments.deliver(request.user, uuid, kind, ip=client_address(request))


class AttachmentReview(APIView):
    """Say that a photo was looked at."""

    permission_classes = [IsAuthenticated]
    parser_classes = [JSONParser]

    @extend_schema(
        operation_id="attachments_review", request=ReviewSerializer, responses={200: AttachmentSerializer}
    )
    def post(self, request, uuid):
        data = ReviewSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        row = attachments.visible(request.user, uuid)
        said = data.validated_data
        row = attachments.review(request.user, row, said["passed"], said["rectangles"], reason=said["reason"])
        return Response(AttachmentSerializer(row, context={"request": request}).data)


class EventTokenSerializer(serializers.Serializer):
    """The key to ``/events/``: open ``url?token=…`` as an EventSource."""

    token = serializers.CharField()
    url = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="Seconds; the connection ends with its token.")


class EventToken(APIView):
    """A short-lived token that says what its user may hear of."""

    permission_classes = [IsAuthenticated]

    @extend_schema(operation_id="events_token", responses=EventTokenSerializer)
    def get(self, request):
        token = stream_token.issue(request.user.pk, events.stream_rules(request.user))
        body = {"token": token, "url": "/events/", "expires_in": stream_token.LIFETIME}
        return Response(body, headers={"Cache-Control": "no-store"})


class SessionSerializer(serializers.Serializer):
    """How long a session that nobody uses still lasts. 0 seconds: it does not end for that."""

    left = serializers.IntegerField(help_text="Seconds until it ends if nothing is done.")
    warning = serializers.IntegerField(help_text="Seconds before its end at which the user is told.")


class SessionView(APIView):
    """The idle time-out: reading it is no use of the session, writing says that somebody is there."""

    permission_classes = [IsAuthenticated]

    def _answer(self, request) -> Response:
        body = {"left": sessions.left(request), "warning": sessions.warning(request)}
        return Response(body, headers={"Cache-Control": "no-store"})

    @extend_schema(operation_id="session_left", responses=SessionSerializer)
    def get(self, request):
        return self._answer(request)

    @extend_schema(operation_id="session_stay", request=None, responses=SessionSerializer)
    def post(self, request):
        sessions.stay(request)
        return self._answer(request)


class FoundOut(serializers.Serializer):
    """One result: ``code`` names the row, ``url`` its page if it has one, lon and lat (WGS-84) its place."""

    title = serializers.CharField()
    detail = serializers.CharField(allow_blank=True)
    code = serializers.CharField(allow_blank=True)
    url = serializers.CharField(allow_blank=True)
    lon = serializers.FloatField(allow_null=True)
    lat = serializers.FloatField(allow_null=True)


class FoundGroup(serializers.Serializer):
    """Results of one kind."""

    id = serializers.CharField()
    label = serializers.CharField()
    results = FoundOut(many=True)


class SearchView(APIView):
    """Anything by code, number, address, coordinate pair, name of a place, or person on duty."""

    permission_classes = [IsAuthenticated]

    @extend_schema(
        operation_id="search",
        parameters=[OpenApiParameter("q", str, required=True, description="two characters or more")],
        responses=inline_serializer("Found", {"groups": FoundGroup(many=True)}),
    )
    def get(self, request):
        """At most five of each kind, within the caller's scope; residents are never found."""
        groups = search.search(request.user, request.query_params.get("q", ""))
        return Response({"groups": groups}, headers={"Cache-Control": "private, no-store"})


class WordSerializer(serializers.ModelSerializer):
    """A word of a dictionary, in the caller's language."""

    label = serializers.SerializerMethodField()

    class Meta:
        model = DictionaryItem
        fields = ["code", "label", "name", "name_en"]

    def get_label(self, item) -> str:
        return str(item)


class DictionaryWords(APIView):
    """The words in use of one dictionary (reasons to return, to extend, …), in their order."""

    permission_classes = [IsAuthenticated]

    @extend_schema(operation_id="dictionaries_words", responses=WordSerializer(many=True))
    def get(self, request, code):
        found = get_object_or_404(Dictionary, code=code)
        return Response(WordSerializer(found.items.filter(active=True), many=True).data)
