"""Photos and recordings by what they are."""

import io
import uuid
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from PIL import ExifTags, Image

from geo import attachments, coordinates, media
from geo.models import Attachment, AuditEntry, Grant, Role
from geo.problems import Problem
from tests.factories import make_user


def gps(lon, lat, datum="WGS-84"):
    def parts(value):
        degrees = int(value)
        minutes = int((value - degrees) * 60)
        return (float(degrees), float(minutes), round((value - degrees - minutes / 60) * 3600, 4))

    return {1: "N", 2: parts(lat), 3: "E", 4: parts(lon), 18: datum}


def photo(form="JPEG", size=(400, 300), exif=True, orientation=1, datum="WGS-84", **options):
    picture = Image.effect_noise(size, 80).convert("RGB")
    notes = Image.Exif()
    if exif:
        notes[ExifTags.Base.Orientation] = orientation
        notes[ExifTags.Base.Make] = "SecretMaker"
        notes._ifds[ExifTags.IFD.GPSInfo] = gps(83.9, 39.5, datum)
        notes._ifds[ExifTags.IFD.Exif] = {
            ExifTags.Base.DateTimeOriginal: "2026:05:04 10:20:30",
            ExifTags.Base.OffsetTimeOriginal: "+08:00",
        }
    buffer = io.BytesIO()
    picture.save(buffer, form, exif=notes, **options)
    return buffer.getvalue()


def box(name, content):
    return (8 + len(content)).to_bytes(4, "big") + name + content


M4A = box(b"ftyp", b"M4A \0\0\0\0M4A isom") + box(
    b"moov", box(b"trak", box(b"hdlr", b"\0" * 8 + b"soun")) + box(b"udta", b"+39.5+083.9/Secret")
)
VIDEO = box(b"ftyp", b"isom\0\0\0\0isom") + box(b"moov", box(b"trak", box(b"hdlr", b"\0" * 8 + b"vide")))
WAV_BODY = (
    b"fmt \x10\0\0\0"
    + b"\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0"
    + b"LIST\6\0\0\0Secret"
    + b"data\2\0\0\0ab"
)
WAV = b"RIFF" + (4 + len(WAV_BODY)).to_bytes(4, "little") + b"WAVE" + WAV_BODY
MP3 = b"ID3\4\0\0\0\0\0\6Secret" + b"\xff\xfb\x90\0" + b"\0" * 200 + b"TAG" + b"Secret".ljust(125, b"\0")
OGG = b"OggS" + b"\0" * 24 + b"OpusHead"
WEBM = b"\x1aE\xdf\xa3\x9fB\x86\x81\1B\x82\x84webm" + b"\x86\x86A_OPUS"


@pytest.fixture(autouse=True)
def own_media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    settings.X_ACCEL = False


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (photo(), "image/jpeg"),
        (photo("PNG"), "image/png"),
        (photo("WEBP"), "image/webp"),
        (photo("HEIF"), "image/heic"),
        (M4A, "audio/mp4"),
        (WAV, "audio/wav"),
        (MP3, "audio/mpeg"),
        (OGG, "audio/ogg"),
        (WEBM, "audio/webm"),
        (VIDEO, ""),
        (WEBM + b"\x86\x85V_VP9", ""),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", ""),
        (b"GIF89a" + b"\0" * 40, ""),
        (b"%PDF-1.7", ""),
        (b"", ""),
    ],
)
def test_by_content_not_by_name(data, kind):
    assert media.sniff(data) == kind


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_exif_is_read_and_stripped(form):
    found = media.understand(photo(form))
    assert found.position == pytest.approx((83.9, 39.5), abs=1e-6)
    assert found.taken_at == datetime(2026, 5, 4, 2, 20, 30, tzinfo=UTC)
    for data in (found.shown, found.thumbnail):
        assert data[:2] == b"\xff\xd8" and b"Exif" not in data and b"SecretMaker" not in data
        assert not dict(Image.open(io.BytesIO(data)).getexif())
    assert Image.open(io.BytesIO(found.thumbnail)).size == (320, 240)


def test_upright_and_datum():
    found = media.understand(photo(size=(400, 200), orientation=6, datum="GCJ-02"))
    assert (found.width, found.height) == (200, 400)
    assert found.position == pytest.approx(coordinates.to_wgs84(83.9, 39.5, "gcj02"), abs=1e-6)


