"""A resident before the residents' pages: what a browser sends, and shorthand for it."""

import io
import uuid

from django.test import Client
from PIL import Image, TiffImagePlugin

from cases.models import PublicTopic
from tests.factories import at, make_type

HERE = at(0.2, 0.2)
PHONE = "13800138000"


def topic(name: str = "路灯", type=None, position: int = 0) -> PublicTopic:
    type = type or make_type(type_code="37", name="路灯")
    return PublicTopic.objects.get_or_create(name=name, defaults={"type": type, "position": position})[0]


def picture(position=None, colour="#557788") -> io.BytesIO:
    """A JPEG as a camera writes it, with its WGS-84 position if given."""
    exif = Image.Exif()
    exif[0x010F] = "SecretPhoneMaker"
    if position:
        gps = exif.get_ifd(0x8825)
        gps[1], gps[3] = "N", "E"
        for tag, value in ((2, position[1]), (4, position[0])):
            degrees, rest = divmod(value, 1)
            minutes, rest = divmod(rest * 60, 1)
            gps[tag] = tuple(
                TiffImagePlugin.IFDRational(round(part * 10000), 10000)
                for part in (degrees, minutes, rest * 60)
            )
    buffer = io.BytesIO()
    Image.new("RGB", (320, 240), colour).save(buffer, "JPEG", exif=exif)
    buffer.seek(0)
    buffer.name = "photo.jpg"
    return buffer


def resident(address: str = "192.0.2.10") -> Client:
    """A browser of its own, in Chinese."""
    return Client(REMOTE_ADDR=address, HTTP_ACCEPT_LANGUAGE="zh-hans")


def form(place=HERE, **values) -> dict:
    filled = {
        "client_key": str(uuid.uuid4()),
        "topic": str(topic().pk),
        "description": "路灯不亮",
        "lon": str(place.x),
        "lat": str(place.y),
        "crs": "wgs84",
        "near": "1",
    }
    return filled | values


def send(client: Client, **values):
    """Send a report as the page's script does; the answer."""
    return client.post("/public/report/", form(**values), headers={"accept": "application/json"})


def report(client: Client, **values) -> tuple[str, str]:
    """Report; number and secret as they stand on the page after it."""
    answer = send(client, **values)
    assert answer.status_code == 200, answer.content.decode()
    return done(client, answer.json()["next"])


def done(client: Client, address: str) -> tuple[str, str]:
    page = client.get(address)
    assert page.status_code == 200
    return page.context["report"].case.number, page.context["secret"].replace(" ", "")
