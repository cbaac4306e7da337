"""Files made for me: how far they are, fetching, cancelling."""

from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from geo import outputs
from geo.models import Output


@login_required
@never_cache
@require_GET
def outputs_page(request):
    """The list; htmx fetches it again while something is being made."""
    rows = list(Output.objects.filter(user=request.user)[:100])
    going = any(row.state in (Output.State.WAITING, Output.State.RUNNING) for row in rows)
    part = request.headers.get("HX-Target") == "outputs"
    return render(
        request, "geo/outputs_list.html" if part else "geo/outputs.html", {"rows": rows, "going": going}
    )


@login_required
@require_GET
def output_file(request, uuid):
    """The file, to its owner alone."""
    output = Output.objects.filter(user=request.user, uuid=uuid, state=Output.State.READY).first()
    if output is None or not output.file:
        raise Http404
    return FileResponse(
        output.file.open("rb"), as_attachment=True, filename=output.file.name.rsplit("/", 1)[-1]
    )


@login_required
@require_POST
def output_cancel(request, pk: int):
    outputs.cancel(request.user, pk)
    return redirect("outputs")
