"""Cases over HTTP: lists, details, reports, actions."""

from __future__ import annotations

import uuid
from datetime import datetime, time, timedelta
from functools import cached_property, reduce
from operator import and_

from django.contrib.gis.geos import Point
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_view,
    inline_serializer,
)
from rest_framework.decorators import action
from rest_framework.response import Response

from assets.models import Component, ItemType
from cases import actions, queries, supplements, todo
from cases.api.serializers import (
    ActionIn,
    CaseDetail,
    CaseRow,
    NearCase,
    ReportIn,
    RevealIn,
    UnitOut,
)
from cases.evidence import Evidence
from cases.models import Case
from geo import audit
from geo.coordinates import CoordinateError, to_wgs84
from geo.idempotency import HEADER, Idempotent
from geo.models import Organisation, User
from geo.problems import Problem
from geo.rest import ScopedViewSet, bad_parameter, parse_date, parse_number, searched

GROUPS = {"open": queries.open_cases, "ended": lambda: Q(state__in=Case.ENDED)}
DUE = {"overdue": queries.overdue, "late": queries.late, "today": queries.due_today}

# Fields of an action that go on as they are.
PLAIN = (
    *("amount", "day", "desk", "complexity", "kind", "mark"),
    *("answer", "stars", "contacted", "solved", "satisfied"),
)

LIST_PARAMETERS = [
    OpenApiParameter(
        "state", str, description="states separated by commas; also open, ended", explode=False, many=True
    ),
    OpenApiParameter("type", str, description="class or class and type code, e.g. 01 or 0101"),
    OpenApiParameter("kind", str, enum=ItemType.Kind.values),
    OpenApiParameter("source", str, enum=Case.Source.values),
    OpenApiParameter("holder", str, description="code or id of the unit that holds it; mine: own units"),
    OpenApiParameter("due", str, enum=list(DUE)),
    OpenApiParameter("reported", str, description="today, or FROM/TO as days (either may be empty)"),
    OpenApiParameter("closed", str, description="month (this month), or FROM/TO as days"),
    OpenApiParameter(
        "view",
        str,
        description="mine: reported by me; tasks: the next main step is mine, as in /api/me/tasks",
    ),
    OpenApiParameter("urgent", bool),
]


def point_of(data: dict) -> Point:
    """The WGS-84 point of a body's ``lon``, ``lat`` and ``crs``; a problem when they cannot be meant."""
    try:
        return Point(*to_wgs84(data["lon"], data["lat"], data.get("crs") or "wgs84"), srid=4326)
    except CoordinateError as error:
        raise Problem(str(error), errors=[{"pointer": "/lon", "detail": str(error)}]) from None


def unit_of(text: str) -> Organisation | None:
    """A unit by its code, or by its id where no code is so."""
    if not text:
        return None
    unit = Organisation.objects.filter(code=text).first()
    if unit is None and text.isascii() and text.isdigit() and len(text) < 18:
        unit = Organisation.objects.filter(pk=int(text)).first()
    if unit is None:
        detail = _("There is no unit “%s”.") % text
        raise Problem(detail, errors=[{"pointer": "/unit", "detail": detail}])
    return unit


def one_of(model, pointer: str, detail: str, **lookup):
    """A row that the body names, or a problem that points at the name."""
    row = model.objects.filter(**lookup).first()
    if row is None:
        raise Problem(detail, errors=[{"pointer": pointer, "detail": detail}])
    return row


def days(name: str, text: str, field: str) -> Q:
    """``FROM/TO`` (days of Asia/Shanghai, the last included) as a condition on an instant."""
    first, slash, last = text.partition("/")
    if not slash:
        last = first
    condition = Q()
    if first:
        condition &= Q(**{f"{field}__gte": _midnight(name, first)})
    if last:
        condition &= Q(**{f"{field}__lt": _midnight(name, last) + timedelta(days=1)})
    return condition


def _midnight(name: str, text: str) -> datetime:
    day = parse_date(name, text)
    if not 1900 <= day.year <= 2200:
        raise bad_parameter(name, _("%s takes a day of this age.") % name)
    return timezone.make_aware(datetime.combine(day, time.min))


