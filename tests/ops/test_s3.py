"""Photos in an S3 store, which speaks S3 over HTTP on this machine."""

import uuid

import pytest

from tests.ops.installation import Installation
from tests.ops.phones import client, photo
from tests.ops.test_under_load import FILL, django

pytestmark = pytest.mark.slow

BUCKET = "photos-of-a-city"
KEYS = {"AWS_ACCESS_KEY_ID": "one", "AWS_SECRET_ACCESS_KEY": "two", "AWS_DEFAULT_REGION": "us-east-1"}


@pytest.fixture(scope="module")
def store():
    """The store: (its address, its bucket as boto3 sees it)."""
    server_module = pytest.importorskip("moto.server", reason="moto[server] is not installed")
    import boto3

    server = server_module.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    session = boto3.session.Session(
        aws_access_key_id="one", aws_secret_access_key="two", region_name="us-east-1"
    )
    bucket = session.resource("s3", endpoint_url=address).create_bucket(Bucket=BUCKET)
    yield address, bucket
    server.stop()


def test_photos_in_a_store(store, prepared, tmp_path):
    address, bucket = store
    made = Installation()
    made.environment |= KEYS | {"WANGGE_S3_BUCKET": BUCKET, "WANGGE_S3_ENDPOINT": address}
    try:
        made.begin_with(prepared)
        made.server()
        people = django(made, FILL)
        owner, other = (client(made.url, session) for session in people["workers"][:2])
        key, picture = str(uuid.uuid4()), photo(7)
        file = {"file": ("IMG.jpg", picture, "image/jpeg")}
        for _time in range(2):  # sent twice, kept once
            answer = owner.post("/api/attachments/", data={"uuid": key}, files=file)
            assert answer.status_code in (200, 201), answer.text
        kept = {one.key.split("/")[0]: one for one in bucket.objects.all()}
        assert sorted(kept) == ["original", "shown", "thumbnail"] and len(list(bucket.objects.all())) == 3
        assert kept["original"].get()["Body"].read() == picture
        assert list((made.data / "media").rglob("*.jpg")) == []

        # The store is asked by the server alone: who may not see a photo gets nothing, and no address of it.
        row = owner.get(f"/api/attachments/{key}/").json()
        assert address not in str(row)
        shown, thumbnail = owner.get(row["shown"]), owner.get(row["thumbnail"])
        assert shown.headers["Content-Type"] == thumbnail.headers["Content-Type"] == "image/jpeg"
        assert shown.content.startswith(b"\xff\xd8") and len(thumbnail.content) <= len(shown.content)
        assert owner.get(f"/api/attachments/{key}/original").content == picture
        assert other.get(row["shown"]).status_code == 404
        body = {"client_key": str(uuid.uuid4()), "lon": 83.9005, "lat": 39.5005, "type": people["type"]}
        case = owner.post("/api/cases/", json=body | {"attachments": [{"uuid": key}]})
        assert case.status_code == 201, case.text
        desk = client(made.url, people["dispatcher"])
        assert desk.get(row["shown"]).status_code == 200

        archive = tmp_path / "backup.tar"
        said = made.run("backup", str(archive)).stdout
        assert f"lie in the S3 bucket {BUCKET} and are not in it" in said
        assert archive.stat().st_size > 10_000
        said = made.run("restore", str(archive), "--yes").stdout
        assert f"WANGGE_S3_BUCKET={BUCKET}" in said
        made.wait_healthy(60)
        assert owner.get(row["shown"]).content == shown.content

        # A bucket that is gone: the cause is said, nothing is half kept.
        bucket.objects.delete()
        bucket.delete()
        answer = owner.post("/api/attachments/", data={"uuid": str(uuid.uuid4())}, files=file)
        assert answer.status_code == 503 and answer.json()["type"].endswith("/store")
    finally:
        made.remove()
