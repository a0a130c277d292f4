"""Checks procedure texts: every case must be able to end, every step must have someone who may do it, no quiet slack.

Errors stop the load. Departures from national rules that a named instrument carries are warnings; they travel in
``Procedure.warnings`` to every case page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date

from tuodi.policy.faults import Fault, did_you_mean
from tuodi.policy.model import Where
from tuodi.policy.procedure import DUTY_LABELS, LEVEL_LABELS, Does, Procedure, Step, place_chain
from tuodi.policy.procedure_load import Block, Departure, merge_full, stack_for

__all__ = ["check"]

#: Which levels may hold a duty at all. A village committee is no organ of state: it may not confirm ([649] art 11).
_MAY: Mapping[str, tuple[str, ...]] = {
    "accept": ("VILL", "TOWN", "COUN"),
    "review": ("VILL", "TOWN", "COUN"),
    "visit": ("VILL", "TOWN", "COUN"),
    "confirm": ("TOWN", "COUN"),
    "file": ("COUN", "PREF"),
}
#: Duties that decide which hand (申请受理 / 审批) a step belongs to; the separation of hands rests on them.
_FIXED_DUTY: Mapping[Does, str] = {Does.ACCEPT: "accept", Does.CONFIRM: "confirm", Does.FILE: "file"}
#: Kinds of instrument that may carry a departure from the law.
_CARRY = ("law", "regulation", "normative", "reported")


def check(blocks: Sequence[Block], instruments: Mapping[str, str]) -> list[Fault]:
    """All faults and warnings of a set of texts.

    Args:
        blocks: Every text that was read.
        instruments: Kind of each declared instrument by name. Empty = clauses are not looked up.
    """
    faults: list[Fault] = []
    faults += _overlaps(blocks)
    keys = {block.key for block in blocks}
    for block in blocks:
        for name in block.amends:
            if name not in keys:
                faults.append(
                    _at(block.where, f"程序“{block.key}”的 amends 写了“{name}”，没有这份程序{did_you_mean(name, keys)}")
                )
        if instruments:
            faults += _clauses(block, instruments)
        faults += _check_text(block, blocks, instruments)
    return sorted(set(faults))


def _at(where: Where, message: str, severity: str = "error") -> Fault:
    return Fault(where.file, where.line, message, severity)


def _overlaps(blocks: Sequence[Block]) -> list[Fault]:
    faults: list[Fault] = []
    for index, block in enumerate(blocks):
        for other in blocks[:index]:
            same = (block.place, block.programme) == (other.place, other.programme)
            linked = block.key in other.amends or other.key in block.amends
            if same and not linked and block.start <= other.end and other.start <= block.end:
                faults.append(
                    _at(
                        block.where,
                        f"程序“{block.key}”与“{other.key}”（{other.where.file}:{other.where.line}）在 {block.place} "
                        f"的 {block.programme} 上有效期重叠；给较早的一份写 to",
                    )
                )
    return faults


def _clauses(block: Block, instruments: Mapping[str, str]) -> list[Fault]:
    """Clauses whose instrument is declared nowhere."""
    faults: list[Fault] = []

    def look(clause: str, where: Where, what: str) -> None:
        if clause and _kind(clause, instruments) is None:
            name = clause.split(" ")[0].split("-")[0]
            faults.append(
                _at(
                    where,
                    f"{what}的条款“{clause}”引用了没有声明的文件{did_you_mean(name, instruments)}；请在 instruments 里登记",
                )
            )

    look(block.clause, block.where, f"程序“{block.key}”")
    for limit in block.total or ():
        look(limit.clause, block.where, f"程序“{block.key}”的总期限")
    for name, drop in block.drop.items():
        look(drop.clause, drop.where, f"取消步骤“{name}”")
    for name, fields in block.steps.items():
        where = block.step_lines[name]
        look(fields.get("clause", ""), where, f"步骤“{name}”")
        for limit in (*fields.get("limits", ()), *fields.get("start_within", ())):
            look(limit.clause, where, f"步骤“{name}”的期限")
        if fields.get("objection"):
            look(fields["objection"].clause, where, f"步骤“{name}”的异议处理")
    return faults


def _kind(clause: str, instruments: Mapping[str, str]) -> str | None:
    """Kind of the instrument a clause names, None if it is not declared."""
    for name in (clause, clause.split(" ")[0], clause.rsplit("-", 1)[0], clause.split(" ")[0].rsplit("-", 1)[0]):
        if name in instruments:
            return instruments[name]
    return None


def _check_text(block: Block, blocks: Sequence[Block], instruments: Mapping[str, str]) -> list[Fault]:
    """One text, merged with each text above that is in force during its life."""
    faults: list[Fault] = []
    chain = place_chain(block.place)
    met: set[str] = set()
    names: set[str] = set()
    seen: set[tuple[str, ...]] = set()
    for day in _dates(block, blocks, chain):
        stack = stack_for(blocks, chain, block.programme, day)
        if not stack or stack[0] is not block:
            continue  # an overlap, reported already
        ident = tuple(text.key for text in stack)
        if ident in seen:
            continue
        seen.add(ident)
        if stack[-1].amends:
            faults.append(
                _at(
                    block.where,
                    f"程序“{block.key}”从 {day} 起没有可依据的上级程序（它只写了改动）；请写 to，或把全部步骤写出",
                )
            )
            continue
        if len(stack) > 1 and stack[1].key not in block.amends:
            faults.append(
                _at(
                    block.where,
                    f"程序“{block.key}”是针对“{'、'.join(block.amends)}”写的，但 {day} 起上级改用“{stack[1].key}”；"
                    f"请核对后把“{stack[1].key}”加进 amends，或写明 to",
                )
            )
            continue
        names |= {name for text in stack[1:] for name in text.steps}
        upper = stack[1].steps if len(stack) > 1 else {}
        for deeper in stack[1:]:
            upper = {**deeper.steps, **upper}
        met |= (set(block.drop) | set(block.steps)) & set(upper)
        procedure, departures, lines = merge_full(stack)
        faults += _shape(procedure, block, lines)
        own = {id(departure): departure for departure in departures if departure.where.file == block.where.file}
        faults += [_judge(departure, instruments) for departure in own.values()]
    for name, drop in block.drop.items():
        if name not in met and seen:
            faults.append(_at(drop.where, f"程序“{block.key}”要取消的步骤“{name}”在上级程序里没有；请核对名字"))
    for name, fields in block.steps.items():
        if name not in met and "does" not in fields:
            message = f"步骤“{name}”没有写 does；新步骤写明它做什么，改上级的步骤请核对名字{did_you_mean(name, names)}"
            faults.append(_at(block.step_lines[name], message))
    return faults


def _dates(block: Block, blocks: Sequence[Block], chain: Iterable[str]) -> list[date]:
    places = set(chain)
    days = {block.start}
    for other in blocks:
        if other is not block and other.place in places and other.programme == block.programme:
            if block.start <= other.start <= block.end:
                days.add(other.start)
            if block.start <= other.end < block.end:
                days.add(date.fromordinal(other.end.toordinal() + 1))
    return sorted(days)


def _judge(departure: Departure, instruments: Mapping[str, str]) -> Fault:
    """A departure carried by an instrument is a warning; a longer limit without one is an error."""
    kind = _kind(departure.clause, instruments) if instruments else "reported"
    if departure.kind == "longer" and (not departure.clause or kind not in _CARRY):
        return _at(departure.where, f"{departure.text}比国家规定更长的期限要有文件依据；请写 clause，或缩短期限")
    return _at(departure.where, departure.text, "warning")


def _shape(procedure: Procedure, block: Block, lines: Mapping[str, Where]) -> list[Fault]:
    """Faults of a merged procedure as a graph."""
    steps = {step.id: step for step in procedure.steps}
    marks = dict(procedure.marks)
    faults: list[Fault] = []

    def fault(step: Step, message: str) -> None:
        faults.append(_at(lines.get(step.id, block.where), f"步骤“{step.id}”{message}"))

    for kind, label in ((Does.ACCEPT, "受理"), (Does.CONFIRM, "确认")):
        count = sum(step.does is kind for step in procedure.steps)
        if count != 1:
            faults.append(
                _at(
                    block.where,
                    f"程序“{block.key}”应恰有一个{label}步骤（does: {kind}），现有 {count} 个；案件将无法办结",
                )
            )
    before = {name: _ancestors(name, steps) for name in steps}
    confirm = procedure.first(Does.CONFIRM)
    for step in procedure.steps:
        _check_who(step, fault)
        _check_names(step, steps, marks, fault)
        if step.does is Does.ACCEPT and step.after:
            fault(step, "是受理，不能等待别的步骤；去掉 after")
        if step.does is not Does.ACCEPT and not step.after:
            fault(step, "没有写 after，不知道何时开始；写明它在哪一步之后")
        if step.id in before[step.id]:
            fault(step, f"的先后次序成环：{' → '.join(_circle(step.id, steps))}；案件到此无法办结")
        for other in step.parallel_with:
            if other in before[step.id] or step.id in before.get(other, ()):
                fault(step, f"写了与“{other}”同步进行，却又有先后；去掉其中一个")
        if step.does in (Does.NOTICE, Does.PUBLISH) and step.notice is None:
            fault(step, "是公示，缺少 notice（阶段、天数、地点、内容）")
        if step.does is Does.NOTICE and step.notice and step.notice.days < 1:
            fault(step, "是公示，没有写天数；写 days: 7（只有结果公布可以是 长期）")
        if step.does is Does.NOTICE and step.objection is None:
            fault(step, "是公示，缺少 objection：有异议时退回哪一步；案件遇异议将无法办结")
        if step.quorum and step.does is not Does.MEETING:
            fault(step, "写了 quorum，但它不是民主评议（does: meeting）")
        if step.does is Does.ASSESS and procedure.programme != "tekun":
            fault(step, "是生活自理能力评估，只有特困人员的程序才有，没有人可以办；去掉这一步")
        if step.does is Does.FILE and confirm and _rank(step.by) >= _rank(confirm.by):
            fault(step, f"是备案，应报{LEVEL_LABELS.get(confirm.by, confirm.by)}的上级；改 by，或去掉这一步")
        if step.objection and step.objection.back_to not in (*before[step.id], step.id):
            fault(step, f"有异议时退回“{step.objection.back_to}”，但那一步不在它之前")
        if confirm and step is not confirm:
            linked = confirm.id in before[step.id] or step.id in before[confirm.id]
            if not linked:
                fault(step, f"与“{confirm.label}”没有先后关系，可能在决定之后才做；把它写进后一步的 after")
            if step.only_if and confirm.id not in before[step.id]:
                fault(step, f"写了 only_if: {step.only_if}，但它在决定之前，永远不会开始")
    if confirm and confirm.when:
        fault(confirm, "是确认，不能带 when 条件；不满足条件的案件将无法办结")
    return faults


def _rank(level: str) -> int:
    """Height of a level, the province first; an unknown one is reported elsewhere and counts as lowest."""
    order = list(LEVEL_LABELS)[::-1]
    return order.index(level) if level in order else len(order)


def _check_who(step: Step, fault: Callable[[Step, str], None]) -> None:
    if step.by not in LEVEL_LABELS:
        fault(step, f"的办理层级“{step.by}”不认识，没有人可以办；可用：{'、'.join(LEVEL_LABELS)}")
    elif step.duty not in DUTY_LABELS:
        fault(step, f"的职责“{step.duty}”不认识，没有人可以办；可用：{'、'.join(DUTY_LABELS)}")
    elif step.by not in _MAY[step.duty]:
        label = f"{LEVEL_LABELS[step.by]}没有“{DUTY_LABELS[step.duty]}”职责"
        fault(step, f"没有人可以办：{label}，只能由 {'、'.join(LEVEL_LABELS[level] for level in _MAY[step.duty])} 办理")
    for _, level in step.by_when:
        if level not in LEVEL_LABELS:
            fault(step, f"的 by_when 层级“{level}”不认识，没有人可以办；可用：{'、'.join(LEVEL_LABELS)}")
        elif level not in _MAY.get(step.duty, ()):
            fault(step, f"的 by_when 层级没有人可以办：{LEVEL_LABELS[level]}没有这项职责")
    wanted = _FIXED_DUTY.get(step.does)
    if wanted and step.duty in DUTY_LABELS and step.duty != wanted:
        fault(step, f"的职责应是 {wanted}（{DUTY_LABELS[wanted]}）：申请、审批、拨付分离靠它判断")
    if step.people < 1:
        fault(step, "的 people 应不小于 1")


def _check_names(
    step: Step, steps: Mapping[str, Step], marks: Mapping[str, str], fault: Callable[[Step, str], None]
) -> None:
    limits = (*step.limits, *step.start_within)
    named = [*step.after, *step.parallel_with, *(limit.since for limit in limits if limit.since)]
    if step.objection:
        named.append(step.objection.back_to)
    for name in named:
        if name not in steps:
            fault(step, f"提到的步骤“{name}”不存在{did_you_mean(name, steps)}")
    sampled = step.sample.all_when if step.sample else ()
    chosen = [mark for mark, _ in step.by_when]
    for mark in (*step.when, *chosen, *sampled, *(mark for limit in limits for mark in limit.when)):
        if mark not in marks:
            fault(step, f"的情形“{mark}”没有声明{did_you_mean(mark, marks)}；在 marks 里写明")
    if step.only_if not in ("", "passed", "refused"):
        fault(step, f"的 only_if 是“{step.only_if}”，只能是 passed 或 refused")
    for level in step.delegable:
        if level not in LEVEL_LABELS:
            fault(step, f"可委托的层级“{level}”不认识")


def _ancestors(name: str, steps: Mapping[str, Step]) -> set[str]:
    """All steps that come before; holds the step itself only if it lies on a circle."""
    found: set[str] = set()
    queue = [other for other in steps[name].after if other in steps]
    while queue:
        other = queue.pop()
        if other not in found:
            found.add(other)
            queue += [more for more in steps[other].after if more in steps]
    return found


def _circle(name: str, steps: Mapping[str, Step]) -> list[str]:
    path = [name]
    while len(path) <= len(steps):
        here = next((o for o in steps[path[-1]].after if o in steps and name in {o, *_ancestors(o, steps)}), None)
        if here is None:
            break
        path.append(here)
        if here == name:
            break
    return path[::-1]
