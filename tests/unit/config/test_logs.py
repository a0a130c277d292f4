"""Nobody can forge a log line."""

from __future__ import annotations

import logging

from tuodi.config.logs import OneLineFormatter


def test_control_characters_in_a_user_name_stay_in_one_line() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "user %s", ("a\r\nINFO fake\x1b[31m",), None)
    shown = OneLineFormatter("%(message)s").format(record)
    assert shown == "user a\\x0d\\x0aINFO fake\\x1b[31m"
