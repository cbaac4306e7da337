"""What a photo or a recording is, read from its bytes. Pure: knows no database.

A file's name and the type a browser claims are never believed. Photos are decoded (which proves them) and
drawn anew for others to see, so that nothing but pixels survives: no position, no owner, no thumbnail.
Recordings lose what is written beside the sound (``geo.recordings``).
"""

import io
import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pillow_heif
from django.utils.translation import gettext as _
from PIL import ExifTags, Image, ImageCms, ImageDraw, ImageFilter, ImageOps

from geo import coordinates, recordings

pillow_heif.register_heif_opener()

MAX_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 64_000_000
SHOWN_SIDE = 2560
THUMBNAIL_SIDE = 320
# Pillow's own guard against decompression bombs, for whatever else opens an image.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
_FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP", "image/heic": "HEIF"}
EXTENSIONS = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "image/heic": ".heic",
    "audio/webm": ".webm",
    "audio/ogg": ".ogg",
    "audio/mpeg": ".mp3",
    "audio/mp4": ".m4a",
    "audio/wav": ".wav",
}
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"mif1", b"hevc", b"msf1"}
_MP4_BRANDS = {b"M4A ", b"M4B ", b"mp42", b"mp41", b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"dash"}


class MediaError(ValueError):
    """A file that is not taken; the text says why and what would be."""


@dataclass(frozen=True)
class Media:
    """A file that was understood.

    ``shown`` is what others get, ``thumbnail`` its small copy (JPEG; none for recordings). ``position`` is
    WGS-84 (lon, lat) from EXIF; ``taken_at`` is aware. ``width`` and ``height`` are pixels, upright.
    """

    media_type: str
    size: int
    shown: bytes
    shown_type: str
    thumbnail: bytes = b""
    width: int | None = None
    height: int | None = None
    position: tuple[float, float] | None = None
    taken_at: datetime | None = None


def sniff(data: bytes) -> str:
    """The media type by magic bytes, or "" for anything that is not taken."""
    head = data[:64]
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(head[8:12], "")
    if head[4:8] == b"ftyp":
        brands = {
            head[8:12],
            *(head[i : i + 4] for i in range(16, min(int.from_bytes(head[:4], "big"), 64), 4)),
        }
        if head[8:12] in _HEIC_BRANDS:
            return "image/heic"
        handlers = set(re.findall(rb"hdlr.{8}(vide|soun)", data, re.DOTALL))
        return "audio/mp4" if brands & _MP4_BRANDS and handlers == {b"soun"} else ""
    if head.startswith(b"OggS"):
        return "audio/ogg" if b"OpusHead" in head or b"\x01vorbis" in head else ""
    if head.startswith(b"\x1aE\xdf\xa3"):
        video = re.search(rb"\x86[\x80-\xff]V_[A-Z]", data)
        return "audio/webm" if b"webm" in head and not video else ""
    if head.startswith(b"ID3") or (len(head) > 2 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2):
        return "audio/mpeg"
    return ""


