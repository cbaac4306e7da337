"""The audit log: written here and nowhere else."""

from geo.models import AuditEntry


def log(
    actor, action: str, obj=None, *, reason: str = "", area_code: str = "", ip: str | None = None, **detail
):
    """Write that ``actor`` did ``action`` ("resident.reveal") to ``obj``. Inside the caller's transaction."""
    return AuditEntry.objects.create(
        actor=actor if actor is not None and actor.is_authenticated else None,
        action=action,
        object_type=obj._meta.label_lower if obj is not None else "",
        object_id=str(obj.pk) if obj is not None else "",
        area_code=area_code,
        reason=reason,
        detail=detail,
        ip=ip,
    )
