"""Cases as JSON: what goes out in lists and details, what comes in with reports and actions."""

from __future__ import annotations

import functools

from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from assets.api import TypeSerializer
from assets.models import Component
from cases import deadlines, dispatch, flow, inputs, queries, repeats
from cases.actions import label_of, said_before
from cases.models import Case, CaseAttachment, Transition
from geo.events import row_hash
from geo.models import Area, Organisation
from geo.rest import PlacedSerializer
from grids.models import RawPosition


class UnitOut(serializers.ModelSerializer):
    """A unit with its duty phone."""

    class Meta:
        model = Organisation
        fields = ("id", "code", "name", "kind", "phone")


class PersonOut(serializers.Serializer):
    """A person by id and name."""

    id = serializers.IntegerField(source="pk")
    name = serializers.CharField(source="__str__")


class GridOut(serializers.Serializer):
    """A grid by code and name."""

    code = serializers.CharField()
    name = serializers.CharField()


class CaseRow(PlacedSerializer):
    """A case in a list. ``row`` is its name in events and tiles; ``due_at`` the deadline running now."""

    row = serializers.SerializerMethodField()
    state_label = serializers.CharField(source="get_state_display", read_only=True)
    flow_label = serializers.SerializerMethodField()
    source_label = serializers.CharField(source="get_source_display", read_only=True)
    type = TypeSerializer(read_only=True)
    type_name = serializers.SerializerMethodField()
    thumbnail_url = serializers.SerializerMethodField()
    holder_unit = UnitOut(read_only=True)
    verifier = PersonOut(read_only=True)
    distance_m = serializers.FloatField(read_only=True, default=None)

    class Meta:
        model = Case
        fields = (
            "number",
            "row",
            "state",
            "state_label",
            "flow",
            "flow_label",
            "phase",
            "source",
            "source_label",
            "type",
            "type_name",
            "description",
            "thumbnail_url",
            "address",
            "urgent",
            "self_handled",
            "holder_unit",
            "verifier",
            "due_at",
            "handle_due_at",
            "reported_at",
            "closed_at",
            "updated_at",
            "return_count",
            "rework_count",
            "extended_count",
            "difficult",
            "supervised",
            "supervision_level",
            "mark",
            "complaint_kind",
            "complexity",
            "distance_m",
            *PlacedSerializer.PLACE,
        )

    def get_type_name(self, case) -> str:
        return str(case.type or "")

    def get_flow_label(self, case) -> str:
        return str(flow.flow_of(case).label)

    def get_row(self, case) -> str:
        return row_hash("cases", case.pk)

    def get_thumbnail_url(self, case) -> str | None:
        picture = getattr(case, "picture", None)
        return reverse("attachment-file", args=[picture, "thumbnail"]) if picture else None


class NearCase(CaseRow):
    """A case near a point: how far, and why it may be the same problem."""

    why = serializers.CharField(read_only=True, required=False)

    class Meta(CaseRow.Meta):
        fields = (*CaseRow.Meta.fields, "why")


class PhotoOut(serializers.ModelSerializer):
    """A photo or recording of a case."""

    uuid = serializers.UUIDField(source="attachment.uuid")
    media_type = serializers.CharField(source="attachment.media_type")
    taken_at = serializers.DateTimeField(source="attachment.taken_at")
    phase_label = serializers.CharField(source="get_phase_display")
    shown = serializers.SerializerMethodField()
    thumbnail = serializers.SerializerMethodField()

    class Meta:
        model = CaseAttachment
        fields = (
            "uuid",
            "phase",
            "phase_label",
            "media_type",
            "taken_at",
            "shown",
            "thumbnail",
        )

    def get_shown(self, row) -> str | None:
        return _file(row, "shown")

    def get_thumbnail(self, row) -> str | None:
        return _file(row, "thumbnail")


def _file(row, kind: str) -> str | None:
    if not getattr(row.attachment, kind):
        return None
    return reverse("attachment-file", args=[row.attachment.uuid, kind])


