"""Django settings. Everything an operator may change comes from the environment."""

import os
from ipaddress import ip_network
from pathlib import Path

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from geo import native
from geo.data_dir import data_dir, load_secrets

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = data_dir()
_SECRETS = load_secrets(DATA_DIR / "secrets.json")
globals().update(native.configure())

DEBUG = os.environ.get("WANGGE_DEBUG") == "1"
SECRET_KEY = _SECRETS["secret_key"]
# Signs the short-lived paths of scoped tiles, which nginx checks without asking Django.
LINK_KEY = _SECRETS["link_key"]
HTTPS = os.environ.get("WANGGE_HTTPS") == "1"
ALLOWED_HOSTS = os.environ.get("WANGGE_HOSTS", "localhost,127.0.0.1,[::1],testserver").split(",")
CSRF_TRUSTED_ORIGINS = [
    f"{'https' if HTTPS else 'http'}://{host}:{port}"
    for host in ALLOWED_HOSTS
    for port in os.environ.get("WANGGE_PORT", "8000").split(",")
    if host not in ("*", "testserver")
]

# --- The city ---------------------------------------------------------------------------------------
CITY_CODE = os.environ.get("WANGGE_CITY", "9901")
# Lengths, areas and clusters are computed here: a CGCS2000 3-degree Gauss-Krueger zone (4534-4554).
CITY_SRID = int(os.environ.get("WANGGE_CITY_SRID", "4537"))
# Seconds; a grid's publication asks again after this and then says who is in the way.
LOCK_TIMEOUT = 5
# Households that a grid should have: the fewest and the most. A plan may set its own.
GRID_STANDARD = (300, 500)

# Ours, from the ground up.
OWN_APPS = ["geo", "tiles", "grids", "assets", "cases"]

# --- Cases: conventions of the house that a city may change --------------------------------------------
# The edition of types that new reports choose from; see assets.ItemType.Standard.
CASE_STANDARD = os.environ.get("WANGGE_STANDARD", "gbt30428_2_2013")
CASE_DEFAULT_LIMIT = (3, "work_day")  # to handle what no filing rule covers
CASE_VERIFY_ALLOWANCE = (1, "work_day")  # from handling due to closing due
CASE_RETURN_SHARE = 0.25  # of the limit a unit has to say "not my duty", but at most
CASE_RETURN_WORK_HOURS = 4
CASE_VERIFY_METRES = 100  # how near an inspector must stand to verify
CASE_REOPEN = (5, "work_day")  # after closing
CASE_DIFFICULT_RETURNS = 2  # so many returns or reworks make a case difficult by themselves
CASE_DIFFICULT_REWORKS = 2
CASE_OWNER_ANSWER = (2, "work_day")  # for units to say whose a difficult case is
CASE_SUPERVISION_REPLY = (1, "work_day")
# Hot spots: so many reports of a type in so many days, each within so many metres of another.
CASE_HOT = {"days": 30, "metres": 100, "least": 5}
CASE_BLOCKED_DAYS = 2  # filed so long without an owner makes a spot blocked
CASE_ORDER_RETURN = (1, "work_day")  # for a unit that was whistled for to send the order back
CASE_CALLS = 3  # so many calls in vain end a complaint as never reached
CASE_LEGACY_REVIEW_DAYS = 90  # a legacy problem is looked at again each quarter
CASE_SUSPEND_DAYS = 90  # at most, until a suspended case is looked at again
CHECK_IN_METRES = {"grid": 100}  # tolerance around a grid; around anything else:
CHECK_IN_METRES_ELSE = 50
CASE_DUPLICATE_METRES = {"type": 20, "class": 50}
# What a rate is divided by where cities differ: "filing_rate:valid,rework_rate:due_handle".
STATISTICS_DENOMINATORS = dict(
    one.split(":", 1) for one in os.environ.get("WANGGE_DENOMINATORS", "").split(",") if ":" in one
)
# Sources that count as reports of the public.
STATISTICS_PUBLIC_SOURCES = ("public", "hotline")

# --- The residents' pages (/public/); see docs/public.md ------------------------------------------------
# Whether a report has a phone number: "none" (not asked), "optional" or "code" (needed and proved).
PUBLIC_PHONE = os.environ.get("WANGGE_PUBLIC_PHONE", "optional")
if PUBLIC_PHONE not in ("none", "optional", "code"):
    raise ImproperlyConfigured(f"WANGGE_PUBLIC_PHONE is none, optional or code, not {PUBLIC_PHONE!r}.")
# By which channels residents may ask to be told ("sms", "mail", comma separated); none unless said so.
PUBLIC_TELL = [one for one in os.environ.get("WANGGE_PUBLIC_TELL", "").split(",") if one in ("sms", "mail")]
PUBLIC_HOTLINE = os.environ.get("WANGGE_PUBLIC_HOTLINE", "12345")
# Days after the end of a case for which contacts of residents are kept.
PUBLIC_CONTACT_DAYS = int(os.environ.get("WANGGE_PUBLIC_CONTACT_DAYS", "90"))
# The map shows closed cases for so many days.
PUBLIC_MAP_DAYS = 30

