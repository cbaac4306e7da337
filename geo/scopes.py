"""Who may see which rows. ``for_user`` is the only door: lists, details, tiles, exports, statistics, events.

A scope is a union. A grant names a role and either an area (every row whose area code begins with it), a
unit (rows that the unit or one below it holds or held), or neither (own rows, and the grids the user has
duty in). Each part only counts for the permissions of its own role.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from django.apps import apps
from django.contrib.gis.db.models import GeometryField
from django.db import models
from django.db.models import Aggregate, Q, Subquery, Value
from django.utils import timezone


@dataclass(frozen=True)
class ScopeSpec:
    """How a model's rows are tied to areas, units, grids and people; its lookups are ORM paths.

    ``public`` selects what anybody may see, without an account: ``Q()`` is everything, ``None`` nothing.
    ``desk`` is the code of the area whose desk has a row that lies elsewhere; its people see it as theirs.
    ``ground`` is the geometry beside a ``grid`` that has no index of its own, see ``in_grids``.
    """

    permission: str
    area: str | None = None
    grid: str | None = None
    ground: str | None = None
    units: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    public: Q | None = None
    desk: str | None = None


@dataclass(frozen=True)
class Part:
    """One grant, resolved: the permissions of a role over areas, units, or grids and own rows."""

    permissions: frozenset[str]
    areas: tuple[str, ...] = ()
    units: frozenset[int] = frozenset()
    grids: frozenset[int] = frozenset()
    own: bool = False
    role: str = ""


@dataclass(frozen=True)
class Scope:
    """All that a user was granted."""

    user_id: int | None = None
    parts: tuple[Part, ...] = ()
    permissions: frozenset[str] = field(default_factory=frozenset)

    @property
    def roles(self) -> frozenset[str]:
        """Codes of the roles that were granted."""
        return frozenset(part.role for part in self.parts)

    def role_for(self, permission: str) -> str:
        """The code of the first role that gives a permission; it is written beside what was done."""
        return next((part.role for part in self.with_permission(permission)), "")

    def with_permission(self, permission: str) -> list[Part]:
        return [part for part in self.parts if permission in part.permissions]

    def areas(self, permission: str) -> tuple[str, ...]:
        """Area code prefixes under which the permission holds, without those inside another."""
        codes = sorted({code for part in self.with_permission(permission) for code in part.areas}, key=len)
        kept: list[str] = []
        for code in codes:
            if not any(code.startswith(outer) for outer in kept):
                kept.append(code)
        return tuple(sorted(kept))

    def units(self, permission: str) -> frozenset[int]:
        """Ids of the units (descendants included) for which the permission holds."""
        return frozenset().union(*(part.units for part in self.with_permission(permission)))

    def grids(self, permission: str) -> frozenset[int]:
        """Ids of the grids on duty in which the permission holds."""
        return frozenset().union(*(part.grids for part in self.with_permission(permission)))

    def covers(self, permission: str, area_code: str = "", unit_id: int | None = None, grid_id=None) -> bool:
        """Whether the permission holds for something in this area, grid, or held by this unit."""
        return any(
            any(area_code.startswith(code) for code in part.areas)
            or (unit_id is not None and unit_id in part.units)
            or (grid_id is not None and grid_id in part.grids)
            for part in self.with_permission(permission)
        )


# Apps above add the ids of grids on duty: (user) -> ids. Set by grids, so that arrows keep pointing down.
duty_grids: list[Callable[[object], Iterable[int]]] = []


class Granted(NamedTuple):
    """What a scope is made of from one grant; read in this order."""

    pk: int
    area_code: str
    unit_id: int | None
    unit_path: str | None
    role: str
    permissions: list[str]


def grants_in_force(user_id: int, day) -> models.QuerySet:
    """The grants that a user has on a day, each as the values of ``Granted``."""
    from geo.models import Grant

    in_force = Q(valid_to=None) | Q(valid_to__gt=day)
    names = ("pk", "area_code", "unit_id", "unit__path", "role__code", "role__permissions")
    return Grant.objects.filter(in_force, user=user_id).values_list(*names)


def scope_of(user) -> Scope:
    """Resolve a user's grants. Two or three queries; ``User.scope`` keeps the answer for the request.

    Grants that were looked up together with the account (``user.granted``) are not asked for again.
    """
    from geo.models import Organisation

    if not user.is_authenticated or not user.is_active:
        return Scope()
    grants = getattr(user, "granted", None)
    if grants is None:
        grants = [Granted(*row) for row in grants_in_force(user.pk, timezone.localdate())]
    # Whoever works under one of several grants for now has that one's rights and no others.
    chosen = [grant for grant in grants if grant.pk == getattr(user, "chosen_grant", None)]
    grants = chosen or grants
    below: dict[int, set[int]] = {}
    paths = [grant.unit_path for grant in grants if grant.unit_id]
    if paths:
        under = Q()
        for path in paths:
            under |= Q(path__startswith=path)
        for pk, path in Organisation.objects.filter(under).values_list("id", "path"):
            for grant in grants:
                if grant.unit_id and path.startswith(grant.unit_path):
                    below.setdefault(grant.unit_id, set()).add(pk)
    grids: frozenset[int] = frozenset()
    if any(not grant.area_code and not grant.unit_id for grant in grants):
        grids = frozenset(pk for source in duty_grids for pk in source(user))
    parts = []
    for grant in grants:
        permissions = frozenset(grant.permissions)
        if grant.area_code:
            parts.append(Part(permissions, areas=(grant.area_code,), role=grant.role))
        elif grant.unit_id:
            units = frozenset(below.get(grant.unit_id, ()))
            parts.append(Part(permissions, units=units, role=grant.role))
        else:
            parts.append(Part(permissions, grids=grids, own=True, role=grant.role))
    return Scope(user.pk, tuple(parts), frozenset().union(*(part.permissions for part in parts)))


def scope_filter(model, user, permission: str | None = None) -> Q | None:
    """The condition that selects what ``user`` may see of ``model``; ``None`` when that is nothing."""
    allowed = _allowed(model, user, permission)
    if not allowed:
        return None
    condition = Q()
    for one in allowed:
        condition |= one
    return condition


def _allowed(model, user, permission: str | None) -> list[Q]:
    """The conditions of which one is enough; ``Q()`` alone for everything, none for nothing."""
    spec: ScopeSpec = model.scope
    wanted = permission or spec.permission
    allowed: list[Q] = []
    if spec.public is not None and wanted == spec.permission:
        if not spec.public:
            return [Q()]
        allowed.append(spec.public)
    if user is not None and user.is_authenticated and user.is_active:
        for part in user.scope.with_permission(wanted):
            if spec.area:
                allowed += [Q(**{f"{spec.area}__startswith": code}) for code in part.areas]
            if spec.desk:
                # Whoever has a whole city has its desks as well.
                below = [code for code in part.areas if len(code) > 4]
                # Said twice: the index is of rows with a desk.
                with_desk = ~Q(**{spec.desk: ""})
                allowed += [with_desk & Q(**{f"{spec.desk}__startswith": code}) for code in below]
            if part.units:
                for lookup in spec.units:
                    allowed.append(_through(model, lookup, part.units))
            if spec.grid and part.grids:
                if spec.ground:
                    allowed.append(in_grids(part.grids, spec.grid, spec.ground))
                else:
                    allowed.append(Q(**{f"{spec.grid}__in": part.grids}))
            if part.own:
                allowed += [Q(**{lookup: user.pk}) for lookup in spec.own]
    return allowed


class _Box(Aggregate):
    """The box around all geometries (EPSG:4326)."""

    function = "ST_Extent"
    template = "ST_SetSRID(%(function)s(%(expressions)s)::geometry, 4326)"
    output_field = GeometryField(srid=4326)


def in_grids(ids: Iterable[int], grid: str = "grid_id", ground: str = "geom") -> Q:
    """Rows with a place that lie in these grids (ids); ``grid`` and ``ground`` are ORM paths to both columns.

    They are found by the index over geometries, in the box around the grids, and the column says in which
    of them they are: no index holds it, so that rows which change grid are cheap to write.
    """
    ids = list(ids)
    return Q(**{f"{grid}__in": ids, f"{ground}__bboverlaps": _box_around(pk__in=ids)})


def in_area(code: str, area: str = "area_code", grid: str = "grid", ground: str = "geom") -> Q:
    """Rows in an area (everything below it) or, by 15 digits, in a grid; see ``in_grids``.

    ``grid`` is empty where rows know no grid; ``ground`` is, where an index holds their grid.
    """
    if len(code) != 15 or not grid:
        return Q(**{f"{area}__startswith": code})
    here = Q(**{f"{grid}__code": code})
    return here & Q(**{f"{ground}__bboverlaps": _box_around(code=code)}) if ground else here


def _box_around(**which) -> Subquery:
    """The box around grids, looked up once in a statement. Named by string: grids stand above."""
    grids = apps.get_model("grids.Grid")._base_manager.order_by().filter(**which)
    return Subquery(grids.annotate(all=Value(0)).values("all").annotate(box=_Box("geom")).values("box"))


def _through(model, lookup: str, ids) -> Q:
    """A condition over a to-many relation as a subquery, so that rows never double."""
    first = model._meta.get_field(lookup.split("__")[0]) if lookup != "id" else None
    if first is not None and first.one_to_many:
        # Straight from the other table: through this one it would be read again for every question.
        rest = lookup.split("__", 1)[1]
        rows = first.related_model._base_manager.filter(**{f"{rest}__in": ids})
        return Q(pk__in=rows.values(first.field.attname))
    if first is not None and first.many_to_many:
        return Q(pk__in=model._base_manager.filter(**{f"{lookup}__in": ids}).values("pk"))
    return Q(**{f"{lookup}__in": ids})


class ScopedQuerySet(models.QuerySet):
    """A queryset whose rows are handed out by scope."""

    def for_user(self, user, permission: str | None = None):
        """Rows that ``user`` may see; ``permission`` replaces the model's own (``scope.permission``)."""
        condition = scope_filter(self.model, user, permission)
        return self.none() if condition is None else self.filter(condition)

    def apart_for_user(self, user, permission: str | None = None) -> list:
        """``for_user`` as querysets that have no row in common, for counting.

        Each goes by one column, so that an index alone can count it; joined by OR they are read row by row.
        """
        parts, before = [], Q()
        for one in _allowed(self.model, user, permission):
            parts.append(self.filter(one & ~before) if before else self.filter(one))
            before |= one
        return parts
