"""A designated hospital, its files of bills, and the place's medical rules for tests. All synthetic; values are suppositions."""

from __future__ import annotations

import csv
import io
from datetime import date

from casekit import at
from fundkit import Treasury
from packkit import laid_over

from tuodi.funds.actions import clearing, hospital, papers, payees
from tuodi.funds.models import BillBatch, HospitalAgreement, HospitalBill, HospitalClearing, PayeeAccount, PayOrder
from tuodi.kernel.periods import Month
from tuodi.people import secrets

MARCH = Month.parse("2018-03")
AFTER = date(2018, 4, 9)
HEADER = (
    "单据号", "姓名", "身份证号", "入院日期", "出院日期", "疾病类别", "总费用", "基本医保支付", "大病保险支付", "目录外自费",
    "医疗救助支付", "个人支付",
)  # fmt: skip
#: 70 % of what is above 500 yuan, at most 10,000 yuan a year; 100 % for tekun and orphans.
PACK = """pack: {place: "420802", programme: medical}
instruments:
  测试救助: {title: 测试用的医疗救助办法, number: "-", issuer: 测试, issued: 2018-01-01, in_force: 2018-01-01, kind: hypothetical}
parameters:
  ratio:
    values:
      - {aid_group: general_group, from: 2018-01-01, value: 70%, clause: 测试救助}
      - {aid_group: special_disease_group, from: 2018-01-01, value: 80%, clause: 测试救助}
      - {aid_group: full_group, from: 2018-01-01, value: 100%, clause: 测试救助}
  deductible:
    values: [{aid_group: general_group, from: 2018-01-01, value: 500, clause: 测试救助}]
  annual_cap:
    values:
      - {aid_group: general_group, from: 2018-01-01, value: 10000, clause: 测试救助}
      - {aid_group: special_disease_group, from: 2018-01-01, value: 10000, clause: 测试救助}
      - {aid_group: full_group, from: 2018-01-01, value: 50000, clause: 测试救助}
"""


def lay_rules(tmp_path, monkeypatch):
    """A fixture's body: the county's own ratio, deductible and ceiling, laid over the shipped packs."""
    with laid_over(tmp_path, monkeypatch, PACK):
        yield


def row(
    no: str, person, *, total=8000, basic=5000, catastrophic=0, outside=500, claimed=1400, own=None, **more
) -> dict:
    """A bill in yuan. As it stands: compliant 2500, above the deductible 2000, 70 % = 1400; the person pays the rest."""
    own = round(total - basic - catastrophic - claimed, 2) if own is None else own
    return {
        "单据号": no, "姓名": person.name, "身份证号": secrets.open_id(person), "入院日期": "2018-03-01", "出院日期": "2018-03-12",
        "疾病类别": "", "总费用": total, "基本医保支付": basic, "大病保险支付": catastrophic, "目录外自费": outside,
        "医疗救助支付": claimed, "个人支付": own, **more,
    }  # fmt: skip


def sheet(*rows: dict) -> bytes:
    """A file as a hospital sends it."""
    out = io.StringIO()
    writer = csv.DictWriter(out, HEADER)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode("utf-8-sig")


class Ward:
    """A hospital with an agreement in force and, if asked, an advance out of 医疗救助."""

    def __init__(
        self,
        treasury: Treasury,
        *,
        advance: int = 0,
        limit: int = 50_000,
        code: str = "H42080200001",
        way: str = "treasury",
    ) -> None:
        self.money = treasury
        early = date(2018, 1, 8)
        with at(treasury.keep, early):
            made = hospital.propose_agreement(
                acting_user=treasury.keep, county=treasury.county, name="测试区人民医院", code=code, payee="农商行 测试账户",
                advance_limit_fen=limit * 100, signed_on=date(2018, 1, 5), starts_on=date(2018, 1, 1), ends_on=date(2018, 12, 31),
            )  # fmt: skip
        with at(treasury.review, early):
            self.agreement: HospitalAgreement = hospital.decide_agreement(
                made, acting_user=treasury.review, approve=True
            )
        with at(treasury.review, early):
            papers.set_pay_way(acting_user=treasury.review, county=treasury.county, way=way)
        if way == "bank":
            self.account("6200000042080201", on=early)
        if advance:
            treasury.do("hospital", advance, programme="medical", hospital=self.agreement, on=early)

    def account(self, number: str, *, on: date = AFTER, bank_code: str = "402532000012") -> PayeeAccount:
        """An account of the hospital, entered by one and put into force by another."""
        with at(self.money.keep, on):
            made = payees.propose_payee(
                acting_user=self.money.keep, county=self.money.county, code=self.agreement.code, holder="测试区人民医院",
                bank_name="测试农商行", bank_code=bank_code, account=number, basis="医院来函",
            )  # fmt: skip
        with at(self.money.review, on):
            return payees.decide_payee(made, acting_user=self.money.review, approve=True)

    def orders(self, kind: str = "") -> list[PayOrder]:
        with at(self.money.keep, AFTER):
            rows = PayOrder.objects.filter(agreement=self.agreement).order_by("pk")
            return list(rows.filter(kind=kind) if kind else rows)

    def send(self, *rows: dict, month: Month = MARCH, on: date = AFTER, name: str = "三月.csv") -> BillBatch:
        with at(self.money.keep, on):
            return hospital.import_bills(
                self.agreement, acting_user=self.money.keep, month=month, data=sheet(*rows), name=name
            )

    def bill(self, no: str) -> HospitalBill:
        with at(self.money.keep, AFTER):
            return HospitalBill.objects.select_related("person").get(agreement=self.agreement, bill_no=no)

    def rules(self, *, month: Month = MARCH, on: date = AFTER) -> int:
        with at(self.money.keep, on):
            return hospital.accept_rules(self.agreement, acting_user=self.money.keep, month=month)

    def propose(self, *, month: Month = MARCH, on: date = AFTER, replenish: int = 0) -> HospitalClearing:
        with at(self.money.keep, on):
            return clearing.propose_clearing(
                self.agreement, acting_user=self.money.keep, month=month, replenish_fen=replenish * 100
            )

    def decide(self, row: HospitalClearing, *, on: date = AFTER, **more) -> HospitalClearing:
        with at(self.money.review, on):
            return clearing.decide_clearing(row, acting_user=self.money.review, **{"approve": True, **more})


def premium_answer(*rows: tuple[object, str]) -> bytes:
    """The collector's answer about people of a list: (person, result)."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["姓名", "身份证号", "处理结果", "说明"])
    for person, result in rows:
        writer.writerow([person.name, secrets.open_id(person), result, ""])
    return out.getvalue().encode("utf-8-sig")