def test_without_exif_nothing_is_made_up():
    found = media.understand(photo(exif=False))
    assert found.position is None and found.taken_at is None


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"\xff\xd8\xff" + b"junk" * 50, "damaged"),
        (photo()[:3000], "damaged"),
        (b"MZ" + b"\0" * 100, "Only photos"),
        (b"\xff\xd8\xff" + b"\0" * media.MAX_BYTES, "MB"),
    ],
)
def test_refused(data, said):
    from django.utils.translation import override

    with override("en"), pytest.raises(media.MediaError, match=said):
        media.understand(data)


def test_too_many_pixels_are_refused_before_decoding(monkeypatch):
    monkeypatch.setattr(media, "MAX_PIXELS", 1000)
    with pytest.raises(media.MediaError):
        media.understand(photo())


@pytest.mark.parametrize("data", [M4A, WAV, MP3])
def test_recordings_lose_their_tags(data):
    assert b"Secret" in data
    shown = media.understand(data).shown
    assert b"Secret" not in shown and media.sniff(shown) == media.sniff(data)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_large_photos_of_every_mode_lie_upright_and_tell_their_own_size(mode):
    exif, out = Image.Exif(), io.BytesIO()
    exif[ExifTags.Base.Orientation] = 6
    plain = Image.new("I;16", (6000, 1000)) if mode == "I;16" else Image.new("L", (6000, 1000)).convert(mode)
    plain.save(out, "JPEG" if mode == "CMYK" else "PNG", exif=exif)
    found = media.understand(out.getvalue())
    assert (found.width, found.height) == (1000, 6000)
    shown = Image.open(io.BytesIO(found.shown))
    assert shown.height == media.SHOWN_SIDE and shown.width in (426, 427)
    assert max(Image.open(io.BytesIO(found.thumbnail)).size) == media.THUMBNAIL_SIDE


def test_blurred_is_blurred_for_good():
    shown = media.understand(photo(exif=False)).shown
    public = np.asarray(
        Image.open(io.BytesIO(media.blurred(shown, [(0.25, 0.25, 0.5, 0.5)]))).convert("L"), float
    )
    assert public[90:210, 120:280].std() < 25 < public[:50].std()


# --- Over HTTP --------------------------------------------------------------------------------------


def upload(client, data=None, name="x.exe", key=None):
    body = {"file": SimpleUploadedFile(name, data or photo(), content_type="text/plain")}
    if key:
        body["uuid"] = str(key)
    return client.post("/api/attachments/", body)


@pytest.fixture
def owner(roles):
    return make_user(role="grid_worker")


def login(client, user):
    client.force_login(user)
    return client


def test_upload_look_and_download(client, owner):
    made = upload(login(client, owner), key=uuid.UUID(int=7))
    assert made.status_code == 201 and made["Location"].endswith(f"{uuid.UUID(int=7)}/")
    body = made.json()
    assert body["media_type"] == "image/jpeg" and body["position"] == pytest.approx([83.9, 39.5], abs=1e-6)
    assert body["public"] is None and body["review"] == "pending"
    shown = client.get(body["shown"])
    assert shown["Content-Type"] == "image/jpeg" and shown["X-Content-Type-Options"] == "nosniff"
    assert b"SecretMaker" not in b"".join(shown.streaming_content)
    original = client.get(made["Location"] + "original")
    assert b"SecretMaker" in b"".join(original.streaming_content)
    assert original["Content-Disposition"].startswith("attachment")
    assert client.get(made["Location"]).json()["uuid"] == str(uuid.UUID(int=7))
    assert client.get(made["Location"] + "nonsense").status_code == 404


def test_sent_twice_is_stored_once(client, owner):
    key, data = uuid.uuid4(), photo()
    login(client, owner)
    assert [upload(client, data, key=key).status_code for _n in range(3)] == [201, 200, 200]
    assert upload(client, photo(), key=key).status_code == 422
    assert upload(login(client, make_user()), data, key=key).status_code == 422
    assert Attachment.objects.count() == 1
    assert len(default_storage.listdir(f"original/{timezone.now():%Y/%m}")[1]) == 1


def test_refusals_are_problems(client, owner):
    login(client, owner)
    answer = upload(client, b"#!/bin/sh", name="nice.jpg")
    assert answer.status_code == 422 and answer["Content-Type"] == "application/problem+json"
    assert answer.json()["errors"][0]["field"] == "file"
    assert client.post("/api/attachments/", {}).status_code == 422
    assert not Attachment.objects.exists()


