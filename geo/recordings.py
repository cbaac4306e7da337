"""Recordings without what recorders write beside the sound: names, places, devices. Pure: knows no database.

Nothing is decoded and no sound is changed. WebM and MP4 hold offsets into themselves, so there the notes are
blanked where they lie; of WebM and WAV only the parts that are known to be needed are kept.
"""

import io

from mutagen import MutagenError, apev2, id3
from mutagen.ogg import OggPage


class Damaged(ValueError):
    """The file is not what it begins as, or of a kind that cannot be freed of notes."""


def without_notes(data: bytes, media_type: str) -> bytes:
    """The recording (``audio/…``) without notes; raises ``Damaged``."""
    try:
        return _STRIPPERS[media_type](data)
    except (MutagenError, EOFError, IndexError, ValueError) as error:
        raise Damaged(str(error)) from error


# --- MP3 and WAV ------------------------------------------------------------------------------------


def _mp3(data: bytes) -> bytes:
    while data[:3] == b"ID3":  # some programs put one tag before another
        file = io.BytesIO(data)
        id3.delete(file, delete_v1=True, delete_v2=True)
        if len(file.getvalue()) >= len(data):
            raise Damaged("ID3")
        data = file.getvalue()
    file = io.BytesIO(data)
    id3.delete(file)
    apev2.delete(file)
    return file.getvalue()


def _wav(data: bytes) -> bytes:
    kept, at = b"", 12
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        end = min(at + 8 + size + size % 2, len(data))
        if data[at : at + 4] in (b"fmt ", b"data", b"fact"):
            kept += data[at:end]
        at = end
    return b"RIFF" + (4 + len(kept)).to_bytes(4, "little") + b"WAVE" + kept


# --- Ogg --------------------------------------------------------------------------------------------

# The second packet of a stream, naming no program and holding no comment.
_OGG_COMMENTS = {b"OpusHead": b"OpusTags" + bytes(8), b"\x01vorbis": b"\x03vorbis" + bytes(8) + b"\x01"}


def _ogg(data: bytes) -> bytes:
    file = io.BytesIO(data)
    head = OggPage(file).packets[0]
    empty = next((packet for begin, packet in _OGG_COMMENTS.items() if head.startswith(begin)), b"")
    pages = [OggPage(file)]
    while not (pages[-1].complete or len(pages[-1].packets) > 1):
        pages.append(OggPage(file))
    packets = OggPage.to_packets(pages)
    if not empty or packets[0][:7] != empty[:7]:
        raise Damaged("Ogg without comments where they belong")
    while file.tell() < len(data):
        if OggPage(file).first:
            raise Damaged("more than one stream")  # which would have comments of its own
    packets[0] = empty
    OggPage.replace(file, pages, OggPage.from_packets(packets, pages[0].sequence))
    return file.getvalue()


# --- MP4 --------------------------------------------------------------------------------------------


def _mp4(data: bytes) -> bytes:
    cleared = bytearray(data)
    _free_boxes(cleared, 0, len(cleared))
    return bytes(cleared)


def _free_boxes(data: bytearray, at: int, end: int) -> None:
    """Turn user data and meta boxes into blank free space, so that every offset in the file stays right."""
    while at + 8 <= end:
        size, name, head = int.from_bytes(data[at : at + 4], "big"), bytes(data[at + 4 : at + 8]), 8
        if size == 1:
            size, head = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        elif size == 0:
            size = end - at
        if size < head or at + size > end:
            raise Damaged("MP4 box beyond its end")
        if name in (b"udta", b"meta", b"uuid", b"free", b"skip"):
            data[at + 4 : at + 8] = b"free"
            data[at + head : at + size] = bytes(size - head)
        elif name in (b"moov", b"trak", b"mdia", b"minf", b"moof", b"traf", b"mvex"):
            _free_boxes(data, at + head, at + size)
        at += size


# --- WebM -------------------------------------------------------------------------------------------

_VOID = 0xEC
_TRACKS = 0x1654AE6B
# Elements that are gone into: Segment, Info, Tracks, TrackEntry.
_INTO = {0x18538067, 0x1549A966, _TRACKS, 0xAE}
# Names of programs, which must be there: their letters are blanked. MuxingApp, WritingApp.
_BLANKED = {0x4D80, 0x5741}
_CLUSTER = 0x1F43B675
_CODEC = 0x86
_ENCODED = 0x6D80
_KEPT = {
    *(0x1A45DFA3, 0x114D9B74, 0x1C53BB6B, 0x2AD7B1, 0x4489),  # header, seek head, cues, time scale, duration
    *(0xD7, 0x73C5, 0x83, 0xB9, 0x88, 0x55AA, 0x9C, 0x6DE7, 0x6DF8, 0x23E383, 0x55EE, 0x23314F),  # of a track
    *(_CODEC, 0x63A2, 0x56AA, 0x56BB, 0xE1, 0x22B59C, 0x22B59D),
    *(_CLUSTER, 0xE7, 0xA3, 0xA0, 0xA7, 0xAB),  # the sound: clusters, and what is in one of unknown size
}


def _webm(data: bytes) -> bytes:
    """Elements follow one another; who is gone into is stepped over by its head alone.

    Identifiers are unique over all levels, and recorders leave sizes of segments and clusters unknown, so no
    level has to be kept in mind.
    """
    cleared, at, codecs = bytearray(data), 0, []
    while at < len(data):
        number, start = _ebml_number(data, at, keep_marker=True)
        size, begin = _ebml_number(data, start)
        unknown = size == (1 << (7 * (begin - start))) - 1
        if number in _INTO or (unknown and number == _CLUSTER):
            at = begin
            continue
        # A recording that was cut off ends in the middle of a block.
        end = min(begin + size, len(data))
        if number == _ENCODED or unknown or (end < begin + size and number not in (_CLUSTER, 0xA3, 0xA0)):
            raise Damaged(f"WebM element {number:X} encoded, or beyond its end")
        if number == _CODEC:
            codecs.append(data[begin:end].rstrip(b"\0"))
        if number in _BLANKED:
            cleared[begin:end] = bytes(end - begin)
        elif number not in _KEPT:
            cleared[at:end] = _void(end - at)
        at = end
    # Vorbis keeps comments within its set-up data; browsers record Opus.
    if codecs != [b"A_OPUS"]:
        raise Damaged(f"WebM with {codecs}, not with one track of Opus")
    return bytes(cleared)


def _ebml_number(data: bytes, at: int, keep_marker: bool = False) -> tuple[int, int]:
    """A number of variable length (1 to 8 bytes) and where it ends."""
    length = 9 - data[at].bit_length()
    if length > 8 or at + length > len(data):
        raise Damaged("WebM number")
    value = int.from_bytes(data[at : at + length], "big")
    return (value if keep_marker else value & ((1 << (7 * length)) - 1)), at + length


def _void(length: int) -> bytes:
    """An element of so many bytes that players skip."""
    if length < 9:
        return bytes([_VOID, 0x80 | (length - 2)]) + bytes(length - 2)
    return bytes([_VOID]) + (length - 9 | 1 << 56).to_bytes(8, "big") + bytes(length - 9)


_STRIPPERS = {
    "audio/mpeg": _mp3,
    "audio/wav": _wav,
    "audio/ogg": _ogg,
    "audio/mp4": _mp4,
    "audio/webm": _webm,
}
