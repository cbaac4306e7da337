"""``/tiles/{layer}/{matrix set}/{z}/{x}/{y}.mvt``"""

import gzip
import hashlib
from datetime import date

from django.http import HttpResponse
from django.utils.translation import gettext as _

from geo.problems import Problem
from tiles.api.callers import caller, refused
from tiles.matrix import SETS, MatrixSet
from tiles.queries import layer_for, render

CONTENT_TYPE = "application/vnd.mapbox-vector-tile"


def matrix_set_for(name: str, z: int, x: int, y: int) -> MatrixSet:
    """The matrix set by its id; a problem 404 if there is none or the tile is not in it."""
    found = SETS.get(name)
    if found is None:
        raise Problem(
            _("There is no matrix set “%(id)s”; there are %(known)s.")
            % {"id": name, "known": ", ".join(SETS)},
            status=404,
            kind="not-found",
        )
    if not found.has(z, x, y):
        raise Problem(_("The matrix set has no such tile."), status=404, kind="not-found")
    return found


def day_of(request, layer) -> date | None:
    """The ``at`` parameter; a problem if it is no date or the layer keeps no versions."""
    text = request.GET.get("at")
    if not text:
        return None
    if layer.versions is None:
        raise Problem(_("This layer keeps no versions: leave “at” out."), status=400)
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Problem(_("“at” is a date such as 2026-07-01."), status=400) from error


def answer(request, data: bytes, *, public: bool, zipped: bytes | None = None) -> HttpResponse:
    """A tile as an answer, compressed if the client can, or 304 if it has it."""
    etag = f'"{hashlib.blake2b(zipped or data, digest_size=12).hexdigest()}"'
    if etag in request.headers.get("If-None-Match", ""):
        response = HttpResponse(status=304)
    else:
        response = HttpResponse(data, content_type=CONTENT_TYPE)
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            # Level 1: the higher ones cost twice the time for three hundredths of the bytes.
            response.content = zipped or gzip.compress(data, 1, mtime=0)
            response["Content-Encoding"] = "gzip"
        response["Content-Length"] = str(len(response.content))
    response["ETag"] = etag
    response["Vary"] = "Accept-Encoding" if public else "Accept-Encoding, Cookie, Authorization"
    # Kept, but asked for anew each time: an edit shows at once, and the answer is mostly 304.
    response["Cache-Control"] = "public, no-cache" if public else "private, no-cache"
    if public:
        response["Access-Control-Allow-Origin"] = "*"
    return response


def tile_view(request, layer, matrix_set, z, x, y):
    """A vector tile of what the caller may see."""
    try:
        user = caller(request)
        found = layer_for(layer, user)
        quad = matrix_set_for(matrix_set, z, x, y)
        day = day_of(request, found)
    except Problem as problem:
        return refused(problem)
    return answer(request, render(found, quad, z, x, y, user, day).data, public=found.public)
