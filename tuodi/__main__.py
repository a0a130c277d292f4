"""`python -m tuodi VERB …`: sets up what the verb asks for and runs it. Ends with 0, or 1 with a Chinese sentence."""

from __future__ import annotations

import argparse
import os
import sys

from tuodi.cli.registry import build_parser
from tuodi.config.errors import StartUpError
from tuodi.kernel.errors import TuodiError

VERB_FOLDERS = ("tuodi.cli.verbs", "tuodi.config.verbs")


def _prepare(args: argparse.Namespace) -> None:
    """Starts the database and Django as the verb's file demands (see `tuodi.cli.registry`)."""
    module = args.verb_module
    if prepare := getattr(args, "prepare", None):
        prepare()
    needs_database = getattr(module, "NEEDS_DATABASE", False)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tuodi.config.settings")
    if not needs_database:
        return
    from tuodi.config import postgres

    postgres.ensure_running()
    if getattr(args, "migrate", getattr(module, "MIGRATE", False)):
        from tuodi.config.migrating import migrate_as_owner

        migrate_as_owner()
    os.environ.setdefault("TUODI_DB_ROLE", getattr(module, "DATABASE_ROLE", "app"))
    import django

    django.setup()


def main(argv: list[str] | None = None) -> int:
    """Runs one verb; returns the exit code."""
    args = build_parser(VERB_FOLDERS).parse_args(argv)
    try:
        _prepare(args)
        return int(args.run(args) or 0)
    except (TuodiError, StartUpError) as error:
        print(f"错误：{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("已中断。", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `tuodi … | head`
        sys.stderr.close()
        return 141


if __name__ == "__main__":
    sys.exit(main())
