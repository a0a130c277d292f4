"""Which database Django connects to, and as whom."""

from __future__ import annotations

import os
from typing import Any

from psycopg.conninfo import conninfo_to_dict

from tuodi.config import postgres

ROLES = {"owner": postgres.OWNER_ROLE, "app": postgres.APP_ROLE}


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
    options: dict[str, Any] = {"application_name": "tuodi"}
    server_options = ["-c lock_timeout=20s", "-c idle_in_transaction_session_timeout=30min"]
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
    options["options"] = " ".join(server_options)
    if os.environ.get("TUODI_POOL") == "1":
        options["pool"] = {"min_size": 2, "max_size": 10, "timeout": 10}
    return found | {
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,  # without it a pool answers with dead links after a server restart
        "OPTIONS": options,
        "TEST": {"NAME": os.environ.get("TUODI_TEST_DB", "test_tuodi")},
    }
