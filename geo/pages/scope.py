"""Working under one of several grants."""

from django.contrib.auth.decorators import login_required
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from geo.models import Grant


@login_required
@require_POST
def choose_scope(request):
    """Work under the grant ``grant`` from now on, or (empty) under all of them."""
    pk = request.POST.get("grant", "")
    request.session.pop("grant", None)
    if pk.isdecimal() and Grant.objects.filter(user=request.user, pk=pk).exists():
        request.session["grant"] = int(pk)
    back = request.POST.get("next", "")
    here = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    return redirect(back if here else "/")
