"""Undoing a publication: the borders before it come back under their own codes, as a new generation."""

from collections import defaultdict

import shapely
from django.utils import timezone
from django.utils.translation import gettext as _

from geo.models import Area
from geo.problems import Problem
from grids.locks import patiently
from grids.models import GridVersion, Publication
from grids.publication import Border, NewBorders, Result, publish, to_shapely


def undo(publication: Publication, user=None, note: str = "") -> Result:
    """Put the borders in force before ``publication`` in force again, today, in one transaction.

    Only while no later publication changed the same communities (one that was undone itself does not count):
    else a ``Problem`` (409) names it. Grids born in the publication are retired, and their codes for ever.
    Duties and what else was handed over returns unless somebody changed it since.
    """
    return patiently(publication.communities, lambda: _undo(publication.pk, user, note))


def _undo(pk: int, user, note: str) -> Result:
    publication = Publication.objects.select_for_update(of=("self",)).get(pk=pk)
    refuse(publication)
    return publish(
        before(publication),
        kind=Publication.Kind.UNDO,
        user=user,
        effective_on=max(timezone.localdate(), publication.effective_on),
        note=note,
        undoes=publication,
    )


def refuse(publication: Publication) -> None:
    """A ``Problem`` when a publication cannot be undone."""
    if publication.kind == Publication.Kind.UNDO:
        raise _conflict(_("An undoing cannot be undone; publish a plan instead."))
    if Publication.objects.filter(undoes=publication).exists():
        raise _conflict(_("This publication is undone already."))
    known = publication.basis or {}
    bare = sorted(set(publication.communities) - {code[:12] for code in known})
    if bare:
        raise _conflict(_("Before it %s had no grids to go back to.") % ", ".join(bare[:5]))
    if (later := after(publication)) is not None:
        raise _conflict(
            _("%(later)s of %(day)s changed the same ground since; undo that one first.")
            % {
                "later": name_of(later),
                "day": timezone.localtime(later.published_at).strftime("%Y-%m-%d %H:%M"),
            },
            publication=later.pk,
        )


def _conflict(words: str, **more) -> Problem:
    return Problem(words, status=409, kind="conflict", **more)


def name_of(publication: Publication) -> str:
    """What people call a publication: the plan's name, or the kind with its note."""
    plan = getattr(publication, "plan", None)
    if plan is not None:
        return _("The plan “%s”") % plan.name
    if publication.undoes_id:
        return _("The undoing of “%s”") % (publication.undoes.note or publication.undoes.get_kind_display())
    kind = publication.get_kind_display()
    return f"{kind} “{publication.note}”" if publication.note else kind


def after(publication: Publication) -> Publication | None:
    """The latest publication that changed a grid in these communities since, and stands."""
    found = (
        Publication.objects.filter(
            pk__in=GridVersion.objects.filter(
                grid__community_code__in=publication.communities, publication_id__gt=publication.pk
            ).values("publication_id")
        )
        .filter(undone_by=None)
        .select_related("undoes", "plan")
        .order_by("-pk")
    )
    return next((one for one in found if one.undoes_id is None or one.undoes_id <= publication.pk), None)


def before(publication: Publication) -> list[NewBorders]:
    """The borders in force before a publication, ready to be published again."""
    generations = publication.basis
    versions = (
        GridVersion.objects.filter(grid__code__in=generations)
        .select_related("grid")
        .only("geom", "name", "kind", "colour", "generation", "grid__code", "grid__community_code")
    )
    grids: dict[str, dict[str, Border]] = defaultdict(dict)
    for version in versions:
        grid = version.grid
        if version.generation == generations[grid.code]:
            border = Border(to_shapely(version.geom), version.name, version.kind, version.colour)
            grids[grid.community_code][grid.code] = border
    outlines = {
        area.code: to_shapely(area.geom)
        for area in Area.objects.filter(code__in=grids, level=Area.Level.COMMUNITY, valid_to=None)
    }
    missing = sorted(set(grids) - set(outlines))
    if missing:
        raise _conflict(_("%s is no community any more.") % missing[0])
    for code, shapes in grids.items():
        whole = shapely.coverage_union_all([border.geometry for border in shapes.values()])
        if shapely.hausdorff_distance(whole.boundary, outlines[code].boundary) > 1e-7:
            raise _conflict(_("The outline of %s changed since; its old borders do not fit it.") % code)
    return [
        NewBorders(code, dict(sorted(shapes.items())), outlines[code], complete=True)
        for code, shapes in sorted(grids.items())
    ]
