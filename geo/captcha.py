"""A question that a program finds tiresome, after some wrong passwords. Made here, no other service asked.

The picture has an alternative in plain words for whoever cannot see it. Neither is a wall: the lock-out is.
The answer stays in the session and counts once.
"""

import io
import secrets

from django.utils.translation import gettext as _
from PIL import Image, ImageDraw, ImageFont

# Without what looks alike.
_LETTERS = "ABCDEFGHJKLMNPRTUVWXY346789"
_LENGTH = 5
_KEY = "captcha"
SIZE = (260, 84)  # pixels; shown at half of it


def renew(session, *, words: bool = False) -> None:
    """Put a new question into the session: a picture, or with ``words`` a sum."""
    if words:
        numbers = secrets.randbelow(9) + 1, secrets.randbelow(9) + 1
        session[_KEY] = {"answer": str(sum(numbers)), "numbers": numbers}
    else:
        session[_KEY] = {"answer": "".join(secrets.choice(_LETTERS) for _letter in range(_LENGTH))}


def in_words(session) -> bool:
    """Whether the question in the session is the one in words."""
    return "numbers" in session.get(_KEY, {})


def question(session) -> str:
    """The question in words, or "" when it is a picture."""
    if not in_words(session):
        return ""
    names = (
        _("one"),
        _("two"),
        _("three"),
        _("four"),
        _("five"),
        _("six"),
        _("seven"),
        _("eight"),
        _("nine"),
    )
    first, second = (names[number - 1] for number in session[_KEY]["numbers"])
    return _("What is %(first)s plus %(second)s? Answer in digits.") % {"first": first, "second": second}


def solve(session, answer: str) -> bool:
    """Whether the answer is right. Right or wrong, the question is used up."""
    asked = session.pop(_KEY, None)
    given = (answer or "").strip().upper()
    return bool(asked and given and secrets.compare_digest(given.encode(), asked["answer"].encode()))


def picture(session) -> bytes:
    """The question as a PNG; empty when there is none, or it is in words."""
    asked = session.get(_KEY)
    if not asked or "numbers" in asked:
        return b""
    image = Image.new("RGB", SIZE, "#f4f7f7")
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(size=46)
    step = (SIZE[0] - 30) // len(asked["answer"])
    for place, letter in enumerate(asked["answer"]):
        glyph = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
        shade = (30 + secrets.randbelow(60), 60 + secrets.randbelow(60), 70 + secrets.randbelow(60), 255)
        ImageDraw.Draw(glyph).text((32, 32), letter, font=font, fill=shade, anchor="mm")
        glyph = glyph.rotate(secrets.randbelow(51) - 25, Image.Resampling.BICUBIC)
        image.paste(glyph, (8 + place * step + secrets.randbelow(9), 4 + secrets.randbelow(17)), glyph)
    for _line in range(5):
        ends = [(secrets.randbelow(SIZE[0]), secrets.randbelow(SIZE[1])) for _end in range(3)]
        draw.line(ends, fill=(90 + secrets.randbelow(80), 120, 130), width=2)
    for _dot in range(260):
        draw.point((secrets.randbelow(SIZE[0]), secrets.randbelow(SIZE[1])), fill="#7f9096")
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