class TransitionOut(serializers.ModelSerializer):
    """A line of the log. The reporter's name is left out for those who may not know it."""

    label = serializers.SerializerMethodField()
    from_label = serializers.SerializerMethodField()
    to_label = serializers.SerializerMethodField()
    actor = serializers.SerializerMethodField()
    unit = UnitOut(read_only=True)
    to_unit = UnitOut(read_only=True)
    decision = serializers.SerializerMethodField()
    position = serializers.SerializerMethodField()

    class Meta:
        model = Transition
        fields = (
            "id",
            "action",
            "label",
            "from_state",
            "from_label",
            "to_state",
            "to_label",
            "actor",
            "role",
            "unit",
            "to_unit",
            "at",
            "device_at",
            "reason",
            "decision",
            "position",
        )

    def _hidden(self, line) -> bool:
        case = self.context["case"]
        user = self.context["request"].user
        return queries.hides_actor(user, line, case, self.context["sees_reporter"])

    def get_label(self, line) -> str:
        return label_of(self.context["case"], line.action)

    def get_from_label(self, line) -> str:
        return _state_label(self.context["case"], line.from_state)

    def get_to_label(self, line) -> str:
        return _state_label(self.context["case"], line.to_state)

    @extend_schema_field(PersonOut(allow_null=True))
    def get_actor(self, line):
        if line.actor_id is None or self._hidden(line):
            return None
        return PersonOut(line.actor).data

    def to_representation(self, line):
        data = super().to_representation(line)
        if self._hidden(line):
            data["unit"] = None
            data["role"] = ""
        return data

    def get_decision(self, line) -> str:
        return dispatch.explain(line.detail.get("decision"))

    def get_position(self, line) -> list[float] | None:
        return list(line.position.coords) if line.position and not self._hidden(line) else None


def _state_label(case: Case, state: str) -> str:
    return flow.flow_of(case).state_label(state)


class TaskRow(CaseRow):
    """A case that waits for this person: what can be done about it, or what stands against the main step."""

    actions = serializers.SerializerMethodField()
    hindrance = serializers.SerializerMethodField()

    class Meta(CaseRow.Meta):
        fields = (*CaseRow.Meta.fields, "actions", "hindrance")

    # A list has one of these for all its rows: what an input offers is read once, the form is built once.
    @functools.cached_property
    def _offered(self):
        return functools.cache(inputs.choices)

    @functools.cached_property
    def _action(self):
        return ActionOut(many=True)

    @extend_schema_field(serializers.ListField(child=serializers.DictField()))
    def get_actions(self, case):
        actions = actions_for(self.context["request"].user, case, self._offered)
        return self._action.to_representation(actions)

    def get_hindrance(self, case) -> str:
        return flow.hindrance(self.context["request"].user, case)


class InputOut(serializers.Serializer):
    """One of the smaller inputs of an action: what it is called, how it is asked for, and between what.

    ``kind``: "choice" (one of ``choices``, as [value, words]), "number" (``unit`` in words, at most
    ``most``), "day" (``first`` to ``last``), "unit" and "units" (of ``/api/cases/NUMBER/units/``).
    """

    name = serializers.CharField()
    label = serializers.CharField()
    kind = serializers.CharField()
    needed = serializers.BooleanField()
    choices = serializers.ListField(
        child=serializers.ListField(child=serializers.CharField()), required=False
    )
    value = serializers.CharField(required=False)
    unit = serializers.CharField(required=False)
    most = serializers.FloatField(required=False)
    first = serializers.DateField(required=False)
    last = serializers.DateField(required=False)


class ActionOut(serializers.Serializer):
    """What the user can do now, what it needs, and what happens next and by when."""

    action = serializers.CharField()
    label = serializers.CharField()
    main = serializers.BooleanField()
    danger = serializers.BooleanField()
    needs = serializers.ListField(child=serializers.CharField())
    takes = serializers.ListField(child=serializers.CharField())
    to_state = serializers.CharField()
    to_label = serializers.CharField()
    next = serializers.CharField()
    next_due_at = serializers.DateTimeField(allow_null=True)
    inputs = InputOut(many=True)


