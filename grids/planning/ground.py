"""Whether the ground of a plan is still what it was drawn on."""

from dataclasses import dataclass, field

from django.utils import timezone
from django.utils.translation import gettext as _

from grids.models import Grid, Plan, Publication


def generations(communities: list[str]) -> dict[str, int]:
    """The grids in force in communities: {code: generation}. A plan keeps this as its ``basis``."""
    rows = Grid.objects.filter(community_code__in=communities, retired_on=None)
    return dict(rows.values_list("code", "generation"))


@dataclass
class Ground:
    """What changed under a plan since its ``basis``: publications, latest first, and the communities."""

    publications: list[Publication] = field(default_factory=list)
    communities: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        return bool(self.communities)

    @property
    def text(self) -> str:
        """What happened and what to do, or nothing."""
        if not self.changed:
            return ""
        from grids.undoing import name_of

        words = {"communities": _(", ").join(self.communities)}
        if not self.publications:
            return (
                _("The grids of %(communities)s changed since this plan was drawn. Check it against them.")
                % words
            )
        last = self.publications[0]
        words |= {
            "what": name_of(last),
            "day": timezone.localtime(last.published_at).strftime("%Y-%m-%d %H:%M"),
        }
        return (
            _(
                "%(what)s changed the grids of %(communities)s on %(day)s, after this plan was drawn. "
                "Check it against the new borders, or start again from them."
            )
            % words
        )


def changed(plan: Plan) -> Ground:
    """What was published in a plan's communities since its basis was taken.

    Without a basis (a draft that was never prepared) every publication after the plan was begun counts.
    """
    since = (
        Publication.objects.filter(
            published_at__gt=plan.created_at, communities__has_any_keys=plan.communities
        )
        .exclude(basis=None)
        .select_related("plan", "undoes")
        .order_by("-pk")
    )
    if plan.basis is None:
        found = list(since)
        touched = {code for one in found for code in one.communities if code in plan.communities}
        return Ground(found, sorted(touched))
    now = generations(plan.communities)
    codes = {code for code in {*now, *plan.basis} if now.get(code) != plan.basis.get(code)}
    if not codes:
        return Ground()
    touched = {code[:12] for code in codes}
    return Ground([one for one in since if touched & set(one.communities)], sorted(touched))
