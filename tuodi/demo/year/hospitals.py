"""Medical money of 荆门's replay: two hospitals paid by the bank, a transfer that comes back, a bill put right, premiums, the emergency fund.

A public fund given for medical assistance alone pays its part (M68). Rates, premium and amounts are invented (假设).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import date
from typing import Any

from tuodi.demo.year.bank import PROFILE, Bank
from tuodi.demo.year.cast import Replay, as_user
from tuodi.demo.year.money import book_paper
from tuodi.funds import hospital as reads
from tuodi.funds import premiums as lists
from tuodi.funds.actions import clearing, emergencies, hospital, papers, payees, premiums
from tuodi.funds.actions.corrections import Right, correct_bill
from tuodi.funds.errors import PurposeError
from tuodi.funds.models import (
    EmergencyCase,
    HospitalAgreement,
    HospitalBill,
    PayOrder,
    PremiumItem,
    PremiumList,
    PublicFund,
)
from tuodi.funds.states import BillState, Source
from tuodi.kernel.money import format_yuan
from tuodi.kernel.periods import Month
from tuodi.org.access import system_scope
from tuodi.payments import actions
from tuodi.people import secrets
from tuodi.people.models import Person, RollEntry

__all__ = ["play"]

Scene = Callable[[str, Callable[[], Any]], None]
#: Name, code, most in advance, account of the agreement.
_HOSPITALS = (
    ("重放区人民医院", "H4299Z100001", 30_000_00, "6228480000000042991"),
    ("重放区中医医院", "H4299Z100002", 0, "6228480000000042992"),
)
_COLLECTOR = ("重放区税务局", "SW4299Z1", "6228480000000042993")
_HEADER = (
    "单据号", "姓名", "身份证号", "入院日期", "出院日期", "疾病类别", "总费用", "基本医保支付", "大病保险支付", "目录外自费",
    "医疗救助支付", "个人支付",
)  # fmt: skip


def play(replay: Replay, month: Month, bank: Bank, scene: Scene) -> None:
    """What hospitals and collectors have to do with a month; each scene once, and what the bank has waits for nobody."""
    number = month.no - replay.first.no
    if number == 1:
        scene("医院协议", lambda: _begin(replay, month))
        scene("资助参保", lambda: _premiums(replay, month))
        scene("机构付款文件", lambda: _files(replay, _day(month, 5)))
        _carry(bank, month, 6)
    if number == 3:
        scene("医院单据", lambda: _bills(replay, month))
        scene("医院清算", lambda: _clear(replay, month))
        scene("机构付款文件", lambda: _files(replay, _day(month, 7)))
        _carry(bank, month, 8)
        bank.give_back(None, _day(month, 9), 1)
        scene("换户重发", lambda: _again(replay, month))
        _carry(bank, month, 10)
    if number == 4:
        scene("单据更正", lambda: _put_right(replay, month))
        scene("应急救助", lambda: _emergency(replay, month))
        scene("机构付款文件", lambda: _files(replay, _day(month, 7)))
        _carry(bank, month, 8)
    if number == 5:
        scene("参保回执", lambda: _answered(replay, month))
        scene("查明身份", lambda: _identified(replay, month))
    if month == replay.last:
        scene("收回预付款", lambda: _take_back(replay, month))


def _day(month: Month, number: int) -> date:
    return date(month.year, month.month, number)


def _carry(bank: Bank, month: Month, number: int) -> None:
    """Brings what has not left, and takes in what the bank says of it."""
    bank.deliver(None, _day(month, number))
    bank.told(None, _day(month, number))


def _files(replay: Replay, day: date) -> str:
    with as_user(replay, "yh", day) as officer:
        made = actions.make_order_files(acting_user=officer, county=replay.place, profile=PROFILE)
    return f"机构付款文件 {len(made)} 份 {format_yuan(sum(one.amount_fen for one in made))} 元"


def _account(replay: Replay, day: date, code: str, name: str, number: str, basis: str) -> None:
    with as_user(replay, "zj", day) as keeper:
        made = payees.propose_payee(
            acting_user=keeper, county=replay.place, code=code, holder=name, bank_name="农商行营业部", bank_code="402532000012",
            account=number, basis=basis,
        )  # fmt: skip
    with as_user(replay, "cz", day) as reviewer:
        payees.decide_payee(made, acting_user=reviewer, approve=True)


def _begin(replay: Replay, month: Month) -> str:
    """Money, a public fund that may pay nothing else, two agreements, accounts, an advance."""
    day = _day(month, 3)
    for programme, source, fen in (("medical", "province", 20_000_00), ("emergency", "county", 10_000_00)):
        book_paper(
            replay, day, kind="appropriation", programme=programme, source=source, amount_fen=fen, doc_day=day,
            doc_no=f"Y17医〔2017〕{Source(source).label}（假设）", reason="医疗救助资金",
        )  # fmt: skip
    # What the roll's premiums come to is known before they are asked for.
    with system_scope(replay.place):
        found = lists.candidates(f"{replay.place}000000", month.year, day)
        fen = sum(one.fen or 0 for one in found)
    book_paper(
        replay, day, kind="appropriation", programme="medical", source="central", amount_fen=fen + 1_000_00, doc_day=day,
        doc_no="Y17医〔2017〕中央（假设）", reason="资助参保和医疗救助",
    )  # fmt: skip
    with as_user(replay, "zj", day) as keeper:
        fund: PublicFund = papers.open_fund(
            acting_user=keeper,
            county=replay.place,
            name="重放区慈善医疗金（假设）",
            owner="重放区慈善会",
            purposes=["medical"],
        )
    book_paper(
        replay, day, kind="appropriation", programme="medical", fund=fund, amount_fen=6_000_00, doc_day=day, doc_no="慈善〔2017〕1号（假设）",
        reason="捐赠，限医疗救助",
    )  # fmt: skip
    try:
        book_paper(
            replay,
            day,
            kind="transfer",
            programme="medical",
            to_programme="dibao",
            fund=fund,
            amount_fen=1_00,
            reason="调剂",
        )
    except PurposeError:
        purpose = "慈善金调作低保被拒"
    else:
        raise AssertionError("a public fund was used for what it is not given for")
    for name, code, limit, number in _HOSPITALS:
        with as_user(replay, "zj", day) as keeper:
            made = hospital.propose_agreement(
                acting_user=keeper, county=replay.place, name=name, code=code, payee=f"农商行营业部 尾号 {number[-4:]}",
                advance_limit_fen=limit, signed_on=day, starts_on=replay.first.first_day, ends_on=date(replay.year, 12, 31),
            )  # fmt: skip
        with as_user(replay, "cz", day) as reviewer:
            hospital.decide_agreement(made, acting_user=reviewer, approve=True)
        _account(replay, day, code, name, number, "协议")
        if limit:
            book_paper(
                replay, day, kind="hospital", programme="medical", amount_fen=5_000_00, hospital=made, reason="周转金"
            )
    _account(replay, day, _COLLECTOR[1], _COLLECTOR[0], _COLLECTOR[2], "征收机构来函")
    return f"两家定点医院协议生效，预付 5,000.00 元；公益基金限医疗救助 6,000.00 元，{purpose}"


def _premiums(replay: Replay, month: Month) -> str:
    day = _day(month, 4)
    with as_user(replay, "zj", day) as keeper:
        made, left = premiums.propose_premiums(
            acting_user=keeper,
            county=replay.place,
            year=month.year,
            on=_day(month, 3),
            code=_COLLECTOR[1],
            collector=_COLLECTOR[0],
        )
    with as_user(replay, "cz", day) as reviewer:
        premiums.decide_premiums(made, acting_user=reviewer, approve=True)
    unknown = sum(one.fen is None for one in left)
    return f"资助参保 {made.persons:,} 人 {format_yuan(made.amount_fen)} 元一笔付征收机构；{unknown} 人规则没有定额，不能认定"


def _patients(replay: Replay) -> list[Person]:
    """Heads of the first families on the roll."""
    with system_scope(replay.place):
        rows = RollEntry.objects.filter(region__startswith=replay.place, programme="dibao", end_month__isnull=True)
        heads = [one.household.head for one in rows.select_related("household__head").order_by("household__no")]
        return [one for one in heads if one.id_cipher and one.died_on is None][:8]


def _sheet(month: Month, prefix: str, people: list[Person]) -> bytes:
    """Bills of a month: 2,500 yuan of compliant costs each; the second claims more than the rules give, a row does not add up."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_HEADER)
    for at, one in enumerate(people, start=1):
        claimed = 1_500 if at == 2 else 1_400
        own = 3_000 - claimed + (10 if at == 3 else 0)
        writer.writerow(
            [
                f"{prefix}{month.yyyymm}{at:03d}", one.name, secrets.open_id(one), _day(month, 2), _day(month, 9 + at), "", 8_000, 5_000, 0,
                500, claimed, own,
            ]
        )  # fmt: skip
    return out.getvalue().encode("utf-8-sig")


