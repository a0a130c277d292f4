"""Loading and checking a whole province's packs: the rules and 129 counties with 7,740 dated values. Usage: province.py cold | cached

One process a measurement. `load_s` is reading, checking and typing every formula; `plans_s` makes the plan and the parameter
tables of every county; `import_s` is Python's own start of the modules. `shipped_s` is the same for the packs in policies/.
"""

from __future__ import annotations

import shutil
import sys
import time

from common import ROOT, clocked, report


def main() -> None:
    cached = sys.argv[1] == "cached"
    laps: dict[str, float] = {}
    start = time.perf_counter()
    from monthly import plans_of

    from tuodi.rules import load_book

    laps["import_s"] = time.perf_counter() - start
    for name, folders in (("load_s", [ROOT / "pack"]), ("shipped_s", None)):
        cache = ROOT / f"cache-{name}"
        if not cached:
            shutil.rmtree(cache, ignore_errors=True)
        with clocked(laps, name):
            found = load_book(folders, cache=cache)
        if folders:
            book = found
    with clocked(laps, "plans_s"):
        plans, _ = plans_of(book)
    report(counties=len(plans), values=sum(len(rows) for rows in book.draft.values.values()), **laps)


if __name__ == "__main__":
    main()
