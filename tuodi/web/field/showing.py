"""What the pages of visits show: a task's line, the form's fields, a record beside another."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.http import QueryDict
from django.urls import reverse

from tuodi.kernel import clock
from tuodi.kernel.clock import BEIJING
from tuodi.kernel.masking import mask_name
from tuodi.org.models import User
from tuodi.people.queries import members_on
from tuodi.verification.models import VisitPhoto, VisitRecord, VisitTask
from tuodi.verification.visit_forms import TRUTH, Form, Item, shown
from tuodi.verification.visit_queries import findings_of
from tuodi.web.components import places
from tuodi.web.components.words import Look
from tuodi.web.counter import work

LOOKS = {
    VisitTask.State.PLANNED: Look("待入户", "info"),
    VisitTask.State.VISITED: Look("待签名", "warn"),
    VisitTask.State.SIGNED: Look("已签名", "ok", "check"),
    VisitTask.State.REFUSED: Look("拒绝调查", "bad"),
    VisitTask.State.CANCELLED: Look("已取消"),
}
CONCLUSIONS = {"true": "ok", "differs": "warn", "recheck": "warn", "refused": "bad"}


@dataclass(frozen=True)
class Line:
    """One task in a list."""

    pk: int
    no: str
    name: str
    place: str
    purpose: str
    look: Look
    due: Look
    href: str
    matter: str
    people: str = ""


def line(task: VisitTask, today: date, names: dict[int, str] | None = None) -> Line:
    """A task as a line."""
    return Line(
        task.pk,
        task.no,
        f"{task.household.head.name}家庭",
        task.place or places.path(task.region),
        task.get_purpose_display(),
        LOOKS[VisitTask.State(task.state)],
        work.due_look(task.due_on, task.due_pending, today),
        reverse("web:field-task", args=[task.pk]),
        task.matter_no or (task.case.no if task.case else ""),
        "、".join(names[pk] for pk in task.assigned_ids if pk in names) if names else "",
    )


def names_of(tasks: list[VisitTask]) -> dict[int, str]:
    """Names of everybody assigned, in one query."""
    ids = {pk for task in tasks for pk in task.assigned_ids}
    return dict(User.objects.filter(pk__in=ids).values_list("pk", "name"))


@dataclass
class Control:
    """One question ready for the page."""

    item: Item
    key: str
    value: Any = ""
    fit: str = ""
    seen: Any = ""
    note: str = ""
    base: str = ""
    error: str = ""
    options: list[tuple[str, str, bool]] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """Compare without anything on record is asked plainly, by what was seen."""
        return self.item.kind

    @property
    def compares(self) -> bool:
        """Whether there is something on record."""
        return bool(self.base)


@dataclass
class Part:
    """One section of the form."""

    label: str
    ident: str
    controls: list[Control]


def parts(
    form: Form, basis: dict[str, Any], posted: QueryDict | None, record: VisitRecord | None, faults: dict[str, str]
) -> list[Part]:
    """The form's sections, filled from what was posted, else from the record to correct."""
    return [
        Part(section.label, section.id, [_control(item, basis, posted, record, faults) for item in section.items])
        for section in form.sections
    ]


def _control(
    item: Item, basis: dict[str, Any], posted: QueryDict | None, record: VisitRecord | None, faults: dict[str, str]
) -> Control:
    key = f"a-{item.id}"
    control = Control(item, key, error=faults.get(item.id, ""))
    old = record.answers.get(item.id) if record is not None else None
    if item.kind == "compare":
        row = basis.get(item.id) or {}
        side = row.get("register") or row.get("declared") or ""
        control.base = f"{row.get('source', '')}：{side}" if side else ""
        if posted is not None:
            control.fit, control.seen = posted.get(f"{key}-fit", ""), posted.get(f"{key}-seen", "")
            control.note = posted.get(f"{key}-note", "")
        elif isinstance(old, dict):
            control.fit, control.seen, control.note = old.get("fit", ""), old.get("seen") or "", old.get("note", "")
        control.options = [(code, label, control.seen == code) for code, label in TRUTH.items()]
        return control
    if item.kind == "choices":
        chosen = posted.getlist(key) if posted is not None else old or []
        control.options = [(code, label, code in chosen) for code, label in item.options.items()]
        return control
    control.value = posted.get(key, "") if posted is not None else old or ""
    source = TRUTH if item.kind == "yes_no" else item.options
    control.options = [(code, label, control.value == code) for code, label in source.items()]
    return control


