"""What a sweep needs before it can begin: departments' agreements, their registers, and everybody's consent."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl

from tuodi.demo.past import Known
from tuodi.demo.registers import KINDS, Registers
from tuodi.demo.registers.layouts import LAYOUTS
from tuodi.demo.staff import COUNTY_TAGS, user
from tuodi.kernel import clock
from tuodi.kernel.periods import Month
from tuodi.org.access import scope, system_scope
from tuodi.verification.consent_bulk import import_consents, import_for_roll
from tuodi.verification.models import Consent, DataSource, RegisterBatch
from tuodi.verification.register_actions import add_source
from tuodi.verification.register_imports import import_register

__all__ = ["PLACE", "bring_consents", "bring_registers", "set_up_sources"]

PLACE = "4208"
AGREED, DELIVERED = date(2017, 3, 20), date(2017, 5, 2)
#: Departments whose registers are open to the check by law; the others ask for each person's consent.
_OPEN = {"hukou", "cremation"}
_SIGNED = date(2016, 6, 20)

Tell = Callable[[str], None]


def set_up_sources(tell: Tell) -> dict[str, DataSource]:
    """The list of shared registers with their agreements, each made once."""
    clerk = user("shi-bd")
    found: dict[str, DataSource] = {}
    new = 0
    with clock.frozen(AGREED), scope(clerk):
        for at, kind in enumerate(KINDS, 1):
            row = DataSource.objects.filter(code=kind.code, place_code=PLACE).first()
            if row is None:
                row = add_source(
                    acting_user=clerk, code=kind.code, kind=kind.code, place_code=PLACE, label=kind.label,
                    department=kind.department, agreement_no=f"荆民函〔2017〕{at}号", agreed_on=AGREED,
                    state=DataSource.State.LIVE, mode=DataSource.Mode.BATCH, profile=LAYOUTS[kind.code].profile,
                    needs_consent=kind.code not in _OPEN, freshness_days=90, retention_days=180,
                )  # fmt: skip
                new += 1
            found[kind.code] = row
    tell(f"  数据共享目录：{len(found)} 个部门的登记，各有协议和文件模板（新增 {new} 个）")
    return found


def bring_registers(made: Registers, sources: dict[str, DataSource], tell: Tell) -> list[RegisterBatch]:
    """Imports every register that has not been imported: keyed, typed, encrypted; each row accounted for."""
    clerk = user("shi-bd")
    batches, began, rows = [], time.perf_counter(), 0
    for kind in KINDS:
        source = sources[kind.code]
        with clock.frozen(DELIVERED), scope(clerk):
            batch = RegisterBatch.objects.filter(source=source, batch_no=_number(kind.code), state="ready").first()
            if batch is None:
                batch = import_register(
                    source, [made.files[kind.code]], batch_no=_number(kind.code), as_of=kind.as_of, acting_user=clerk
                )
                tell(
                    f"    {kind.label}（{Path(made.files[kind.code]).suffix[1:]}，数据日 {batch.as_of}）：{batch.rows:,} 行，采用 {batch.accepted:,}，"
                    f"待人工 {batch.unkeyed:,}，重复 {batch.duplicates:,}，未采用 {batch.rejected:,}，{batch.seconds or 0:.1f} 秒"
                )
        batches.append(batch)
        rows += batch.rows
    tell(f"  登记 {rows:,} 行，每批一个密文文件，用时 {time.perf_counter() - began:.1f} 秒")
    return batches


def _number(code: str) -> str:
    return f"{code}-2017-1"


def bring_consents(data: Path, made: Registers, known: Known, tell: Tell) -> int:
    """Records the paper consents county by county; the families that have not signed stay without."""
    with system_scope(PLACE):
        there = Consent.objects.filter(basis=Consent.Basis.IMPORTED, signed_on__lte=DELIVERED).count()
    if there:
        tell(f"  核对授权 {there:,} 人已登记")
        return there
    truth = data / "truth"
    silent = set(pl.read_csv(made.unconsented)["person_no"])
    homes = pl.read_parquet(truth / "households.parquet").select(
        "household_no", "county", "card_no", pl.col("until").alias("off_roll")
    )
    people = pl.read_parquet(truth / "persons.parquet").join(homes, on="household_no")
    month = Month.of(DELIVERED).yyyymm
    # Who had left by the day the papers were listed signs nothing any more.
    left = pl.col("until").is_not_null() & (pl.col("until") <= month)
    people = people.filter(
        pl.col("person_no").is_in(list(known.persons)), ~pl.col("person_no").is_in(list(silent)), pl.col("since") <= month, ~left
    )  # fmt: skip
    heads = dict(people.filter(pl.col("relation").is_in(["户主", "本人"])).select("household_no", "name").iter_rows())
    missing = [known.households[no][0] for no in pl.read_csv(made.unconsented)["household_no"].unique()]
    # The papers of grown-ups on the roll lie box by box; minors, with their guardian, and families gone are listed.
    young = pl.col("birth") > DELIVERED.replace(year=DELIVERED.year - 18)
    listed = people.filter(young | (pl.col("off_roll") <= month))
    accepted = faults = 0
    for county, tag in COUNTY_TAGS.items():
        clerk = user(f"{tag}-hc")
        with clock.frozen(DELIVERED), scope(clerk):
            accepted += import_for_roll(
                acting_user=clerk,
                place_code=county,
                signed_on=_SIGNED,
                paper_ref=f"{tag} 低保、五保授权书",
                missing=missing,
            )
            done = import_consents(
                _papers(listed.filter(pl.col("county") == county), heads), acting_user=clerk, place_code=county,
                name=f"核对授权名册-{tag}.csv",
            )  # fmt: skip
        accepted += done.accepted
        faults += len(done.faults)
    tell(
        f"  核对授权：登记纸质授权 {accepted:,} 人，{faults} 行有误；未授权 {len(silent):,} 人（{made_families(made)} 户）只列出、不比对"
    )
    return accepted


def _papers(people: pl.DataFrame, heads: dict[int, str]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["姓名", "证件号码", "授权日期", "纸质档号", "监护人"])
    for p in people.iter_rows(named=True):
        signed = max(_SIGNED, Month.parse(str(p["since"])).first_day)
        young = (signed.year - p["birth"].year, signed.month, signed.day) <= (18, p["birth"].month, p["birth"].day)
        guardian = heads.get(p["household_no"], "村（居）委会") if young else ""
        writer.writerow([p["name"], p["id_no"], signed.isoformat(), f"授权-{p['card_no']}", guardian])
    return text.getvalue().encode()


def made_families(made: Registers) -> int:
    """How many families have not signed."""
    return pl.read_csv(made.unconsented)["household_no"].n_unique()
