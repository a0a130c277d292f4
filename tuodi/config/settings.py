"""Django settings. Everything a site may change comes from the environment and is listed in docs/howto/configure.md.

Two database roles (see `tuodi.config.postgres`): `TUODI_DB_ROLE=owner` makes and migrates tables, the default `app`
serves pages and jobs and is held by row-level security. No process that answers people runs as the owner.
"""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

from csp.constants import NONE, SELF

from tuodi.config import database, keys, logs
from tuodi.config.paths import REPOSITORY, var_dir

#: Under pytest Django connects as the owner, makes a database of its own and drops to the runtime role in fixtures.
TESTING = "pytest" in sys.modules
DEBUG = os.environ.get("TUODI_DEBUG") == "1"
#: Served through HTTPS (a proxy in front): cookies become Secure and browsers are told to stay on HTTPS.
HTTPS = os.environ.get("TUODI_HTTPS") == "1"
#: Demo data and demo accounts are allowed only here; a production site never sets it.
DEMO = os.environ.get("TUODI_DEMO") == "1"


def _secret_key() -> str:
    """The signing key: from the environment, else made once and kept in a 0600 file."""
    given = os.environ.get("TUODI_SECRET_KEY")
    if given:
        return given
    path = var_dir() / "secret_key"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as handle:
        made = secrets.token_urlsafe(50)
        handle.write(made)
    return made


SECRET_KEY = _secret_key()
ALLOWED_HOSTS = [host for host in os.environ.get("TUODI_HOSTS", "127.0.0.1,localhost,[::1]").split(",") if host]
CSRF_TRUSTED_ORIGINS = [origin for origin in os.environ.get("TUODI_ORIGINS", "").split(",") if origin]

#: Rooms with models or pages, lowest first. A room takes part from the moment it has an `apps.py`.
ROOMS = (
    "files",
    "messages",
    "audit",
    "org",
    "standards",
    "people",
    "cases",
    "intake",
    "verification",
    "decisions",
    "funds",
    "payments",
    "monitoring",
    "oversight",
    "demo",
    "web",
)
INSTALLED_ROOMS = [room for room in ROOMS if (REPOSITORY / "tuodi" / room / "apps.py").exists()]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "procrastinate.contrib.django",
    "django_htmx",
    "axes",
    "csp",
    *(f"tuodi.{room}" for room in INSTALLED_ROOMS),
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "tuodi.web.compression.TextGZipMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "tuodi.people.middleware.ResidentMiddleware",
    "tuodi.org.middleware.SessionLimitsMiddleware",
    "tuodi.org.middleware.NoStoreMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "axes.middleware.AxesMiddleware",
    # Last: it runs the view itself, inside the transaction that carries the reader's scope.
    "tuodi.org.middleware.ScopeMiddleware",
]

ROOT_URLCONF = "tuodi.config.urls"
WSGI_APPLICATION = "tuodi.config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                *(["tuodi.web.context.site"] if (REPOSITORY / "tuodi/web/context.py").exists() else []),
            ],
        },
    }
]

DATABASES = {"default": database.settings(testing=TESTING)}
#: Seconds one statement of a form's action may take; reading a page is held to less (`config.database`). 0 = no limit is set.
FORM_STATEMENT_SECONDS = 60 if os.environ.get("TUODI_POOL") == "1" else 0
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "org.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "tuodi.org.backends.StaffBackend"]
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/login/"
#: Where a user with a password somebody else chose must go first; he may only leave it by signing out.
PASSWORD_CHANGE_URL = "/password/"
LOGOUT_URL = "/logout/"
PASSWORD_HASHERS = (
    ["django.contrib.auth.hashers.MD5PasswordHasher"]  # speed; no test is about the hash
    if TESTING
    else ["django.contrib.auth.hashers.Argon2PasswordHasher", "django.contrib.auth.hashers.PBKDF2PasswordHasher"]
)
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    # GB/T 22239-2019 8.1.4.1 a) demands complexity; a site that follows OWASP ASVS 6.2.5 instead sets 1.
    {
        "NAME": "tuodi.org.passwords.CharacterKindsValidator",
        "OPTIONS": {"kinds": int(os.environ.get("TUODI_PASSWORD_KINDS", "3"))},
    },
]

# Lock-out by account and address together: one clerk's typing errors never lock a whole counter.
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
#: The name as the product reads it: full-width or capital spellings of one account are one account.
AXES_USERNAME_CALLABLE = "tuodi.org.backends.typed_name"
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "tuodi.org.backends.locked_out"
AXES_ENABLE_ACCESS_FAILURE_LOG = False
AXES_VERBOSE = False
AXES_IPWARE_PROXY_COUNT = int(os.environ.get("TUODI_PROXIES", "0"))
#: Locks count the same address as all other limits.
AXES_CLIENT_IP_CALLABLE = "tuodi.org.addresses.address_of"
AXES_ENABLED = True

SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_NAME = "__Host-tuodi" if HTTPS else "tuodi"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_AGE = 12 * 3600
#: Seconds without a request after which a session ends, and the longest one may last.
SESSION_IDLE_SECONDS = int(os.environ.get("TUODI_SESSION_IDLE", "1800"))
SESSION_ABSOLUTE_SECONDS = 12 * 3600
#: How many sessions one account may have at once; 0 = any number. The oldest ends.
SESSIONS_MOST = int(os.environ.get("TUODI_SESSIONS", "3"))
#: Duties whose holder signs in with a second factor (GB/T 22239-2019 8.1.4.1 d); an empty text switches it off.
SECOND_FACTOR_DUTIES = frozenset(
    filter(
        None,
        os.environ.get(
            "TUODI_FACTOR_DUTIES", "pay_approve,pay_send,hand_over,hand_over_approve,sysadmin,security,audit_view"
        ).split(","),
    )
)
#: Where one who needs a second factor and has none must go first.
FACTOR_URL = "/security/me/factor/"
#: Pages with people one user may see within an hour before he must say once more who he is; 0 = any number.
READING_LIMIT = int(os.environ.get("TUODI_READING_LIMIT", "200"))
STEP_UP_URL = "/security/me/step-up/"
CSRF_COOKIE_NAME = "__Host-tuodi-csrf" if HTTPS else "tuodi_csrf"
CSRF_COOKIE_HTTPONLY = True

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "style-src-attr": ["'unsafe-inline'"],  # chart tooltips place themselves with a style attribute
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

#: Whether services on this machine may be called (the simulators are); a site behind a local tunnel says so itself.
OUTWARD_LOCAL = DEMO or TESTING or os.environ.get("TUODI_OUTWARD_LOCAL") == "1"
#: Further hosts an identity provider's own description may name for its token, keys and user info.
OUTWARD_HOSTS = frozenset(filter(None, os.environ.get("TUODI_OUTWARD_HOSTS", "").lower().split(",")))
#: Address of the departments' gateway (https; http on this machine only); empty = no live checks.
GATEWAY_URL = os.environ.get("TUODI_GATEWAY", "")
#: Our SM2 key for requests, made when first needed, readable by its owner only.
GATEWAY_KEY = Path(os.environ.get("TUODI_GATEWAY_KEY") or var_dir() / "gateway_key")

#: Our SM2 key for files to banks, made when first needed, readable by its owner only.
BANK_KEY = Path(os.environ.get("TUODI_BANK_KEY") or var_dir() / "bank_key")
#: How many messages ever left for each bank, and which files were given out to be carried. Not part of a backup of the database: the two are compared before sending.
BANK_MARK = Path(os.environ.get("TUODI_BANK_MARK") or var_dir() / "bank_sent.json")

#: How messages to people outside leave the house: outbox (they stay, a demo shows them), folder, http.
MESSAGES = {
    "adapter": os.environ.get("TUODI_MESSAGES", "outbox"),
    "folder": os.environ.get("TUODI_MESSAGES_FOLDER", ""),
    "url": os.environ.get("TUODI_MESSAGES_URL", ""),
    "secret": os.environ.get("TUODI_MESSAGES_SECRET", ""),
}

#: Pages of residents. Who is signed in as staff is nobody there, and the other way round.
RESIDENT_PREFIX = "/my/"
RESIDENT_IDLE_SECONDS = int(os.environ.get("TUODI_RESIDENT_IDLE", "900"))
RESIDENT_ABSOLUTE_SECONDS = 4 * 3600
#: Codes asked for in an hour from one address: a village hall lends its computer to more than one family.
RESIDENT_TRIES_PER_ADDRESS = int(os.environ.get("TUODI_RESIDENT_TRIES", "30"))
#: The number on every page of residents.
HOTLINE = os.environ.get("TUODI_HOTLINE", "12349")
#: An identity provider for residents (OpenID Connect); an empty issuer = sign-in by code.
RESIDENT_OIDC = {
    "issuer": os.environ.get("TUODI_OIDC_ISSUER", ""),
    "client_id": os.environ.get("TUODI_OIDC_CLIENT", ""),
    "client_secret": os.environ.get("TUODI_OIDC_SECRET", ""),
    "label": os.environ.get("TUODI_OIDC_LABEL", "统一身份认证"),
    "scope": os.environ.get("TUODI_OIDC_SCOPE", "openid profile"),
    "name_claim": os.environ.get("TUODI_OIDC_NAME", "name"),
    "number_claim": os.environ.get("TUODI_OIDC_NUMBER", "id_number"),
}

LANGUAGE_CODE = "zh-hans"
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True
USE_I18N = True

STATIC_URL = "/static/"
STATIC_ROOT = var_dir() / "static"
STATIC_ROOT.mkdir(exist_ok=True)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
#: `tuodi serve` collects the files once, each beside its compressed copy, and says so; anything else finds them where they lie.
WHITENOISE_USE_FINDERS = os.environ.get("TUODI_STATIC") != "collected"
WHITENOISE_MAX_AGE = 3600

#: Stored files (uploads, bank files, snapshots), encrypted, by content hash.
FILES_DIR = Path(os.environ.get("TUODI_FILES") or var_dir() / "files")
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 2**20
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 2**20
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000
FILE_UPLOAD_TEMP_DIR = None

PROCRASTINATE_ON_APP_READY = "tuodi.config.timetable.on_app_ready"
PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "tasks"

LOGGING = logs.settings(debug=DEBUG)

keys.install(testing=TESTING)
