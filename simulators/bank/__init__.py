"""A bank for demonstrations and tests.

`answer_file` answers one of our tables at once. `core.Bank` is a whole bank with an account, a clock, statements and scripted
faults; `server` lets it run as a process of its own, over HTTP and drop folders.
"""

from __future__ import annotations

from simulators.bank.answers import FAILURES, answer_file

__all__ = ["FAILURES", "answer_file"]