@extend_schema_view(list=extend_schema(parameters=LIST_PARAMETERS))
class CaseViewSet(Idempotent, ScopedViewSet):
    """Cases (案卷)."""

    queryset = Case.objects.all()
    serializer_class = CaseRow
    lookup_field = "number"
    search_fields = ("number", "description", "address")
    search_said = "words that must occur in description or address, or begin the number"
    ordering_fields = ("reported_at", "due_at", "number", "updated_at", "closed_at", "state")
    ordering = ("-reported_at", "-id")
    http_method_names = ("get", "head", "options", "post")

    def get_queryset(self):
        rows = queries.told() if self.action == "retrieve" else queries.listed()
        return rows.for_user(self.request.user)

    def counted(self, queryset):
        parts = queries.listed().apart_for_user(self.request.user)
        return [self.filter_queryset(part) for part in parts]

    def has_word(self, word: str, few: bool = True) -> Q:
        said = queries.said(word, few)
        return said | Q(number__startswith=word.upper()) if word.isascii() else said

    @cached_property
    def found(self) -> list[int] | None:
        """Ids of the user's cases with the words of ``q``; None without words, or where they are many."""
        if not (words := searched(self.request)):
            return None
        parts = map(self._narrowed, queries.listed().apart_for_user(self.request.user))
        said = reduce(and_, (self.has_word(word, few=False) for word in words))
        return queries.looked_up([part.filter(said) for part in parts])

    def get_serializer_class(self):
        return CaseDetail if self.action == "retrieve" else CaseRow

    def filter_queryset(self, queryset):
        queryset = self._narrowed(queryset)
        if self.action in ("list", "counts") and self.found is not None:
            queryset = queryset.filter(pk__in=self.found)
        return queryset

    def _narrowed(self, queryset):
        queryset = super().filter_queryset(queryset)
        if self.action in ("list", "counts"):
            queryset = narrow(queryset, self.request, without_state=self.action == "counts")
        return queryset

    def _told(self, number: str, status: int = 200) -> Response:
        """The case as this user may see it; whoever acted sees the result even when it left their scope."""
        case = queries.told().get(number=number)
        data = CaseDetail(case, context=self.get_serializer_context() | {"view": self}).data
        return Response(data, status=status, headers={"Location": reverse("case-detail", args=[number])})

    @extend_schema(request=ReportIn, responses={201: CaseDetail, 200: CaseDetail})
    def create(self, request):
        """Report a problem. A second send under the same client key gets the first case (200)."""
        body = ReportIn(data=request.data)
        body.is_valid(raise_exception=True)
        data = body.validated_data
        key = data.get("client_key") or _uuid(request.headers.get(HEADER)) or uuid.uuid4()
        place = actions.Place(
            point=point_of(data),
            raw_lon=data["lon"],
            raw_lat=data["lat"],
            crs=data["crs"].lower(),
            source=data["position_source"],
            accuracy_m=data.get("accuracy_m"),
            fix_at=data.get("fix_at"),
        )
        kind = component = None
        if data.get("type") is not None:
            kind = one_of(ItemType, "/type", _("There is no such type."), pk=data["type"], active=True)
        if data["component"]:
            component = one_of(
                Component,
                "/component",
                _("There is no component %s.") % data["component"],
                code=data["component"],
            )
        case, is_new = actions.report(
            request.user,
            place,
            client_key=key,
            source=data["source"],
            type=kind,
            component=component,
            description=data["description"],
            address=data["address"],
            photos=[Evidence(**photo) for photo in data["attachments"]],
            self_handled=data["self_handled"],
            urgent=data["urgent"],
            duplicate_of=data["duplicate_of"] or "",
            device_at=data.get("device_at"),
            flow_name=data["flow"],
            complaint_kind=data["complaint_kind"],
            contact=actions.Contact(**data["contact"]) if data.get("contact") else None,
        )
        return self._told(case.number, 201 if is_new else 200)

    @extend_schema(
        request=ActionIn, responses={200: CaseDetail, 409: OpenApiResponse(description="too late")}
    )
    @action(detail=True, methods=["post"], url_path=r"actions/(?P<verb>[a-z_]+)", url_name="act")
    def act(self, request, number, verb):
        """Carry out an action of the flow. 409 tells who was faster and what the case is now."""
        body = ActionIn(data=request.data)
        body.is_valid(raise_exception=True)
        data = body.validated_data
        position = data.get("position")
        if position is None and data.get("lon") is not None and data.get("lat") is not None:
            position = {name: data.get(name) for name in ("lon", "lat", "crs", "accuracy_m")}
        given = actions.Given(
            reason=data["reason"],
            unit=unit_of(data["unit"]),
            type=one_of(ItemType, "/type", _("There is no such type."), pk=data["type"], active=True)
            if data.get("type") is not None
            else None,
            standard=data.get("standard"),
            duplicate_of=data["duplicate_of"],
            verifier=one_of(User, "/verifier", _("There is no such person."), pk=data["verifier"])
            if data.get("verifier") is not None
            else None,
            photos=[Evidence(**photo) for photo in data["attachments"]],
            position=point_of(position) if position else None,
            accuracy_m=position.get("accuracy_m") if position else None,
            device_at=data.get("device_at"),
            client_key=data.get("client_key") or _uuid(request.headers.get(HEADER)),
            units=[unit_of(text) for text in data["units"]],
            **{name: data.get(name) for name in PLAIN},
        )
        actions.act(number, verb, request.user, given)
        return self._told(number)

    @extend_schema(request=ActionIn, responses={200: CaseDetail})
    @action(detail=True, methods=["post"], url_path="supplements", url_name="supplement")
    def supplement(self, request, number):
        """Add words (``reason``) and photos to an open case: the same problem, seen again."""
        body = ActionIn(data=request.data)
        body.is_valid(raise_exception=True)
        data = body.validated_data
        position = data.get("position")
        given = actions.Given(
            reason=data["reason"],
            photos=[Evidence(**photo) for photo in data["attachments"]],
            position=point_of(position) if position else None,
            accuracy_m=position.get("accuracy_m") if position else None,
            device_at=data.get("device_at"),
            client_key=data.get("client_key") or _uuid(request.headers.get(HEADER)),
        )
        supplements.supplement(number, request.user, given)
        return self._told(number)

    @extend_schema(
        parameters=LIST_PARAMETERS,
        responses={
            200: {
                "type": "object",
                "properties": {
                    "states": {"type": "object", "additionalProperties": {"type": "integer"}},
                    **{name: {"type": "integer"} for name in ("all", "open", "overdue", "late", "due_today")},
                },
            }
        },
    )
    @action(detail=False, pagination_class=None)
    def counts(self, request):
        """How many per state and deadline under the list's filters (10,001: more than 10,000)."""
        rows = self.filter_queryset(self.get_queryset())
        return Response(queries.counts(rows, self.counted(rows)))

    @extend_schema(
        parameters=[
            OpenApiParameter("lon", float, required=True),
            OpenApiParameter("lat", float, required=True),
            OpenApiParameter("crs", str),
            OpenApiParameter("type", int, description="id of the type"),
            OpenApiParameter("component", str, description="code of the component"),
        ],
        responses=inline_serializer("NearCases", {"results": NearCase(many=True)}),
    )
    @action(detail=False, pagination_class=None, filter_backends=())
    def duplicates(self, request):
        """Open cases that may be the same problem: by component, then type within 20 m, class within 50 m."""
        query = request.query_params
        point = point_of(
            {
                "lon": parse_number("lon", query.get("lon", ""), -1e7, 1e8),
                "lat": parse_number("lat", query.get("lat", ""), -1e7, 1e8),
                "crs": query.get("crs", ""),
            }
        )
        kind = None
        if text := query.get("type"):
            kind = ItemType.objects.filter(pk=int(parse_number("type", text, 1, 2**31))).first()
        component = Component.objects.filter(code=query.get("component", "")).first()
        rows = queries.likely_duplicates(request.user, point, type=kind, component=component)
        return Response({"results": NearCase(rows, many=True, context=self.get_serializer_context()).data})

    @extend_schema(responses=inline_serializer("Units", {"results": UnitOut(many=True)}))
    @action(detail=True, pagination_class=None, filter_backends=())
    def units(self, request, number):
        """Units this case can be dispatched to."""
        rows = queries.units_for(self.get_object())
        return Response({"results": UnitOut(rows, many=True).data})

    @extend_schema(
        request=RevealIn,
        responses={
            200: {
                "type": "object",
                "properties": {name: {"type": "string"} for name in ("name", "phone", "email")},
            }
        },
    )
    @action(detail=True, methods=["post"], url_path="reveal-contact")
    def reveal(self, request, number):
        """Read the reporter's contact. Every look is written to the audit log."""
        case = self.get_object()
        if not queries.may_reveal(request.user, case):
            raise Problem(_("Your role does not read reporters' contacts."), status=403, kind="forbidden")
        contact = getattr(case, "reporter_contact", None)
        if contact is None:
            raise Problem(_("No contact was left."), status=404, kind="not-found")
        body = RevealIn(data=request.data)
        body.is_valid(raise_exception=True)
        reason = body.validated_data["reason"].strip()
        if not reason:
            detail = _("Say what you need the contact for; it is written to the audit log.")
            raise Problem(detail, errors=[{"pointer": "/reason", "detail": detail}])
        audit.log(request.user, "case.reveal_contact", case, reason=reason, area_code=case.area_code)
        return Response({"name": contact.name, "phone": contact.phone, "email": contact.email})


