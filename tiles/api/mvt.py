"""``/tiles/{layer}/{matrix set}/{z}/{x}/{y}.mvt``"""

import gzip
import hashlib
from datetime import date

from django.http import HttpResponse
from django.utils.translation import gettext as _

from geo.problems import Problem
from geo.registry import Layer
from tiles import cache
from tiles.api.callers import caller, refused
from tiles.matrix import SETS, MatrixSet
from tiles.queries import layer_for, render, rows_key

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


def day_of(text: str | None, layer: Layer) -> date | None:
    """The day whose borders are asked for; a problem if it is none or the layer keeps no versions."""
    if not text:
        return None
    if layer.versions is None:
        raise Problem(_("This layer keeps no versions: leave “at” out."), status=400)
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Problem(_("“at” is a date such as 2026-07-01."), status=400) from error


def answer(request, zipped: bytes, *, public: bool, kept: bool = True) -> HttpResponse:
    """A compressed tile as an answer, unpacked if the client cannot, or 304 if it has it."""
    etag = f'"{hashlib.blake2b(zipped, digest_size=12).hexdigest()}"'
    if etag in request.headers.get("If-None-Match", ""):
        response = HttpResponse(status=304)
    elif "gzip" in request.headers.get("Accept-Encoding", ""):
        response = HttpResponse(zipped, content_type=CONTENT_TYPE)
        response["Content-Encoding"] = "gzip"
        response["Content-Length"] = str(len(zipped))
    else:
        response = HttpResponse(gzip.decompress(zipped), content_type=CONTENT_TYPE)
    response["ETag"] = etag
    response["Vary"] = "Accept-Encoding" if public else "Accept-Encoding, Cookie, Authorization"
    # Kept, but asked for anew each time: an edit shows at once, and the answer is mostly 304.
    response["Cache-Control"] = (
        ("public, no-cache" if public else "private, no-cache") if kept else "no-store"
    )
    if public:
        response["Access-Control-Allow-Origin"] = "*"
    return response


def tile_bytes(layer: Layer, matrix_set: MatrixSet, z: int, x: int, y: int, user, day: date | None) -> bytes:
    """The compressed tile that ``user`` may see, from the cache if it has it."""
    if day is not None:
        return gzip.compress(render(layer, matrix_set, z, x, y, user, day), 1, mtime=0)
    scope = rows_key(layer, user)
    file = cache.path(layer, scope, matrix_set, z, x, y)
    # What is drawn now is right whatever waits to be dropped: only a kept tile has to be asked about first.
    if file.exists():
        area = cache.area_of_tile(layer, matrix_set, z, x, y)
        stale = cache.waiting(layer, area)
        if stale:
            cache.drop_waiting()
            stale = cache.waiting(layer, area)  # another process may still be dropping
        if not stale and (kept := cache.read(file)) is not None:
            return kept
    with cache.draft(layer, scope, matrix_set, z, x, y) as draft:
        # Level 1: the higher ones cost twice the time for three hundredths of the bytes.
        zipped = gzip.compress(render(layer, matrix_set, z, x, y, user), 1, mtime=0)
        draft.keep(zipped)
    return zipped


def tile_view(request, layer, matrix_set, z, x, y, scope="", expires=0, signature=""):
    """A vector tile of what the caller may see.

    A signed address (``scope``) is nginx's shortcut to a file. What comes here by one is decided by the
    session alone; if the caller's rights are no longer those of the address, nobody keeps the answer.
    """
    try:
        user = caller(request)
        found = layer_for(layer, user)
        quad = matrix_set_for(matrix_set, z, x, y)
        day = day_of(request.GET.get("at"), found)
    except Problem as problem:
        return refused(problem)
    zipped = tile_bytes(found, quad, z, x, y, user, day)
    kept = not scope or scope == rows_key(found, user)
    return answer(request, zipped, public=found.public and not scope, kept=kept)
