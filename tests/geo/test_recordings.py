"""Recordings lose names, places and devices, and nothing else."""

import io

import pytest
from mutagen.apev2 import APEv2
from mutagen.ogg import OggPage
from mutagen.oggopus import OggOpus

from geo import media, recordings

SOUND = bytes(range(1, 200)) * 3


def element(name: str, content: bytes, unknown=False) -> bytes:
    size = b"\x01" + b"\xff" * 7 if unknown else (len(content) | 1 << 56).to_bytes(8, "big")
    return bytes.fromhex(name) + size + content


def short(name: str, content: bytes) -> bytes:
    return bytes.fromhex(name) + bytes([0x80 | len(content)]) + content


def tag(words: bytes) -> bytes:
    return element(
        "1254C367", element("7373", element("67C8", element("45A3", b"LOCATION") + element("4487", words)))
    )


def webm(*more: bytes, unknown=True, codec=b"A_OPUS", track=b"") -> bytes:
    """As a browser records: everything of unknown size, a cluster of simple blocks at the end."""
    head = element("1A45DFA3", short("4282", b"webm"))
    info = element(
        "1549A966",
        short("2AD7B1", b"\x0f\x42\x40")
        + short("7BA9", b"Secret")
        + short("4461", b"\0\0\0\0Secre")
        + short("4D80", b"Secret")
        + short("5741", b"Secret phone"),
    )
    entry = short("D7", b"\1") + short("83", b"\2") + short("86", codec) + short("63A2", b"OpusHead") + track
    tracks = element("1654AE6B", element("AE", entry + short("536E", b"Secret")))
    cluster = element(
        "1F43B675", short("E7", b"\0") + element("A3", b"\x81\0\0\x80" + SOUND), unknown=unknown
    )
    return head + element("18538067", info + tracks + b"".join(more) + cluster, unknown=unknown)


@pytest.mark.parametrize("unknown", [True, False])
def test_webm(unknown):
    data = webm(tag(b"+39.5+083.9/ Secret"), element("1941A469", b"Secret"), unknown=unknown)
    shown = media.understand(data).shown
    assert b"Secret" not in shown and b"LOCATION" not in shown and b"Secre" not in shown
    assert len(shown) == len(data) and SOUND in shown and b"A_OPUS" in shown and b"OpusHead" in shown
    # What is blanked reads as empty room: a second time there is nothing left to do.
    assert recordings.without_notes(shown, "audio/webm") == shown


def test_webm_with_tags_after_the_sound_or_cut_off():
    data = webm() + tag(b"Secret")
    assert b"Secret" not in recordings.without_notes(data, "audio/webm")
    cut = webm()[:-100]
    assert recordings.without_notes(cut, "audio/webm").endswith(SOUND[:-100])


@pytest.mark.parametrize(
    "data",
    [
        webm(codec=b"A_VORBIS"),
        webm(track=short("6D80", b"x")),
        webm()[:80],
        webm().replace(b"A_OPUS", b"A_AAC1"),
        b"\x1aE\xdf\xa3\x87B\x82\x84webm\0\0\0\0",
    ],
)
def test_webm_of_another_kind_is_refused(data):
    with pytest.raises(media.MediaError):
        media.understand(data)


def ogg(comments: bytes, *, kind=b"Opus", more=()) -> bytes:
    """A stream of three packets: identification, comments, sound."""
    begin = b"OpusHead" if kind == b"Opus" else b"\x01vorbis"
    first = begin + (b"\1\1\0\0\x80\xbb\0\0\0\0\0" if kind == b"Opus" else bytes(22) + b"\x01")
    page = OggPage()
    page.packets, page.first, page.serial = [first], True, 7
    pages = [page, *OggPage.from_packets([comments, *more], sequence=1)]
    sound = OggPage.from_packets([SOUND, SOUND], sequence=pages[-1].sequence + 1)
    sound[-1].last, sound[-1].position = True, 960
    for one in (*pages, *sound):
        one.serial = 7
    return b"".join(one.write() for one in (*pages, *sound))


def noted(program=b"Secret", *comments: bytes) -> bytes:
    parts = [program, *comments]
    found = len(program).to_bytes(4, "little") + program + len(comments).to_bytes(4, "little")
    return found + b"".join(len(one).to_bytes(4, "little") + one for one in parts[1:])


def test_ogg_opus():
    # A picture among the comments spans several pages.
    notes = noted(b"Secret maker", b"LOCATION=Secret", b"METADATA_BLOCK_PICTURE=" + b"Secret" * 20_000)
    shown = media.understand(ogg(b"OpusTags" + notes)).shown
    assert b"Secret" not in shown and b"LOCATION" not in shown and len(shown) < 3000
    audio = OggOpus(io.BytesIO(shown))
    assert list(audio.tags) == [] and audio.info.length > 0
    assert OggPage.to_packets(pages_of(shown)[2:]) == [SOUND, SOUND]


def test_ogg_vorbis_keeps_its_setup():
    data = ogg(
        b"\x03vorbis" + noted(b"Secret", b"ARTIST=Secret") + b"\1",
        kind=b"Vorbis",
        more=(b"\x05vorbis setup",),
    )
    shown = recordings.without_notes(data, "audio/ogg")
    assert b"Secret" not in shown and b"\x05vorbis setup" in shown and SOUND in shown


def pages_of(data):
    file, found = io.BytesIO(data), []
    while file.tell() < len(data):
        found.append(OggPage(file))
    return found


@pytest.mark.parametrize(
    "data",
    [
        ogg(b"OpusTags" + noted()) * 2,  # a second stream would have comments of its own
        ogg(b"NoComments" + noted()),
        ogg(b"OpusTags" + noted())[:60],
        b"OggS" + bytes(24) + b"OpusHead",
    ],
)
def test_ogg_of_another_kind_is_refused(data):
    with pytest.raises(media.MediaError):
        media.understand(data)


def test_mp3_with_every_kind_of_tag():
    body = b"\xff\xfb\x90\0" + b"\0" * 413
    file = io.BytesIO(body * 4)
    tags = APEv2()
    tags["Place"] = "Secret"
    tags.save(file)
    one = b"ID3\4\0\0\0\0\0\6Secret"
    shown = media.understand(one + one + file.getvalue() + b"TAG" + b"Secret".ljust(125, b"\0")).shown
    assert shown == body * 4


def test_mp4_in_fragments_and_free_room():
    def box(name, content):
        return (8 + len(content)).to_bytes(4, "big") + name + content

    moov = box(
        b"moov", box(b"trak", box(b"mdia", box(b"hdlr", bytes(8) + b"soun") + box(b"udta", b"Secret")))
    )
    data = box(b"ftyp", b"M4A \0\0\0\0M4A isom") + moov + box(b"free", b"Secret")
    data += box(b"moof", box(b"traf", box(b"meta", b"Secret"))) + box(b"mdat", SOUND)
    shown = media.understand(data).shown
    assert b"Secret" not in shown and SOUND in shown and len(shown) == len(data)
    with pytest.raises(media.MediaError):
        media.understand(data[:-10])
