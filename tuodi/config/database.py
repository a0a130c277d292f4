"""Which database Django connects to, and as whom."""

from __future__ import annotations

import os
from typing import Any

from psycopg.conninfo import conninfo_to_dict

from tuodi.config import postgres

ROLES = {"owner": postgres.OWNER_ROLE, "app": postgres.APP_ROLE}


#: How long a page waits for a link to the database, in seconds.
POOL_SECONDS = 3
#: A page's statement ends before five seconds are over; one that only waits for others ends sooner.
PAGE_SECONDS, PAGE_LOCK_SECONDS = 4, 3


def _limits(wanted: str, *, pages: bool, testing: bool) -> dict[str, str]:
    """How long a session of this process may wait for locks, run one statement, or sit in a transaction.

    Changes of tables stand in the way of everybody who comes after them, so they wait least (`config.migrating`).
    """
    if wanted == postgres.OWNER_ROLE and not testing:
        return {"lock_timeout": "3s", "idle_in_transaction_session_timeout": "30min"}
    if pages:
        return {
            "lock_timeout": f"{PAGE_LOCK_SECONDS}s",
            "statement_timeout": f"{PAGE_SECONDS}s",
            "idle_in_transaction_session_timeout": "5min",
        }
    return {"lock_timeout": "20s", "statement_timeout": "10min", "idle_in_transaction_session_timeout": "30min"}


def role() -> str:
    """The database role of this process: `tuodi_owner` for migrations, else `tuodi_app`."""
    return ROLES[os.environ.get("TUODI_DB_ROLE", "app")]


def settings(*, testing: bool) -> dict[str, Any]:
    """The `default` entry of DATABASES.

    Tests connect as the owner, since they make databases; the fixtures then take the runtime role. With
    `DATABASE_URL` the login in it must be a member of both roles (or `DATABASE_OWNER_URL` names a second login for
    migrations); the session then takes the role, so that a powerful login still runs without its powers.
    """
    wanted = postgres.OWNER_ROLE if testing else role()
    url = os.environ.get("DATABASE_URL")
    if url and wanted == postgres.OWNER_ROLE:
        url = os.environ.get("DATABASE_OWNER_URL") or url
    pages = os.environ.get("TUODI_POOL") == "1"
    # A pooler in between takes no start options: the limits and the role are said once the link stands (`org.apps`).
    pooler = os.environ.get("TUODI_POOLER") == "1"
    options: dict[str, Any] = {"application_name": "tuodi"}
    server_options = [f"-c {name}={value}" for name, value in _limits(wanted, pages=pages, testing=testing).items()]
    if testing:
        server_options.append("-c synchronous_commit=off")
    if url:
        parts = conninfo_to_dict(url)
        if parts.get("user") != wanted:
            server_options.append(f"-c role={wanted}")
        found: dict[str, Any] = {
            "NAME": parts.pop("dbname", postgres.DATABASE),
            "USER": parts.pop("user", ""),
            "PASSWORD": parts.pop("password", ""),
            "HOST": parts.pop("host", ""),
            "PORT": str(parts.pop("port", "")),
        }
        if parts.get("options"):
            server_options.append(str(parts.pop("options")))
        options |= parts  # sslmode and the like
    else:
        place = postgres.layout()
        found = {"NAME": postgres.DATABASE, "USER": wanted, "PASSWORD": "", "HOST": place.socket, "PORT": "5432"}
    said = (
        dict(one.removeprefix("-c ").split("=", 1) for one in server_options if one.startswith("-c ")) if pooler else {}
    )
    if not pooler:
        options["options"] = " ".join(server_options)
    if pages:
        # Giving up early on a link keeps the pauses between tries short: a server that comes back is found in seconds.
        options["pool"] = {"min_size": 2, "max_size": 10, "timeout": POOL_SECONDS, "reconnect_timeout": 5}
    return found | {
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,  # without it a pool answers with dead links after a server restart
        "OPTIONS": options,
        "SAID_AFTER_CONNECTING": said,
        "TEST": {"NAME": os.environ.get("TUODI_TEST_DB", "test_tuodi")},
    }
