from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CasesConfig(AppConfig):
    name = "cases"
    verbose_name = _("Cases")

    def ready(self):
        from cases import announce, duties, told
        from cases.evaluation import base_counts, sources
        from cases.public import desk, telling  # noqa: F401  (the first brings words for the audit log)
        from cases.statistics import provider
        from geo import attachments

        attachments.holders += [_hangs_on_a_case, _hangs_on_an_inspection]
        attachments.knowing.append(_knows_the_witness)
        attachments.reviewable += [_photos_of_cases, _photos_of_inspections]
        told.listeners += [announce.heard, duties.heard, telling.heard]
        telling.register()
        sources.register(base_counts.BaseCounts())
        sources.register(provider.FromFacts())


def _hangs_on_a_case(user, attachment) -> bool:
    """Who may see a case may see its photos, and those of reports that repeat it."""
    from cases.models import Case

    links = attachment.case_attachments.order_by()
    # Beginning with the photo's own links: an "or" over all cases would read them all.
    cases = links.values("case_id").union(links.values("case__duplicate_of_id"))
    return Case.objects.for_user(user).filter(pk__in=cases).exists()


def _knows_the_witness(user, attachment) -> bool:
    """Whose photo it is, who may know the reporter knows; photos of the work done are nobody's secret."""
    from cases.models import Case, CaseAttachment
    from cases.queries import sees_reporter

    visible = Case.objects.for_user(user)
    links = CaseAttachment.objects.filter(attachment=attachment, case__in=visible).select_related("case")
    return any(link.phase == CaseAttachment.Phase.HANDLE or sees_reporter(user, link.case) for link in links)


def _photos_of_cases(user):
    """The photos of the cases a user may see."""
    from cases.models import Case
    from geo.models import Attachment

    return Attachment.objects.filter(case_attachments__case__in=Case.objects.for_user(user))


def _photos_of_inspections(user):
    """The photos of evaluations over whose whole area the user looks over photos.

    Somebody of one of the areas that are compared is not asked about the others, nor about the own.
    """
    from cases.models import EvaluationTask
    from geo.attachments import REVIEW_PERMISSION
    from geo.models import Attachment

    tasks = EvaluationTask.objects.for_user(user, REVIEW_PERMISSION)
    return Attachment.objects.filter(inspection_photos__inspection__task__in=tasks)


def _hangs_on_an_inspection(user, attachment) -> bool:
    """Who may see an evaluation of the subject, or assesses it, may see what was photographed there.

    So may whoever looks photos over.
    """
    from cases.evaluation.exports import subjects_for
    from cases.models import EvaluationTask, Inspection

    found = Inspection.objects.filter(photos__attachment=attachment).first()
    if found is None:
        return False
    if _photos_of_inspections(user).filter(pk=attachment.pk).exists():
        return True
    task = EvaluationTask.objects.for_user(user).filter(pk=found.task_id).select_related("model").first()
    return task is not None and any(one.pk == found.subject_id for one in subjects_for(user, task))
