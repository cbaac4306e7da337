"""What a browser records still plays once it has lost its notes."""

import base64

import pytest

from geo import recordings

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

RECORD = """async (kind) => {
  if (!MediaRecorder.isTypeSupported(kind)) return null;
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  const recorder = new MediaRecorder(stream, { mimeType: kind });
  const parts = [];
  recorder.ondataavailable = (event) => parts.push(event.data);
  const whole = new Promise((done) => { recorder.onstop = done; });
  recorder.start(200);
  await new Promise((later) => setTimeout(later, 1000));
  recorder.stop();
  await whole;
  const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}"""
PLAY = """async (text) => {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const sound = await new OfflineAudioContext(1, 48000, 48000).decodeAudioData(bytes.buffer);
  return Array.from(sound.getChannelData(0));
}"""


@pytest.mark.parametrize("kind", ["audio/webm", "audio/mp4", "audio/ogg"])
def test_the_sound_stays_as_it_was(chromium, live_server, kind):
    context = chromium.new_context(permissions=["microphone"])
    page = context.new_page()
    page.goto(f"{live_server.url}/login/")
    recorded = page.evaluate(RECORD, f"{kind};codecs=opus")
    if recorded is None:
        context.close()
        pytest.skip(f"this browser does not record {kind}")
    data = base64.b64decode(recorded)
    shown = recordings.without_notes(data, kind)
    assert b"Chrome" not in shown  # the program's name, in WebM
    sound = page.evaluate(PLAY, recorded)
    assert len(sound) > 0 and page.evaluate(PLAY, base64.b64encode(shown).decode()) == sound
    context.close()