def _agreements(replay: Replay) -> list[HospitalAgreement]:
    with system_scope(replay.place):
        return list(HospitalAgreement.objects.filter(region__startswith=replay.place).order_by("code"))


def _bills(replay: Replay, month: Month) -> str:
    people = _patients(replay)
    half = max(len(people) * 2 // 3, 3)
    told = []
    for row, mine in zip(_agreements(replay), (people[:half], people[half:]), strict=True):
        with as_user(replay, "zj", _day(month, 5)) as keeper:
            batch = hospital.import_bills(
                row,
                acting_user=keeper,
                month=month.prev(),
                data=_sheet(month.prev(), row.code[-2:], mine),
                name="结算.csv",
            )
            judged = hospital.accept_rules(row, acting_user=keeper, month=month.prev())
        told.append(f"{row.name} {batch.good} 张，问题行 {batch.bad}，按规则核减 {judged} 张")
    return "；".join(told)


def _clear(replay: Replay, month: Month) -> str:
    told = []
    for row in _agreements(replay):
        with as_user(replay, "zj", _day(month, 6)) as keeper:
            made = clearing.propose_clearing(
                row, acting_user=keeper, month=month.prev(), replenish_fen=2_000_00 if row.advance_limit_fen else 0
            )
        with as_user(replay, "cz", _day(month, 6)) as reviewer:
            made = clearing.decide_clearing(made, acting_user=reviewer, approve=True)
        told.append(
            f"{row.name}清算 {format_yuan(made.accepted_fen)} 元（冲抵预付 {format_yuan(made.advance_fen or 0)}，付 {format_yuan(made.paid_fen or 0)}）"
        )
    return "；".join(told)


def _again(replay: Replay, month: Month) -> str:
    """What came back goes to another account of the same hospital."""
    day = _day(month, 10)
    with system_scope(replay.place):
        left = list(
            PayOrder.objects.filter(region__startswith=replay.place, status__in=["failed", "returned"]).order_by("pk")
        )
    for at, (code, name) in enumerate(sorted({(one.code, one.name) for one in left})):
        _account(replay, day, code, name, f"62284800000000429{at + 10}", "来函更换账户")
    with as_user(replay, "yh", day) as officer:
        made = actions.reissue_orders(acting_user=officer, county=replay.place)
    return f"退回 {len(left)} 笔，换户重发 {format_yuan(sum(one.amount_fen for one in made))} 元"


def _put_right(replay: Replay, month: Month) -> str:
    """Insurance paid 500 yuan more for one patient: his bill is put right with the next month."""
    (first, _) = _agreements(replay)
    with system_scope(replay.place):
        old = HospitalBill.objects.filter(agreement=first, state=BillState.CLEARED, accepted_fen=1_400_00).order_by(
            "pk"
        )[0]
    with as_user(replay, "zj", _day(month, 5)) as keeper:
        made = correct_bill(
            old, acting_user=keeper, month=month.prev(), reason="医保重新结算", letter=b"%PDF-1.4\n", letter_name="医院来函.pdf",
            right=Right(8_000_00, 5_500_00, 0, 0, 500_00, 1_050_00, 1_450_00),
        )  # fmt: skip
        done = clearing.propose_clearing(first, acting_user=keeper, month=month.prev())
    with as_user(replay, "cz", _day(month, 5)) as reviewer:
        done = clearing.decide_clearing(done, acting_user=reviewer, approve=True)
    return f"单据 {made.bill_no} 更正，差额 {format_yuan(done.accepted_fen)} 元留作医院预付"


def _emergency(replay: Replay, month: Month) -> str:
    (first, _) = _agreements(replay)
    with as_user(replay, "zj", _day(month, 6)) as keeper:
        made = emergencies.propose_emergency(
            first, acting_user=keeper, label="无名氏（急诊 0417）", reason="unidentified", found="路人报警，120 送治，身上没有证件",
            admitted_on=_day(month.prev(), 17), ended_on=_day(month.prev(), 24), cost_fen=4_200_00, other_fen=0, asked_fen=4_200_00,
            evidence=b"%PDF-1.4\n", evidence_name="病历和费用清单.pdf",
        )  # fmt: skip
    with as_user(replay, "cz", _day(month, 6)) as reviewer:
        emergencies.decide_emergency(made, acting_user=reviewer, approve=True)
    return "疾病应急救助：身份不明患者急救费 4,200.00 元，付医院"


def _answered(replay: Replay, month: Month) -> str:
    """The collector: one person not insured, one insured elsewhere, and gives their premiums back."""
    with system_scope(replay.place):
        row = PremiumList.objects.filter(region__startswith=replay.place).latest("pk")
        items = list(PremiumItem.objects.filter(listed=row).select_related("person").order_by("pk"))
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["姓名", "身份证号", "处理结果", "说明"])
    words = {0: ("未参保", "本人放弃"), 1: ("重复参保", "已在外地参保")}
    for at, one in enumerate(items):
        writer.writerow([one.name, secrets.open_id(one.person), *words.get(at, ("已参保", ""))])
    with as_user(replay, "zj", _day(month, 7)) as keeper:
        row = premiums.import_answer(row, acting_user=keeper, data=out.getvalue().encode("utf-8-sig"), name="回执.csv")
        due = lists.due_back(row)
        premiums.receive_refund(row, acting_user=keeper, amount_fen=due, voucher="SW-0001", received_on=_day(month, 7))
    return f"参保回执：未参保和重复参保各 1 人，征收机构退回 {format_yuan(due)} 元"


def _identified(replay: Replay, month: Month) -> str:
    with system_scope(replay.place):
        case = EmergencyCase.objects.filter(region__startswith=replay.place).latest("pk")
    with as_user(replay, "zj", _day(month, 8)) as keeper:
        case = emergencies.identify(
            case,
            acting_user=keeper,
            identity="公安比对指纹查明，外省务工人员，已参保",
            claim_from="insurance",
            claim_fen=3_000_00,
        )
        emergencies.receive(
            case,
            acting_user=keeper,
            amount_fen=3_000_00,
            payer="参保地医保中心",
            voucher="YB-0001",
            received_on=_day(month, 8),
        )
    return "应急救助患者身份查明，向其医保追偿 3,000.00 元，已到账"


def _take_back(replay: Replay, month: Month) -> str:
    told = 0
    for row in _agreements(replay):
        with system_scope(replay.place):
            held = reads.balance(row)
        if held:
            book_paper(
                replay, _day(month, 28), kind="hospital_back", programme="medical", amount_fen=held, hospital=row, reason="年末收回预付款"
            )  # fmt: skip
            told += held
    return f"收回医院预付款 {format_yuan(told)} 元"