# --- Open311 (/open311/v2/) ---------------------------------------------------------------------------
# The name that clients may send as jurisdiction_id; the city's code is known as well.
OPEN311_JURISDICTION = os.environ.get("WANGGE_OPEN311_JURISDICTION", "")
# What the discovery says: whom to ask, how to get a key, and whether reports are acted upon.
OPEN311_CONTACT = os.environ.get("WANGGE_OPEN311_CONTACT", "")
OPEN311_KEY_SERVICE = os.environ.get("WANGGE_OPEN311_KEY_SERVICE", "")
OPEN311_TYPE = "test" if os.environ.get("WANGGE_OPEN311_TEST") == "1" else "production"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.gis",
    "django.contrib.postgres",
    "rest_framework",
    "rest_framework_gis",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "procrastinate.contrib.django",
    "axes",
    "pgtrigger",
    "pghistory",
    *OWN_APPS,
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "geo.middleware.ContentSecurityPolicy",
    "geo.middleware.InPlace",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "tiles.middleware.CallerAtOnce",
    "geo.middleware.IdleSessions",
    "geo.middleware.ChosenGrant",
    "geo.middleware.PasswordFirst",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "geo.middleware.Problems",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "geo.urls"
WSGI_APPLICATION = "geo.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "geo.context.shell",
            ]
        },
    }
]

# --- Database ---------------------------------------------------------------------------------------
DATABASES = {
    "default": dj_database_url.parse(
        os.environ.get(
            "DATABASE_URL", f"postgis://wangge@{str(DATA_DIR / 'run').replace('/', '%2F')}:54321/wangge"
        ),
        engine="django.contrib.gis.db.backends.postgis",
        conn_max_age=None,
        conn_health_checks=True,
    )
}
# A fresh backend pays for loading PostGIS and PROJ, so connections stay.
DATABASES["default"].setdefault("OPTIONS", {})["application_name"] = "wangge"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Accounts ---------------------------------------------------------------------------------------
AUTH_USER_MODEL = "geo.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "geo.passwords.MixedCharacters"},
    {"NAME": "geo.passwords.NotUsedBefore"},
]
# How many passwords of an account, the present one among them, may not be chosen again; 0 switches it off.
PASSWORD_HISTORY = int(os.environ.get("WANGGE_PASSWORD_HISTORY", "5"))
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "login"
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
AXES_CLIENT_IP_CALLABLE = "geo.net.client_address"
AXES_LOCKOUT_CALLABLE = "geo.pages.login.locked_out"
SESSION_COOKIE_AGE = 12 * 3600  # one long shift, whatever happens in it
# Seconds without anybody doing anything after which a session ends; 0 for never. What a page asks for by
# itself (events, polling, tiles) does not count. See geo.sessions.
SESSION_IDLE = 60 * int(os.environ.get("WANGGE_IDLE_MINUTES", "30"))
SESSION_IDLE_PHONE = 60 * int(os.environ.get("WANGGE_IDLE_PHONE_MINUTES", "240"))
SESSION_IDLE_WARNING = 120
# Accounts of wall screens, which nobody touches: comma separated user names.
SESSION_IDLE_EXEMPT = {name for name in os.environ.get("WANGGE_IDLE_EXEMPT", "").split(",") if name}
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
# Off unless asked for: a browser that has seen it refuses plain HTTP on every port of that name for as long,
# which is not what a local authority on "localhost" should bring about.
SECURE_HSTS_SECONDS = int(os.environ.get("WANGGE_HSTS", "0")) if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
X_FRAME_OPTIONS = "DENY"

# --- Languages and time -----------------------------------------------------------------------------
LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
USE_I18N = True
# What loads a city names its areas; fixtures are no app. Our apps stand here too, so that their words win
# over those of packages that translate the same English.
LOCALE_PATHS = [BASE_DIR / folder / "locale" for folder in ("fixtures", *OWN_APPS)]
USE_TZ = True
TIME_ZONE = "Asia/Shanghai"  # for display; the database keeps UTC

# --- Files ------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"] if (BASE_DIR / "static").exists() else []
MEDIA_ROOT = DATA_DIR / "media"
TILE_CACHE = DATA_DIR / "tiles"
BASEMAP_CACHE = DATA_DIR / "basemaps"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
if bucket := os.environ.get("WANGGE_S3_BUCKET"):
    from botocore.config import Config

    endpoint = os.environ.get("WANGGE_S3_ENDPOINT") or None
    STORAGES["default"] = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": bucket,
            "endpoint_url": endpoint,
            # A worker waits for the store, but not long. Stores of one's own have no name per bucket.
            "client_config": Config(
                connect_timeout=5,
                read_timeout=20,
                retries={"max_attempts": 2},
                s3={"addressing_style": "path" if endpoint else "auto"},
            ),
        },
    }