def actions_for(user, case: Case, offered=inputs.choices) -> list[dict]:
    """The open moves as ``ActionOut`` tells them; ``offered`` as ``inputs.of`` takes it."""
    now = timezone.now()
    table = flow.flow_of(case)
    known = {name for name in (flow.COMPLEXITY, flow.KIND) if said_before(case, name)}
    known |= {flow.TYPE} if case.type_id else set()
    answer = []
    for move in flow.allowed(user, case):
        end = move.leads_to(case.state)
        state = end
        for then in move.then:
            if follow := next((m for m in table.of(then) if m.by == flow.SYSTEM and state in m.start), None):
                # Whether a rule decides is seen when it is tried.
                state = follow.end if "auto_dispatched" not in follow.effects else state
        if "dispatched" in move.effects:
            due = deadlines.handling_due(case, now)
        elif table.clock(state) == "handle" or end == case.state:
            due = case.due_at if end == case.state else case.handle_due_at
        else:
            due = table.due(state, now, case.area_code)
        answer.append(
            {
                "action": move.action,
                "label": str(move.label),
                "main": move.main,
                "danger": move.danger,
                "needs": [
                    need
                    for need in move.needs
                    if need not in known and not (need == flow.PHOTO and case.type_id and case.type.no_photo)
                ],
                "takes": [*move.takes, *(need for need in move.needs if need in known)],
                "inputs": inputs.of(case, move, known, offered),
                "to_state": end if end != flow.BEFORE else "",
                "to_label": table.state_label(end),
                "next": str(move.next),
                "next_due_at": due,
            }
        )
    return answer


class ComponentOut(serializers.ModelSerializer):
    """The component a case is about."""

    type = TypeSerializer(read_only=True)
    state_label = serializers.CharField(source="get_state_display", read_only=True)

    class Meta:
        model = Component
        fields = ("code", "name", "type", "state", "state_label")


class DecisionOut(serializers.Serializer):
    """Why the holder holds it, or why nobody could be found: in words, with the rule and its drawn area."""

    reason = serializers.ChoiceField(["maintenance", "owner", "rule", "tie", "none", "hand"])
    text = serializers.CharField()
    rule = serializers.IntegerField(allow_null=True)
    name = serializers.CharField(allow_null=True)
    by_type = serializers.CharField(allow_null=True)
    by_place = serializers.CharField(allow_null=True)
    area = serializers.CharField(allow_null=True)
    basis = serializers.CharField(allow_null=True)
    party = serializers.CharField(allow_null=True)
    post = serializers.CharField(allow_null=True)
    person_name = serializers.CharField(allow_null=True)
    manual = serializers.CharField(allow_null=True)
    polygon = serializers.JSONField(allow_null=True)
    rules = serializers.ListField(child=serializers.DictField())
    instead_of = serializers.CharField(allow_null=True)


def decision_out(decision: dict | None) -> dict | None:
    if not decision:
        return None
    names = ("rule", "name", "by_type", "by_place", "area", "basis", "polygon")
    kept = {key: decision.get(key) for key in (*names, "party", "post", "person_name", "manual")}
    earlier = decision.get("instead_of")
    return {
        "reason": decision["reason"],
        "text": dispatch.explain(decision),
        **kept,
        "rules": decision.get("rules", []),
        "instead_of": dispatch.explain(earlier) if earlier else None,
    }