def test_who_may_see(client, owner, monkeypatch):
    made = upload(login(client, owner)).json()
    client.logout()
    assert client.get(made["shown"]).status_code == 404
    assert upload(client).status_code in (401, 403)
    stranger = make_user(role="acceptor", area="9901")
    login(client, stranger)
    for kind in attachments.KINDS:
        assert client.get(f"/api/attachments/{made['uuid']}/{kind}").status_code == 404
    assert client.get(f"/api/attachments/{made['uuid']}/").status_code == 404
    # Someone who may see what it hangs on sees it, but not where it was taken; the original is logged.
    monkeypatch.setattr(attachments, "holders", [lambda user, attachment: user == stranger])
    assert client.get(f"/api/attachments/{made['uuid']}/").json()["position"] is None
    assert client.get(made["shown"]).status_code == 200
    assert not AuditEntry.objects.filter(action="attachment.original").exists()
    # Whose photo it is, its name and its EXIF, only those learn who may know the reporter.
    assert client.get(f"/api/attachments/{made['uuid']}/").json()["owner"] is None
    assert client.get(f"/api/attachments/{made['uuid']}/original").status_code == 403
    monkeypatch.setattr(attachments, "knowing", [lambda user, attachment: user == stranger])
    assert client.get(f"/api/attachments/{made['uuid']}/").json()["owner"] == owner.name
    assert client.get(f"/api/attachments/{made['uuid']}/original").status_code == 200
    assert AuditEntry.objects.get(action="attachment.original").actor == stranger


def test_public_only_after_a_look(client, owner, monkeypatch):
    made = upload(login(client, owner)).json()
    public = f"/api/attachments/{made['uuid']}/public"
    review = f"/api/attachments/{made['uuid']}/review"
    assert client.get(public).status_code == 404
    send = {"content_type": "application/json"}
    assert client.post(review, {"passed": True}, **send).status_code == 403  # the owner is no reviewer
    reviewer = make_user(role="acceptor", area="9901")
    monkeypatch.setattr(attachments, "holders", [lambda user, attachment: user == reviewer])
    login(client, reviewer)
    for wrong in ([[0, 0, 2, 1]], [[0, 0]], "x"):
        assert client.post(review, {"passed": True, "rectangles": wrong}, **send).status_code == 422
    said = client.post(review, {"passed": True, "rectangles": [[0.1, 0.1, 0.3, 0.3]]}, **send)
    assert said.status_code == 200 and said.json()["review"] == "passed"
    first = Attachment.objects.get().public.name
    client.logout()
    answer = client.get(public)
    assert answer.status_code == 200 and answer["Cache-Control"].startswith("public")
    # Withdrawn: gone at once, file and all.
    login(client, reviewer)
    assert client.post(review, {"passed": False, "reason": "a face"}, **send).status_code == 200
    assert client.get(public).status_code == 404
    assert AuditEntry.objects.filter(action__startswith="attachment.").count() == 2
    assert Attachment.objects.get().public.name != first


def test_recordings_are_never_public(owner):
    reviewer = make_user(role="acceptor", area="9901")
    row, _new = attachments.store(reviewer, SimpleUploadedFile("a", WAV))
    assert not row.thumbnail and row.shown
    with pytest.raises(Problem):
        attachments.review(reviewer, row, True)


def test_behind_nginx_the_file_is_only_named(client, owner, settings):
    settings.X_ACCEL = True
    made = upload(login(client, owner)).json()
    answer = client.get(made["thumbnail"])
    assert answer["X-Accel-Redirect"].startswith("/_media/thumbnail/") and not answer.content


@pytest.mark.django_db(transaction=True)
def test_orphans_go_with_their_files(roles):
    user = make_user()
    old, _new = attachments.store(user, SimpleUploadedFile("a", photo()))
    attachments.store(user, SimpleUploadedFile("a", photo()))
    Attachment.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=40))
    assert attachments.delete_orphans() == 1
    assert not default_storage.exists(old.original.name) and not default_storage.exists(old.shown.name)
    assert Attachment.objects.count() == 1


def test_a_lost_account_sees_nothing(client, owner):
    made = upload(login(client, owner)).json()
    Grant.objects.filter(user=owner).delete()
    owner.is_active = False
    owner.save()
    assert client.get(made["shown"]).status_code == 404
    assert Role.objects.exists()
