"""Many clues at once: assign, start, propose, decide, suspend, close. Each clue is done or refused with its own reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse

from tuodi.files import store
from tuodi.files.scans import scan_of
from tuodi.kernel import clock
from tuodi.kernel.errors import TuodiError
from tuodi.kernel.places import pad12
from tuodi.monitoring import clue_actions, ledger
from tuodi.monitoring.clue_actions import BatchResult, EvidenceRule, Refusal
from tuodi.monitoring.errors import ClueInputError
from tuodi.monitoring.models import Clue
from tuodi.monitoring.states import EVIDENCE, REFUTED_WHY
from tuodi.org.models import DutyCode, User
from tuodi.web.components import clue_words, navigation, places, posting

NEAREST = "nearest"
MAX_FILE_BYTES = 20 * 2**20


@dataclass(frozen=True)
class Verb:
    """One thing to do with many clues.

    Attributes:
        duties: any of them offers it. fields: parts of its form, as the template names them.
    """

    code: str
    label: str
    duties: frozenset[str]
    icon: str
    text: str
    fields: frozenset[str] = frozenset()
    primary: bool = False


_D = DutyCode
VERBS = (
    Verb("assign", "派发", frozenset({_D.VERIFY, _D.CLUE_DECIDE}), "user-share", "期限从派发之日起算", frozenset({"who"}), True),
    Verb("start", "开始核实", frozenset({_D.CLUE}), "search", "只办自己负责、已派发的线索"),
    Verb("propose", "提出结论", frozenset({_D.CLUE}), "edit", "一份证据可以支持多条线索", frozenset({"verdict", "why", "conclusion", "evidence"})),
    Verb("decide", "下结论", frozenset({_D.CLUE_DECIDE}), "check", "查否即销号；查实后先停保、再处理", frozenset({"verdict", "why", "conclusion", "evidence"}), True),
    Verb("suspend", "停保", frozenset({_D.CLUE_DECIDE}), "hand-stop", "每户各出一份停保告知书，写明理由、条款和救济途径"),
    Verb("check", "复查", frozenset({_D.CLUE_CLOSE}), "clipboard-check", "第二人核对处理已落实；复查人不能是处理人", frozenset({"note"})),
    Verb("close", "销号", frozenset({_D.CLUE_CLOSE}), "lock", "销号人不能是处理人", frozenset({"note"}), True),
)  # fmt: skip


@dataclass
class Result:
    """What became of a bulk step: one line a clue, in the order asked for."""

    label: str
    lines: list[dict[str, Any]] = field(default_factory=list)
    done: int = 0
    refused: int = 0
    reasons: list[tuple[str, int]] = field(default_factory=list)


def offers(request: HttpRequest) -> dict[str, Any] | None:
    """The forms of the bulk bar for the reader's duties; None where he may do nothing."""
    held = set(navigation.held_duties(request))
    verbs = [verb for verb in VERBS if verb.duties & held]
    if not verbs:
        return None
    people = ledger.assignees(request.user) if any("who" in verb.fields for verb in verbs) else []  # type: ignore[arg-type]
    return {
        "verbs": verbs,
        "people": groups_of(people),
        "reasons": list(REFUTED_WHY.items()),
        "kinds": list(EVIDENCE.items()),
        "most": ledger.BULK_MOST,
    }


def groups_of(duties: Sequence[Any]) -> list[tuple[str, list[tuple[int, str]]]]:
    """Officers by office, each once, for a list of choices."""
    found: dict[str, dict[int, str]] = {}
    for duty in duties:
        found.setdefault(f"{duty.user.office.name}（{places.name(duty.place_code)}）", {})[duty.user_id] = (
            duty.user.name
        )
    return [(office, list(people.items())) for office, people in found.items()]


def run(request: HttpRequest) -> HttpResponse:
    """Do one step with the chosen clues and show what became of each."""
    from tuodi.web.county import clues

    back = reverse("web:clues") + (f"?{kept}" if (kept := posting.text(request, "keep", 1000)) else "")
    verb = next((one for one in VERBS if one.code == posting.text(request, "do", 20)), None)
    if verb is None or not verb.duties & set(navigation.held_duties(request)):
        posting.refuse(request, "这个操作现在不能办理，请回台账刷新后再选。")
        return posting.back(back)
    if request.POST.get("every") == "1":
        _, wanted, _ = clues.read(request, QueryDict(kept))
        chosen = ledger.first_of(ledger.select(wanted, user=request.user, today=clock.today()), ledger.BULK_MOST)  # type: ignore[arg-type]
    else:
        chosen = ledger.by_keys(
            [int(key) for key in request.POST.getlist("clue") if key.isascii() and key.isdigit() and len(key) < 19]
        )
    if not chosen:
        posting.refuse(request, "没有选中线索。请先勾选（键盘 x），再选择操作。")
        return posting.back(back)
    if len(chosen) > ledger.BULK_MOST:
        posting.refuse(request, f"一次最多办理 {ledger.BULK_MOST} 条，现在选了 {len(chosen):,} 条。请缩小范围。")
        return posting.back(back)
    try:
        answer = _DO[verb.code](request, chosen)
    except TuodiError as error:
        posting.refuse(request, str(error))
        return posting.back(back)
    context = {"result": _result(verb, chosen, answer), "back": back}
    return render(request, "county/clue_bulk.html", context)


