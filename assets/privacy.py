"""Fields about people that the product has no place for, so that no import may bring them in.

Ethnicity, religion, education, political status, health and biometrics: left out on purpose (Personal
Information Protection Law, articles 6 and 28). Files of residents carry them under these names.
"""

import re

from django.utils.translation import gettext_lazy as _

TOPICS = {
    "ethnicity": _("ethnicity"),
    "religion": _("religion"),
    "education": _("education"),
    "political status": _("political status"),
    "health": _("health"),
    "biometrics": _("biometrics"),
}
# Parts of Chinese field names.
CHINESE = {
    "ethnicity": ("民族", "族别", "族群"),
    "religion": ("宗教", "信仰", "教派"),
    "education": ("学历", "文化程度", "教育程度", "受教育", "学位"),
    "political status": ("政治面貌", "政治身份", "是否党员", "党员", "入党", "党派"),
    "health": ("健康状况", "健康", "疾病", "病史", "患病", "残疾", "慢性病", "精神障碍", "传染病", "血型"),
    "biometrics": ("指纹", "人脸", "虹膜", "声纹", "掌纹", "步态", "生物特征", "基因"),
}
# Whole words of English field names.
ENGLISH = {
    "ethnicity": ("ethnic", "ethnicity", "race", "nationality", "minority"),
    "religion": ("religion", "religious", "religio", "belief", "faith"),
    "education": ("education", "edu", "educational", "schooling", "degree", "diploma"),
    "political status": ("political", "politics", "partymember", "ccp"),
    "health": ("health", "disease", "illness", "medical", "disability", "disabled", "diagnosis", "blood"),
    "biometrics": ("biometric", "biometrics", "fingerprint", "face", "facial", "iris", "voiceprint", "dna"),
}
# Initials, as ten letters of a Shapefile's field name carry them.
INITIALS = {
    "mz": "ethnicity",
    "zjxy": "religion",
    "zj_xy": "religion",
    "xl": "education",
    "whcd": "education",
    "zzmm": "political status",
    "jkzk": "health",
}


def forbidden(name: str) -> str:
    """What a field of this name says about a person that may not be stored; empty when it is harmless."""
    for topic, parts in CHINESE.items():
        if any(part in name for part in parts):
            return topic
    lowered = name.strip().lower()
    if lowered in INITIALS:
        return INITIALS[lowered]
    if re.search(r"party.?member", lowered):
        return "political status"
    words = re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower())
    for topic, known in ENGLISH.items():
        if any(word in known for word in words):
            return topic
    return ""