@dataclass
class Signer:
    """One field to sign in."""

    key: str
    label: str
    name: str
    value: str = ""


def signers(people: list[User], family: str, posted: QueryDict | None) -> list[Signer]:
    """The investigators, then the family."""
    rows = [Signer(f"sig-{one.pk}", f"调查员 {one.name}", one.name) for one in people]
    rows.insert(0, Signer("sig-family", f"被调查人 {family}", family))
    if posted is not None:
        for row in rows:
            row.value = posted.get(row.key, "")
    return rows


def family_of(task: VisitTask) -> tuple[int, list[str]]:
    """How many members the family has today, and their names; a third party takes them along masked."""
    names = [row.person.name for row in members_on(task.household, clock.today())]
    if task.purpose == VisitTask.Purpose.THIRD_PARTY:
        names = [mask_name(name) for name in names]
    return len(names), names


def version(record: VisitRecord, form: Form | None = None) -> dict[str, Any]:
    """A record as the page lists it: lines by section, people, signatures as paths, claims of time and place."""
    return {
        "record": record,
        "lines": findings_of(record, form),
        "conclusion": Look(record.get_conclusion_display(), CONCLUSIONS.get(record.conclusion, "")),
        "people": "、".join(one["name"] for one in record.investigators),
        "signatures": [_signature(row) for row in record.signatures],
        "skew": skew_words(record.skew_seconds),
        "place": place_words(record.latitude, record.longitude, record.accuracy_m),
    }


def _signature(row: dict[str, Any]) -> dict[str, Any]:
    """A drawn signature as polylines of whole numbers; the numbers were checked when it was taken."""
    role = {"investigator": "调查员", "respondent": "被调查人", "witness": "见证人"}.get(row["role"], "")
    lines = [" ".join(f"{int(x)},{int(y)}" for x, y in stroke) for stroke in row.get("strokes", ())]
    words = {"paper": "纸质签名，见照片", "refused": f"拒签：{row.get('reason', '')}"}.get(row["kind"], "")
    return {"label": f"{role} {row['name']}", "lines": lines, "words": words, "hash": row["sha256"][:12]}


def skew_words(seconds: int | None) -> str:
    """A device's clock against the server's: silent below two minutes."""
    if seconds is None or abs(seconds) < 120:
        return ""
    size = abs(seconds)
    text = f"{size // 60} 分钟" if size < 7200 else f"{size // 3600} 小时" if size < 172_800 else f"{size // 86_400} 天"
    return f"设备时钟{'快' if seconds > 0 else '慢'} {text}"


def place_words(latitude: Any, longitude: Any, accuracy: int | None) -> str:
    """Coordinates as claimed; empty where nobody gave any."""
    if latitude is None or longitude is None:
        return ""
    return f"{float(latitude):.5f}, {float(longitude):.5f}" + (f"（±{accuracy} 米）" if accuracy else "")


def tile(photo: VisitPhoto) -> dict[str, Any]:
    """A photograph as a tile: when, where, and whose word that is."""
    taken = photo.taken_at.astimezone(BEIJING) if photo.taken_at else None
    source = {"device": "设备", "exif": "照片自带"}.get(photo.claim, "")
    received = photo.received_at.astimezone(BEIJING)
    return {
        "pk": photo.pk,
        "href": reverse("web:field-photo", args=[photo.pk]),
        "caption": photo.caption or "照片",
        "when": f"{taken:%m-%d %H:%M}" if taken else "时间不明",
        "source": source,
        "received": f"{received:%m-%d %H:%M} 收到",
        "skew": skew_words(photo.skew_seconds),
        "place": place_words(photo.latitude, photo.longitude, photo.accuracy_m),
        "hash": photo.source_sha256,
    }


def beside(form: Form, mine: dict[str, Any], theirs: VisitRecord, my_words: dict[str, str]) -> list[dict[str, Any]]:
    """Two versions line by line: label, mine, theirs, and whether they differ."""
    rows = []
    for item in form.items():
        a, b = shown(item, mine.get(item.id)), shown(item, theirs.answers.get(item.id))
        if a != "—" or b != "—":
            rows.append({"label": item.label, "mine": a, "theirs": b, "differs": a != b})
    other = {
        "结论": theirs.get_conclusion_display(),
        "意见": theirs.opinion or "—",
        "在家人员": theirs.at_home or "—",
    }
    for label, word in other.items():
        own = my_words.get(label) or "—"
        rows.append({"label": label, "mine": own, "theirs": word, "differs": own != word})
    return rows