def _result(verb: Verb, chosen: Sequence[Clue], answer: BatchResult) -> Result:
    found = Result(verb.label)
    why = {one.clue_id: one.reason for one in answer.refused}
    after = {row.pk: row for row in ledger.by_keys([row.pk for row in chosen])}
    for row in chosen:
        now = after.get(row.pk, row)
        found.lines.append(
            {
                "no": row.no,
                "href": reverse("web:clue", args=[row.no]),
                "name": row.person.name,
                "place": places.path(row.region),
                "label": clue_words.rule_label(row.rule_text, row.rule_code),
                "done": row.pk not in why,
                "reason": why.get(row.pk, ""),
                "look": clue_words.verdict_or_state(now),
                "responsible": now.responsible.name if now.responsible else "",
            }
        )
    found.lines.sort(key=lambda line: line["done"])  # refused first: they need the reader
    found.done, found.refused = len(chosen) - len(why), len(why)
    counted: dict[str, int] = {}
    for one in answer.refused:
        label = _kind(one)
        counted[label] = counted.get(label, 0) + 1
    found.reasons = sorted(counted.items(), key=lambda pair: -pair[1])
    return found


def _kind(refusal: Refusal) -> str:
    """The refusal without the clue's number, so that equal ones count together."""
    return (
        refusal.reason.replace(f"线索 {refusal.no} ", "").replace(refusal.no, "").strip()
        if refusal.no
        else refusal.reason
    )


def _assign(request: HttpRequest, chosen: Sequence[Clue]) -> BatchResult:
    user: Any = request.user
    who = posting.text(request, "assign-who", 20)
    duties = ledger.assignees(user)
    people: dict[int, User] = {duty.user_id: duty.user for duty in duties}
    if who == NEAREST:
        groups = ledger.nearest(duties, chosen)
    elif who.isascii() and who.isdigit() and int(who) in people:
        groups = {int(who): list(chosen)}
    else:
        raise ClueInputError("责任人", "没有选择。请选一位责任人，或选“按住地派给责任人”。")
    done: list[int] = []
    refused: list[Refusal] = []
    for pk, rows in sorted(groups.items()):
        if pk == 0:
            nobody = ClueInputError("责任人", "：住地没有“线索核实”人员，请先为该地授予职责，或直接指定责任人")
            refused += [Refusal(row.pk, row.no, nobody) for row in rows]
            continue
        part = clue_actions.assign_many(rows, responsible=people[pk], acting_user=user)
        done += part.done
        refused += part.refused
    return BatchResult(tuple(done), tuple(refused))


def evidence_rule(request: HttpRequest, verb: str, region: str) -> EvidenceRule | None:
    """One piece of evidence for all, as a verb's form gives it; None where nothing is filled in.

    Raises: ClueInputError: a file that is too large.
    """
    title, text = posting.text(request, f"{verb}-title", 100), posting.text(request, f"{verb}-text", 4000)
    kinds = tuple(kind for kind in request.POST.getlist(f"{verb}-kind") if kind and len(kind) <= 40)
    given = request.FILES.get(f"{verb}-file")
    if not (title or text or given):
        return None
    return EvidenceRule(kinds=kinds, title=title, text=text, file=stored(request, given, region) if given else None)


def stored(request: HttpRequest, given: Any, region: str) -> Any:
    """An uploaded file, encrypted and kept. Raises: ClueInputError: too large, or no kind of paper."""
    if given.size > MAX_FILE_BYTES:
        raise ClueInputError("文件", f"“{store.safe_name(given.name or '')}”超过 20 MB，请压缩或分开上传")
    data = given.read()
    found = scan_of(data) or (("webp", "image/webp") if data.startswith(b"RIFF") else None)
    if found is None:
        raise ClueInputError("文件", f"“{store.safe_name(given.name or '')}”不是 PDF、JPG、PNG 或 WebP，请转换后上传")
    return store.put_bytes(
        data,
        region=region,
        name=given.name or "附件",
        purpose="clue_evidence",
        media_type=found[1],
        by_id=request.user.pk,
    )


def _region(chosen: Sequence[Clue]) -> str:
    """Where the common file lies: with the first clue's county."""
    return pad12(chosen[0].region[:6])


def verdict_of(request: HttpRequest, verb: str) -> dict[str, Any]:
    """The verdict in a verb's form, as the actions take it."""
    verdict = posting.text(request, f"{verb}-verdict", 10)
    return {
        "verdict": verdict,
        "refuted_why": posting.text(request, f"{verb}-why", 40) if verdict == Clue.Verdict.REFUTED else "",
        "conclusion": posting.text(request, f"{verb}-conclusion", 2000),
        "acting_user": request.user,
    }


def _propose(request: HttpRequest, chosen: Sequence[Clue]) -> BatchResult:
    evidence = evidence_rule(request, "propose", _region(chosen))
    return clue_actions.propose_many(chosen, evidence=evidence, **verdict_of(request, "propose"))


def _decide(request: HttpRequest, chosen: Sequence[Clue]) -> BatchResult:
    evidence = evidence_rule(request, "decide", _region(chosen))
    return clue_actions.decide_many(chosen, evidence=evidence, **verdict_of(request, "decide"))


def _user(request: HttpRequest) -> Any:
    return request.user


_DO: Mapping[str, Callable[[HttpRequest, Sequence[Clue]], BatchResult]] = {
    "assign": _assign,
    "start": lambda request, rows: clue_actions.start_many(rows, acting_user=_user(request)),
    "propose": _propose,
    "decide": _decide,
    "suspend": lambda request, rows: clue_actions.suspend_many(rows, acting_user=_user(request)),
    "check": lambda request, rows: clue_actions.check_many(
        rows, acting_user=_user(request), note=posting.text(request, "check-note", 1000)
    ),
    "close": lambda request, rows: clue_actions.close_many(
        rows, acting_user=_user(request), note=posting.text(request, "close-note", 1000)
    ),
}
