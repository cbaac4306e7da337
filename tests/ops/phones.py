"""Programs that use an installation as phones and open pages do: sending again, coming back."""

import io
import json
import random
import threading
import time
import uuid

import httpx
from PIL import Image

CSRF = "c" * 32


def client(url: str, session: str) -> httpx.Client:
    """Somebody who is signed in, with the header that pages send along."""
    cookies = {"sessionid": session, "csrftoken": CSRF}
    return httpx.Client(base_url=url, cookies=cookies, headers={"X-CSRFToken": CSRF}, timeout=15)


def photo(seed: int) -> bytes:
    """A small photo that differs from every other."""
    out = io.BytesIO()
    Image.frombytes("RGB", (64, 48), random.Random(seed).randbytes(64 * 48 * 3)).save(out, "JPEG")
    return out.getvalue()


class Phone(threading.Thread):
    """Reports one problem after the other until ``end``, each with a photo, until each was acknowledged.

    What the server acknowledged is in ``acknowledged`` (client key, number, photo); ``tries`` counts every
    request, ``refused`` holds answers that a phone would show to its owner.
    """

    def __init__(self, url: str, session: str, kind: int, end: float, seed: int):
        super().__init__(daemon=True)
        self.client, self.kind, self.end = client(url, session), kind, end
        self.dice = random.Random(seed)
        self.acknowledged, self.refused, self.tries = [], [], 0

    def run(self):
        while time.monotonic() < self.end:
            key, picture = str(uuid.uuid4()), str(uuid.uuid4())
            file = {"file": ("IMG.jpg", photo(self.dice.getrandbits(40)), "image/jpeg")}
            taken = self._send("/api/attachments/", picture, data={"uuid": picture}, files=file)
            body = {
                "client_key": key,
                "lon": 83.9 + self.dice.uniform(0.0001, 0.0299),
                "lat": 39.5 + self.dice.uniform(0.0001, 0.0199),
                "type": self.kind,
                "attachments": [{"uuid": picture}],
            }
            answer = taken and self._send("/api/cases/", key, json=body)
            if answer:
                self.acknowledged.append({"key": key, "number": answer["number"], "photo": picture})

    def _send(self, path: str, key: str, **content) -> dict | None:
        # As cases/static/cases/phone/outbox.js decides: what passes by itself is sent again under its key.
        while True:
            self.tries += 1
            try:
                answer = self.client.post(path, headers={"Idempotency-Key": key}, **content)
            except httpx.TransportError:
                time.sleep(0.3)
                continue
            if answer.is_success:
                return answer.json()
            running = answer.status_code == 409 and "running" in answer.text
            if answer.status_code < 500 and answer.status_code not in (408, 425, 429) and not running:
                self.refused.append((path, answer.status_code, answer.text[:300]))
                return None
            time.sleep(0.3)


class Listener(threading.Thread):
    """An open page: hears events, and comes back with ``Last-Event-ID`` when the line breaks."""

    def __init__(self, url: str, session: str):
        super().__init__(daemon=True)
        self.client = client(url, session)
        self.heard: set[int] = set()
        self.anew, self.opened, self.last, self.over = 0, 0, "", False
        self.listening = threading.Event()

    def run(self):
        while not self.over:
            try:
                token = self.client.get("/api/events/token").raise_for_status().json()["token"]
                last = {"Last-Event-ID": self.last} if self.last else {}
                with self.client.stream("GET", "/events/", params={"token": token}, headers=last) as answer:
                    answer.raise_for_status()
                    self.opened += 1
                    self._listen(answer)
            except (httpx.HTTPError, httpx.StreamError):
                pass
            time.sleep(0.3)

    def _listen(self, answer):
        number = ""
        for line in answer.iter_lines():
            self.listening.set()
            if line.startswith("id: "):
                number = line[4:]
            elif line.startswith("data: "):
                if json.loads(line[6:])["layer"] == "*":
                    self.anew += 1
                else:
                    self.heard.add(int(number))
            elif not line and number:
                self.last, number = number, ""
            if self.over:
                return