class CaseDetail(CaseRow):
    """A case with its story. ``reporter`` is null and ``reporter_hidden`` true for those who may not know.

    ``actions`` are open to the user now; ``hindrance`` says what stands against the user's main step.
    """

    areas = serializers.SerializerMethodField()
    grid_name = serializers.CharField(source="grid.name", read_only=True, default=None)
    unit_grid = serializers.CharField(source="unit_grid.code", read_only=True, default=None)
    component = ComponentOut(read_only=True)
    reporter = serializers.SerializerMethodField()
    reporter_hidden = serializers.SerializerMethodField()
    decision = serializers.SerializerMethodField()
    filing_standard = serializers.SerializerMethodField()
    duplicate_of = serializers.CharField(source="duplicate_of.number", read_only=True, default=None)
    duplicates = serializers.SerializerMethodField()
    photos = serializers.SerializerMethodField()
    transitions = serializers.SerializerMethodField()
    actions = serializers.SerializerMethodField()
    hindrance = serializers.SerializerMethodField()
    nearby = serializers.SerializerMethodField()

    class Meta(CaseRow.Meta):
        fields = (
            *CaseRow.Meta.fields,
            "areas",
            "grid_name",
            "unit_grid",
            "component",
            "position_source",
            "accuracy_m",
            "fix_at",
            "device_at",
            "reporter",
            "reporter_hidden",
            "decision",
            "auto_dispatched",
            "filing_standard",
            "close_due_at",
            "accepted_at",
            "filed_at",
            "dispatched_at",
            "handled_at",
            "verified_at",
            "duplicate_of",
            "duplicates",
            "photos",
            "transitions",
            "actions",
            "hindrance",
            "nearby",
        )

    @property
    def user(self):
        return self.context["request"].user

    @extend_schema_field(serializers.ListField(child=serializers.DictField(child=serializers.CharField())))
    def get_areas(self, case):
        code = case.area_code
        prefixes = {code[:4], code[:6], code[:9], code}
        rows = Area.objects.filter(code__in=prefixes, valid_to=None).order_by("code")
        return list(rows.values("level", "code", "name"))

    @extend_schema_field(PersonOut(allow_null=True))
    def get_reporter(self, case):
        if case.reporter is None or not queries.sees_reporter(self.user, case):
            return None
        return PersonOut(case.reporter).data

    def get_reporter_hidden(self, case) -> bool:
        return case.reporter_id is not None and not queries.sees_reporter(self.user, case)

    @extend_schema_field(DecisionOut(allow_null=True))
    def get_decision(self, case):
        return decision_out(case.decision)

    @extend_schema_field(serializers.DictField(allow_null=True))
    def get_filing_standard(self, case):
        rule = case.filing_standard
        if rule is None:
            return None
        return {
            "id": rule.pk,
            "condition": rule.condition,
            "closing": rule.closing,
            "limit": rule.limit,
            "limit_unit": rule.limit_unit,
            "limit_label": f"{rule.limit} {rule.get_limit_unit_display()}",
        }

    def get_duplicates(self, case) -> list[str]:
        return list(case.duplicates.order_by("number").values_list("number", flat=True))

    @extend_schema_field(PhotoOut(many=True))
    def get_photos(self, case):
        return PhotoOut(repeats.photos_of(case), many=True, context=self.context).data

    @extend_schema_field(TransitionOut(many=True))
    def get_transitions(self, case):
        rows = case.transitions.select_related("actor", "unit", "to_unit").order_by("id")
        context = self.context | {"case": case, "sees_reporter": queries.sees_reporter(self.user, case)}
        return TransitionOut(rows, many=True, context=context).data

    @extend_schema_field(ActionOut(many=True))
    def get_actions(self, case):
        return ActionOut(actions_for(self.user, case), many=True).data

    def get_hindrance(self, case) -> str:
        return flow.hindrance(self.user, case)

    @extend_schema_field(NearCase(many=True))
    def get_nearby(self, case):
        return NearCase(queries.nearby_open(self.user, case), many=True, context=self.context).data


# --- What comes in ----------------------------------------------------------------------------------


class PhotoIn(serializers.Serializer):
    """A photo that was uploaded before, by its uuid; a bare uuid string will do."""

    uuid = serializers.UUIDField()
    phase = serializers.ChoiceField(CaseAttachment.Phase.choices, required=False, default="")

    def to_internal_value(self, data):
        return super().to_internal_value({"uuid": data} if isinstance(data, str) else data)


class PositionIn(serializers.Serializer):
    """A position in a named coordinate system; ``accuracy_m`` is the device's 68 % radius in metres."""

    lon = serializers.FloatField()
    lat = serializers.FloatField()
    crs = serializers.CharField(required=False, default="wgs84")
    accuracy_m = serializers.FloatField(required=False, allow_null=True, min_value=0, max_value=1e6)