def _uuid(text: str | None) -> uuid.UUID | None:
    try:
        return uuid.UUID(text) if text else None
    except ValueError:
        return None


def narrow(queryset, request, *, without_state: bool = False):
    """The list's own filters; see ``LIST_PARAMETERS``."""
    query = request.query_params
    if (text := query.get("state")) and not without_state:
        condition = Q(pk__in=[])
        for name in text.split(","):
            if name not in GROUPS and name not in Case.State.values:
                known = ", ".join([*GROUPS, *Case.State.values])
                raise bad_parameter("state", _("state takes one of: %s.") % known)
            condition |= GROUPS[name]() if name in GROUPS else Q(state=name)
        queryset = queryset.filter(condition)
    if text := query.get("type"):
        queryset = queryset.filter(type__class_code=text[:2])
        if text[2:]:
            queryset = queryset.filter(type__type_code=text[2:])
    for name, path in (("kind", "type__kind"), ("source", "source")):
        if text := query.get(name):
            queryset = queryset.filter(**{path: text})
    if text := query.get("holder"):
        if text == "mine":
            queryset = queryset.filter(holder_unit_id__in=request.user.scope.units("cases.handle"))
        else:
            try:
                queryset = queryset.filter(holder_unit=unit_of(text))
            except Problem as problem:
                raise bad_parameter("holder", problem.detail) from None
    if text := query.get("due"):
        if text not in DUE:
            raise bad_parameter("due", _("due takes one of: %s.") % ", ".join(DUE))
        queryset = queryset.filter(DUE[text]())
    if text := query.get("reported"):
        if text == "today":
            start, end = queries.today()
            queryset = queryset.filter(reported_at__gte=start, reported_at__lt=end)
        else:
            queryset = queryset.filter(days("reported", text, "reported_at"))
    if text := query.get("closed"):
        if text == "month":
            queryset = queryset.filter(queries.closed_since(queries.month_start()))
        else:
            queryset = queryset.filter(days("closed", text, "closed_at"))
    if query.get("urgent") in ("true", "1"):
        queryset = queryset.filter(urgent=True)
    view = query.get("view")
    if view == "mine":
        queryset = queryset.filter(reporter=request.user)
    elif view == "tasks":
        queryset = queryset.filter(todo.mine(request.user))
    return queryset
