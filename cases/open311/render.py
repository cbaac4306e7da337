"""One answer in two forms. JSON is the data as it is; XML follows from it by the names of the parts.

A document is plain data: dicts, lists, text, numbers, booleans, None. In XML a list's items take their name
from ``ITEMS``, an empty element stands for None or "", and nothing else is lost, so that both forms say the
same (the "Spark convention" of the specification).
"""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

from django.http import HttpResponse

TYPES = {"json": "application/json; charset=utf-8", "xml": "text/xml; charset=utf-8"}
# Name of a list > name of one of its items.
ITEMS = {
    "services": "service",
    "attributes": "attribute",
    "values": "value",
    "service_requests": "request",
    "service_request_updates": "request_update",
    "endpoints": "endpoint",
    "formats": "format",
    "photos": "photo",
    "errors": "error",
}
# What XML 1.0 cannot say.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def respond(root: str, data, form: str, status: int = 200) -> HttpResponse:
    """``data`` under the name ``root`` as ``form`` ("json" or "xml")."""
    content = as_json(data) if form == "json" else as_xml(root, data)
    return HttpResponse(content, status=status, content_type=TYPES[form])


def as_json(data) -> bytes:
    return json.dumps(_clean(data), ensure_ascii=False).encode()


def as_xml(root: str, data) -> bytes:
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(
        _element(root, _clean(data)), encoding="utf-8", short_empty_elements=False
    )


def _clean(data):
    """Without characters that one of the forms cannot carry."""
    if isinstance(data, dict):
        return {name: _clean(value) for name, value in data.items()}
    if isinstance(data, list | tuple):
        return [_clean(value) for value in data]
    return _FORBIDDEN.sub("", data) if isinstance(data, str) else data


def _element(name: str, data) -> ElementTree.Element:
    element = ElementTree.Element(name)
    if isinstance(data, dict):
        element.extend(_element(key, value) for key, value in data.items())
    elif isinstance(data, list):
        element.extend(_element(ITEMS[name], value) for value in data)
    elif isinstance(data, bool):
        element.text = "true" if data else "false"
    elif data is not None:
        element.text = str(data)
    return element