class ContactIn(serializers.Serializer):
    """How the resident on whose behalf it is reported wants to be answered; read by a logged reveal only."""

    name = serializers.CharField(required=False, allow_blank=True, default="", max_length=60)
    phone = serializers.CharField(required=False, allow_blank=True, default="", max_length=30)


class ReportIn(PositionIn):
    """A report. Without ``client_key`` the Idempotency-Key header is taken, if it is a UUID."""

    client_key = serializers.UUIDField(required=False)
    position_source = serializers.ChoiceField(RawPosition.Source.choices, required=False, default="map")
    fix_at = serializers.DateTimeField(required=False, allow_null=True)
    device_at = serializers.DateTimeField(required=False, allow_null=True)
    source = serializers.CharField(required=False, allow_blank=True, default="")
    type = serializers.IntegerField(required=False, allow_null=True, help_text="id of /api/types/")
    component = serializers.CharField(required=False, allow_blank=True, default="", help_text="its code")
    description = serializers.CharField(required=False, allow_blank=True, default="", max_length=1000)
    address = serializers.CharField(required=False, allow_blank=True, default="", max_length=200)
    attachments = PhotoIn(many=True, required=False, default=list)
    self_handled = serializers.BooleanField(required=False, default=False)
    urgent = serializers.BooleanField(required=False, default=False)
    duplicate_of = serializers.CharField(
        required=False, allow_blank=True, allow_null=True, default="", help_text="number of the same problem"
    )
    flow = serializers.CharField(
        required=False, default="city_management", max_length=30, help_text="the life cycle it begins"
    )
    complaint_kind = serializers.CharField(required=False, allow_blank=True, default="", max_length=20)
    contact = ContactIn(required=False, allow_null=True)


class ActionIn(serializers.Serializer):
    """What goes with an action; which of it is needed, the case's ``actions`` tell.

    The position may be an object or stand beside the other fields.
    """

    lon = serializers.FloatField(required=False, allow_null=True)
    lat = serializers.FloatField(required=False, allow_null=True)
    crs = serializers.CharField(required=False, default="wgs84")
    accuracy_m = serializers.FloatField(required=False, allow_null=True, min_value=0, max_value=1e6)

    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=500)
    unit = serializers.CharField(
        required=False, allow_blank=True, default="", help_text="the unit's code or id"
    )
    type = serializers.IntegerField(required=False, allow_null=True)
    standard = serializers.IntegerField(required=False, allow_null=True)
    duplicate_of = serializers.CharField(required=False, allow_blank=True, default="", help_text="a number")
    verifier = serializers.IntegerField(required=False, allow_null=True, help_text="id of a user")
    units = serializers.ListField(
        child=serializers.CharField(max_length=60),
        required=False,
        default=list,
        max_length=20,
        help_text="codes or ids of units",
    )
    amount = serializers.FloatField(
        required=False, allow_null=True, help_text="working time in the unit of the limit"
    )
    day = serializers.DateField(required=False, allow_null=True, help_text="of review, or promised")
    desk = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=12, help_text="code of an area"
    )
    complexity = serializers.CharField(required=False, allow_blank=True, default="", max_length=10)
    kind = serializers.CharField(required=False, allow_blank=True, default="", max_length=20)
    mark = serializers.CharField(required=False, allow_blank=True, default="", max_length=8)
    answer = serializers.CharField(required=False, allow_blank=True, default="", max_length=8)
    stars = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=5)
    contacted = serializers.BooleanField(required=False, allow_null=True, default=None)
    solved = serializers.BooleanField(required=False, allow_null=True, default=None)
    satisfied = serializers.BooleanField(required=False, allow_null=True, default=None)
    attachments = PhotoIn(many=True, required=False, default=list)
    position = PositionIn(required=False, allow_null=True)
    device_at = serializers.DateTimeField(required=False, allow_null=True)
    client_key = serializers.UUIDField(required=False, allow_null=True)


class RevealIn(serializers.Serializer):
    """What a reporter's contact is needed for."""

    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=500)
