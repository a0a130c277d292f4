"""The demo's roll: the generator's spreadsheets brought in the way an office would, each file once."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tuodi.audit.models import AuditEntry
from tuodi.decisions.rosters import adopt_roster
from tuodi.demo import generator
from tuodi.demo.staff import user
from tuodi.intake import roster_actions, roster_queries
from tuodi.intake.models import RosterImport
from tuodi.kernel import clock
from tuodi.org.access import scope, system_scope

__all__ = ["Counted", "bring_in", "bring_one", "make_files"]

#: The day the offices send their rosters of August 2017.
SENT = date(2017, 8, 2)
_PLACE = "4208"
_PROFILES = (("城市低保", "jingmen-urban"), ("农村低保", "jingmen-rural"), ("五保", "jingmen-wubao"))

Tell = Callable[[str], None]


@dataclass
class Counted:
    """What the files held: families and persons entered, rows held back."""

    files: int = 0
    families: int = 0
    rows: int = 0
    held: int = 0
    amount_fen: int = 0


def make_files(folder: Path, tell: Tell) -> list[tuple[Path, str | None]]:
    """The rosters with the sheet to read; generated once, then found again. The corrections come last."""
    done = folder / "完成"
    if not done.exists():
        generator.generate(folder, tell=tell)
        done.touch()
    sheets = {f["name"]: f["sheet"] for f in json.loads((folder / "summary.json").read_text(encoding="utf-8"))["files"]}
    first = [(folder / "rosters" / name, sheet) for name, sheet in sheets.items()]
    rest = [(path, None) for path in sorted((folder / "rosters").glob("更正*"))]
    return first + rest


def bring_in(files: list[tuple[Path, str | None]], errors: Path, tell: Tell) -> Counted:
    """Imports every file that has not been applied: preview, confirmation, rows applied, roll adopted."""
    total = Counted()
    errors.mkdir(parents=True, exist_ok=True)
    clerk = user("shi-dr")
    with system_scope(_PLACE):
        # Adopting is the last deed on a file and leaves its audit row in the same transaction.
        adopted = AuditEntry.objects.filter(action="decisions.adopt_roster", subject_type="rosterimport")
        done_ids = {int(i) for i in adopted.values_list("subject_id", flat=True)}
        applied = {i.file_name: i for i in RosterImport.objects.filter(pk__in=done_ids, is_demo=True)}
    for number, (path, sheet) in enumerate(files, 1):
        if path.name in applied:
            done = applied[path.name]
        else:
            done = _one(path, sheet, errors, clerk)
            rows = done.counts["rows"]
            held = sum(n for verdict, n in rows.items() if verdict not in ("new", "unchanged"))
            tell(
                f"  {number:>2}/{len(files)} {path.name}：{sum(rows.values()):,} 行，可用 {rows.get('new', 0):,}，待更正 {held:,}"
            )
        rows = done.counts["rows"]
        total.files += 1
        total.families += done.progress_done
        total.rows += rows.get("new", 0)
        total.held += sum(n for verdict, n in rows.items() if verdict not in ("new", "unchanged"))
        total.amount_fen += done.counts["amount_fen"]
    return total


def bring_one(path: Path, errors: Path, clerk: object, day: date) -> RosterImport:
    """One file of the whole prefecture, handed in on a day of its own. Found again if it was adopted before."""
    return _one(path, None, errors, clerk, day)


def _one(path: Path, sheet: str | None, errors: Path, clerk: object, day: date = SENT) -> RosterImport:
    profile = next((p for word, p in _PROFILES if word in path.name), "jingmen-mixed")
    with clock.frozen(day):
        with scope(clerk):  # type: ignore[arg-type]
            place = _PLACE if profile == "jingmen-mixed" else ""
            staged = roster_actions.stage(
                path, profile=profile, acting_user=clerk, sheet=sheet, place=place, is_demo=True
            )  # type: ignore[arg-type]
        roster_actions.preview(staged.pk, place=_PLACE)
        with scope(clerk):  # type: ignore[arg-type]
            roster_actions.confirm(staged.pk, acting_user=clerk)  # type: ignore[arg-type]
        roster_actions.apply(staged.pk, place=_PLACE)
        with scope(clerk):  # type: ignore[arg-type]
            staged.refresh_from_db()
            adopt_roster(staged, acting_user=clerk)  # type: ignore[arg-type]
            sheet_text = "".join(roster_queries.error_sheet(staged))
            (errors / f"{path.stem}-待更正.csv").write_text(sheet_text, encoding="utf-8", newline="")
    return staged
