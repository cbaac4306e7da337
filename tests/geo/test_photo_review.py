"""The page on which photos are looked at."""

import io
import json

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from PIL import Image

from cases.models import CaseAttachment
from geo import attachments
from geo.models import Attachment
from tests.factories import at, make_case, make_user
from tests.geo.test_attachments import photo

HTML = {"HTTP_ACCEPT": "text/html"}


@pytest.fixture
def pictures(city, settings, tmp_path):
    """A photo of a case in the west district, and one of a case in the east."""
    settings.MEDIA_ROOT, settings.X_ACCEL = tmp_path, False
    call_command("load_code_tables", verbosity=0)
    made = []
    for place in (at(0.5, 0.5), at(2.5, 0.5)):
        row, _new = attachments.store(None, SimpleUploadedFile("a", photo(exif=False)))
        CaseAttachment.objects.create(case=make_case(place), attachment=row)
        made.append(row)
    return made


def test_only_photos_within_the_scope(client, pictures):
    west, east = pictures
    assert client.get("/photos/", **HTML)["Location"].startswith("/login/")
    client.force_login(make_user(role="leader", area="9901"))
    assert client.get("/photos/", **HTML).status_code == 403
    client.force_login(make_user(role="acceptor", area="990101"))
    page = client.get("/photos/", **HTML).text
    assert str(west.uuid) in page and str(east.uuid) not in page
    assert client.get(f"/photos/{west.uuid}/", **HTML).status_code == 200
    assert client.get(f"/photos/{east.uuid}/", **HTML).status_code == 404
    assert client.post(f"/photos/{east.uuid}/", {"decision": "passed"}, **HTML).status_code == 404


def test_cover_decide_and_on_to_the_next(client, pictures):
    west, east = pictures
    client.force_login(make_user(role="acceptor", area="9901"))
    body = {"decision": "passed", "rectangles": json.dumps([[0.25, 0.25, 0.5, 0.5]])}
    answer = client.post(f"/photos/{west.uuid}/", body, **HTML)
    assert answer["Location"] == f"/photos/{east.uuid}/"
    west.refresh_from_db()
    pixels = np.asarray(Image.open(io.BytesIO(west.public.read())).convert("L"), float)
    assert pixels[100:200, 130:270].std() < 25 < pixels[:40].std()
    # Keeping one back needs a reason.
    body = {"decision": "refused"}
    assert client.post(f"/photos/{east.uuid}/", body, **HTML).status_code == 200
    assert client.post(f"/photos/{east.uuid}/", body | {"reason": "person"}, **HTML)["Location"] == "/photos/"
    assert Attachment.objects.get(pk=east.pk).review == "refused"
    assert str(west.uuid) in client.get("/photos/?state=passed", **HTML).text
    for wrong in ("nonsense", "[[0, 0, 3, 3]]", '{"a": 1}', "5"):
        answer = client.post(f"/photos/{east.uuid}/", {"decision": "passed", "rectangles": wrong}, **HTML)
        assert answer.status_code == 200 and 'role="alert"' in answer.text