def check_size(size: int) -> None:
    """Refuse, before reading it, what is empty or too big (bytes)."""
    if not size:
        raise MediaError(_("The file is empty."))
    if size > MAX_BYTES:
        raise MediaError(
            _("The file has %(size).0f MB; at most %(most)d MB are taken.")
            % {"size": size / 1024 / 1024, "most": MAX_BYTES // 1024 // 1024}
        )


def understand(data: bytes) -> Media:
    """Read a photo or a recording, or raise ``MediaError``."""
    check_size(len(data))
    media_type = sniff(data)
    if not media_type:
        raise MediaError(
            _("Only photos (JPEG, PNG, WebP, HEIC) and recordings (WebM, Ogg, MP3, M4A, WAV) are taken.")
        )
    if media_type.startswith("audio/"):
        try:
            shown = recordings.without_notes(data, media_type)
        except recordings.Damaged:
            words = _(
                "The recording is damaged, or of a kind that is not taken: record it anew, or send MP3."
            )
            raise MediaError(words) from None
        return Media(media_type, len(data), shown, media_type)
    picture, exif, (width, height) = _open(data, media_type)
    shown = _jpeg(picture, SHOWN_SIDE, 85)
    return Media(
        media_type,
        len(data),
        shown,
        "image/jpeg",
        thumbnail=_jpeg(picture, THUMBNAIL_SIDE, 80),
        width=width,
        height=height,
        position=position_of(exif),
        taken_at=taken_at_of(exif),
    )


def _open(data: bytes, media_type: str) -> tuple[Image.Image, Image.Exif, tuple[int, int]]:
    """Decode upright into sRGB, no larger than shown, looking at the size before at the pixels.

    Returns the picture, its EXIF, and the photo's own width and height (upright).
    """
    try:
        with Image.open(io.BytesIO(data), formats=[_FORMATS[media_type]]) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise MediaError(
                    _("The photo has %(pixels).0f megapixels; at most %(most)d are taken.")
                    % {"pixels": picture.width * picture.height / 1e6, "most": MAX_PIXELS // 1_000_000}
                )
            exif, size = picture.getexif(), picture.size
            if exif.get(ExifTags.Base.Orientation) in (5, 6, 7, 8):
                size = size[::-1]
            # JPEG can be decoded at half or a quarter of its size.
            picture.draft(None, (SHOWN_SIDE, SHOWN_SIDE))
            picture.load()
            profile = picture.info.get("icc_profile") if picture.mode == "RGB" else None
            upright = ImageOps.exif_transpose(_small(picture))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, EOFError) as error:
        if isinstance(error, MediaError):
            raise
        raise MediaError(_("The photo is damaged and cannot be opened.")) from error
    if upright.mode in ("RGBA", "LA"):
        flat = upright.convert("RGBA")
        upright = Image.new("RGBA", flat.size, "white")
        upright.alpha_composite(flat)
    elif profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            upright = ImageCms.profileToProfile(upright, source, ImageCms.createProfile("sRGB"))
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # an unreadable profile costs some colour, not the photo
    return upright.convert("RGB"), exif, size


def _small(picture: Image.Image) -> Image.Image:
    """The picture at the size others see it, before anything else: a step on 64 megapixels takes 250 MB."""
    clear = "transparency" in picture.info
    if picture.mode == "1" and not clear:
        picture = picture.convert("L")
    elif clear or picture.mode not in ("L", "LA", "RGB", "RGBA", "CMYK"):
        picture = picture.convert("RGBA" if clear or picture.mode == "PA" else "RGB")
    picture.thumbnail((SHOWN_SIDE, SHOWN_SIDE), Image.Resampling.LANCZOS)
    return picture


def _jpeg(picture: Image.Image, side: int, quality: int) -> bytes:
    small = picture.copy()
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    # A fresh image: whatever hung on the old one stays behind.
    clean = Image.frombytes("RGB", small.size, small.tobytes())
    buffer = io.BytesIO()
    clean.save(buffer, "JPEG", quality=quality, optimize=True)
    return buffer.getvalue()


def blurred(shown: bytes, rectangles) -> bytes:
    """A public copy of a shown photo with ``rectangles`` made unreadable for good.

    Each is (x, y, width, height) as shares of the picture, 0 to 1. Averaging to few cells leaves nothing that
    sharpening could bring back; a margin keeps an edge from giving away what is inside.
    """
    with Image.open(io.BytesIO(shown)) as opened:
        picture = opened.convert("RGB")
    for x, y, width, height in rectangles:
        margin = 0.1 * max(width, height)
        left, top = (
            max(0, math.floor((x - margin) * picture.width)),
            max(0, math.floor((y - margin) * picture.height)),
        )
        right = min(picture.width, math.ceil((x + width + margin) * picture.width))
        bottom = min(picture.height, math.ceil((y + height + margin) * picture.height))
        if right <= left or bottom <= top:
            continue
        part = picture.crop((left, top, right, bottom))
        cells = (max(1, min(4, part.width // 24)), max(1, min(4, part.height // 24)))
        mosaic = part.resize(cells, Image.Resampling.BOX).resize(part.size, Image.Resampling.BICUBIC)
        picture.paste(mosaic.filter(ImageFilter.GaussianBlur(4)), (left, top))
    return _jpeg(picture, SHOWN_SIDE, 85)


def drawing(width: int, height: int, colour: str = "#888888", text: str = "") -> bytes:
    """A plain generated photo (JPEG): for demonstrations and tests, never of a real place."""
    picture = Image.new("RGB", (width, height), colour)
    ImageDraw.Draw(picture).text((width // 20, height // 20), text, fill="white")
    return _jpeg(picture, max(width, height), 80)


# --- EXIF -------------------------------------------------------------------------------------------


def position_of(exif: Image.Exif) -> tuple[float, float] | None:
    """WGS-84 (lon, lat) from the GPS tags. Phones that wrote GCJ-02 and said so are converted."""
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    try:
        lat = _degrees(gps[ExifTags.GPS.GPSLatitude]) * (
            -1 if gps.get(ExifTags.GPS.GPSLatitudeRef) == "S" else 1
        )
        lon = _degrees(gps[ExifTags.GPS.GPSLongitude]) * (
            -1 if gps.get(ExifTags.GPS.GPSLongitudeRef) == "W" else 1
        )
        if not (lon or lat):
            return None  # what phones write when they do not know
        datum = str(gps.get(ExifTags.GPS.GPSMapDatum, "")).upper()
        return coordinates.to_wgs84(lon, lat, coordinates.GCJ02 if "GCJ" in datum else coordinates.WGS84)
    except (KeyError, TypeError, ValueError, ZeroDivisionError, IndexError):
        return None


def _degrees(parts) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    value = degrees + minutes / 60 + seconds / 3600
    if not math.isfinite(value):
        raise ValueError(value)
    return value


def taken_at_of(exif: Image.Exif) -> datetime | None:
    """When the photo was taken; a clock without zone is read as Asia/Shanghai."""
    details = exif.get_ifd(ExifTags.IFD.Exif)
    text = str(details.get(ExifTags.Base.DateTimeOriginal) or exif.get(ExifTags.Base.DateTime) or "")
    try:
        clock = datetime.strptime(text.strip("\x00 "), "%Y:%m:%d %H:%M:%S")
    except ValueError:
        return None
    zone = ZoneInfo("Asia/Shanghai")
    offset = re.fullmatch(
        r"([+-])(\d\d):(\d\d)", str(details.get(ExifTags.Base.OffsetTimeOriginal, "")).strip("\x00 ")
    )
    if offset:
        sign = -1 if offset[1] == "-" else 1
        zone = timezone(sign * timedelta(hours=int(offset[2]), minutes=int(offset[3])))
    return clock.replace(tzinfo=zone).astimezone(UTC)