# nginx in front hands out media that Django allowed (X-Accel-Redirect to its internal /_media/).
X_ACCEL = os.environ.get("WANGGE_PROXY") == "1"
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

# --- Jobs and monitoring ----------------------------------------------------------------------------
PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "jobs"
# Who may read /metrics besides system administrators: networks, comma separated.
METRICS_FROM = [
    ip_network(one) for one in os.environ.get("WANGGE_METRICS_FROM", "127.0.0.0/8,::1").split(",")
]

# --- Telling people and programs outside ------------------------------------------------------------
# Where people reach this installation, as links in mails begin with it: "https://wangge.example.cn".
PUBLIC_URL = os.environ.get("WANGGE_URL", "").rstrip("/")
# outbox (nothing is sent, see /manage/outbox/), off, http for SMS, smtp for mail, or a class by its path.
SMS_GATEWAY = os.environ.get("WANGGE_SMS_GATEWAY", "outbox")
SMS_URL = os.environ.get("WANGGE_SMS_URL", "")
SMS_KEY = os.environ.get("WANGGE_SMS_KEY") or _SECRETS.get("sms_key", "")
EMAIL_HOST = os.environ.get("WANGGE_MAIL_HOST", "")
MAIL_GATEWAY = os.environ.get("WANGGE_MAIL_GATEWAY", "smtp" if EMAIL_HOST else "outbox")
_MAIL_SECURITY = os.environ.get("WANGGE_MAIL_SECURITY", "starttls")
EMAIL_USE_TLS, EMAIL_USE_SSL = _MAIL_SECURITY == "starttls", _MAIL_SECURITY == "tls"
EMAIL_PORT = int(
    os.environ.get("WANGGE_MAIL_PORT", {"starttls": "587", "tls": "465"}.get(_MAIL_SECURITY, "25"))
)
EMAIL_HOST_USER = os.environ.get("WANGGE_MAIL_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("WANGGE_MAIL_PASSWORD") or _SECRETS.get("mail_password", "")
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = os.environ.get("WANGGE_MAIL_FROM", "")
# Days after which the words of a message are dropped, and the line that says it was sent.
MESSAGE_TEXT_DAYS = int(os.environ.get("WANGGE_MESSAGE_TEXT_DAYS", "30"))
MESSAGE_DAYS = int(os.environ.get("WANGGE_MESSAGE_DAYS", "180"))
# A file with more authorities to trust, as that of a city's own network.
OUTBOUND_CA = os.environ.get("WANGGE_CA", "")
# Webhooks go to public addresses by https; other ones are listed: networks or host names, comma separated.
WEBHOOK_HTTP = os.environ.get("WANGGE_WEBHOOK_HTTP") == "1"
_ALLOWED = [one.strip() for one in os.environ.get("WANGGE_WEBHOOK_ALLOW", "").split(",") if one.strip()]
WEBHOOK_ALLOW_NETWORKS = [ip_network(one) for one in _ALLOWED if one[0].isdigit() or ":" in one]
WEBHOOK_ALLOW_HOSTS = {one.lower() for one in _ALLOWED if not (one[0].isdigit() or ":" in one)}

# --- API --------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.SessionAuthentication",
        "geo.authentication.Basic",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "rest_framework.parsers.JSONParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "geo.described.Described",
    "EXCEPTION_HANDLER": "geo.problems.exception_handler",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Wangge API",
    "DESCRIPTION": (
        "Plain JSON; GeoJSON (?format=geojson) where a row has a place. Coordinates are WGS-84 longitude and "
        "latitude unless crs says otherwise; lengths are metres, times ISO 8601. Lists take bbox, area, q, "
        "ordering and page by cursor; counts are exact to 10,000. Writes honour an Idempotency-Key. Errors "
        "are problem documents (RFC 9457)."
    ),
    "VERSION": "1",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "geo.described.tell_problems",
    ],
    "ENUM_NAME_OVERRIDES": {
        "CaseStateEnum": "cases.models.Case.State",
        "CasePhaseEnum": "cases.models.Case.Phase",
        "PhotoPhaseEnum": "cases.models.CaseAttachment.Phase",
        "EvaluationModelStateEnum": "cases.models.EvaluationModel.State",
        "ComponentStateEnum": "assets.models.Component.State",
        "TypeKindEnum": "assets.models.ItemType.Kind",
        "CheckInKindEnum": "grids.models.CheckIn.Kind",
        "ProposalStateEnum": "grids.planning.models.PlanProposal.State",
    },
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

# pghistory keeps who did it beside what changed.
PGHISTORY_APPEND_ONLY = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "procrastinate": {"level": "WARNING"},
        "axes": {"level": "WARNING"},
        "httpx": {"level": "WARNING"},
        "pyogrio": {"level": "WARNING"},
    },
}
