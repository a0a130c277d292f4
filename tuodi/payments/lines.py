"""From what is due to the lines of a month: basis, back pay, offset, what is held and why."""

from __future__ import annotations

import polars as pl

from tuodi.kernel.names import PLAIN_NAME, normalise_name
from tuodi.kernel.periods import Month
from tuodi.payments.arrears import claims
from tuodi.payments.compute import UNIT
from tuodi.payments.frames import covering, valid
from tuodi.payments.source import Inputs
from tuodi.payments.stated import basis_of, is_stated, suspended_too, units
from tuodi.payments.states import Basis, Held, LineStatus, Manner

__all__ = ["build", "line_key"]

#: Bank answers that only a corrected account mends (class `fix_account` of the shipped profile).
FIX_ACCOUNT = ("4", "7", "9", "16", "37", "43")


def line_key(month: Month) -> pl.Expr:
    """The number of a line: the same unit, programme and month always have the same."""
    return pl.concat_str(
        pl.lit(f"{month.yyyymm}-"),
        pl.col("programme"),
        # A caregiver may have a line in each of several households.
        pl.when((pl.col("programme") == "care") & pl.col("person_id").is_not_null())
        .then(pl.format("-H{}", "household_id"))
        .otherwise(pl.lit("")),
        pl.when(pl.col("person_id").is_null()).then(pl.lit("-H")).otherwise(pl.lit("-P")),
        pl.coalesce("person_id", "household_id").cast(pl.String),
    )


def build(
    inputs: Inputs, month: Month, programmes: list[str], rows: pl.DataFrame, prices: pl.DataFrame, late: pl.DataFrame,
    *, offset_permille: int, fraud_permille: int = 1000, missing: dict[tuple[str, int, int | None], str],
) -> pl.DataFrame:  # fmt: skip
    """The lines of a month, a row a unit.

    Args:
        rows: what the rules give (`compute.due`).
        prices: price subsidies; late: differences of earlier months.
        offset_permille: share of a line that may be kept back; fraud_permille: the same where the claim rests on fraud.
        missing: unit -> what is missing, for units whose amount is unknown.
    """
    roll = units(covering(inputs.roll, month).filter(pl.col("programme").is_in(programmes)))
    roll = roll.rename({"amount_fen": "roll_fen"})
    # Units that left the roll but are still owed something for earlier months get a line of back pay alone.
    owed = late.group_by(UNIT).agg(
        pl.col("amount_fen").filter(pl.col("amount_fen") > 0).sum().alias("back_pay_fen"),
        pl.col("undone_fen").sum(),
        pl.col("region").first().alias("late_region"),
    )
    known = inputs.roll.with_columns(
        pl.lit(None, dtype=roll.schema[name]).alias(name)
        for name in roll.columns[-3:]
        if name not in inputs.roll.columns
    )
    # So do units that were on the roll of an index month and are no longer: its price subsidy is theirs.
    gone = (
        pl.concat(
            [owed.filter(pl.col("back_pay_fen") > 0).select(UNIT), prices.filter(pl.col("price_fen") > 0).select(UNIT)]
        )
        .unique(maintain_order=True)
        .join(roll.select(UNIT), on=UNIT, how="anti", nulls_equal=True)
        .join(
            known.rename({"amount_fen": "roll_fen"}).sort("roll_id", maintain_order=True).unique(UNIT, keep="last"),
            on=UNIT,
            how="inner",
            nulls_equal=True,
        )
        .select(roll.columns)
        .with_columns(pl.lit(None, dtype=pl.Int64).alias("roll_id"))
    )
    all_units = pl.concat(
        [roll.with_columns(pl.lit(True).alias("on_roll")), gone.with_columns(pl.lit(False).alias("on_roll"))]
    )
    lines = (
        all_units.join(rows, on=UNIT, how="left", nulls_equal=True)
        .join(owed.select(*UNIT, "back_pay_fen", "undone_fen"), on=UNIT, how="left", nulls_equal=True)
        .join(prices, on=UNIT, how="left", nulls_equal=True)
        .join(claims(inputs, late), on=UNIT, how="left", nulls_equal=True)
        .join(inputs.terms, on=UNIT, how="left", nulls_equal=True)
        .with_columns(pl.col("back_pay_fen", "price_fen", "owed_fen", "undone_fen").fill_null(0))
    )
    carried = (
        pl.col("on_roll")
        & pl.col("imported")
        & (pl.col("outcome").fill_null("unknown") == "unknown")
        & pl.col("fault").is_null()
    )
    outcome = (
        pl.when(~pl.col("on_roll") | carried).then(pl.lit("pass")).otherwise(pl.col("outcome").fill_null("unknown"))
    )
    basis = (
        pl.when(is_stated())
        .then(basis_of(pl.col("programme")))
        .when(carried)
        .then(pl.lit(Basis.ROLL.value))
        .when(pl.col("from_roll").fill_null(False))
        .then(pl.lit(Basis.RULES_ROLL.value))
        .otherwise(pl.lit(Basis.RULES.value))
    )
    lines = lines.with_columns(outcome.alias("outcome"), basis.alias("basis"), carried.alias("carried"))
    good = pl.col("outcome") == "pass"

    def part(name: str) -> pl.Expr:
        ours = pl.when(pl.col("carried") | ~pl.col("on_roll")).then(0).when(good).then(pl.col(name)).otherwise(0)
        return ours.fill_null(0).cast(pl.Int64).alias(name)

    lines = lines.with_columns(
        pl.when(pl.col("carried")).then(pl.col("roll_fen")).when(~pl.col("on_roll")).then(0).when(good).then(pl.col("base_fen"))
        .when(pl.col("outcome") == "fail").then(0).cast(pl.Int64).alias("base_fen"),
        *(part(name) for name in ("increment_fen", "care_fen", "grace_fen", "other_fen")),
        pl.when(good).then(pl.col("price_fen")).otherwise(0).alias("price_fen"),
        pl.when(~pl.col("on_roll")).then(0).otherwise(pl.col("persons").fill_null(_heads(inputs, month))).cast(pl.Int64).alias("persons"),
        pl.col("in_grace").fill_null(False),
    )  # fmt: skip
    gross = pl.sum_horizontal(
        "base_fen", "increment_fen", "care_fen", "grace_fen", "other_fen", "price_fen", "back_pay_fen"
    )
    lines = lines.with_columns(gross.alias("gross")).with_columns(
        (-pl.min_horizontal("owed_fen", _keepable(month, offset_permille, fraud_permille))).alias("offset_fen")
    )
    lines = lines.with_columns(
        pl.when(pl.col("base_fen").is_not_null()).then(pl.col("gross") + pl.col("offset_fen")).alias("amount_fen")
    )
    lines = _held(_by_agreement(lines, inputs), inputs, month, missing)
    # A held line grants nothing, so it neither pays back nor offsets: both wait for the month that pays.
    waits = pl.col("held") != ""
    lines = lines.with_columns(
        pl.when(waits).then(0).otherwise(pl.col("back_pay_fen")).alias("back_pay_fen"),
        pl.when(waits).then(0).otherwise(pl.col("offset_fen")).alias("offset_fen"),
    ).with_columns(
        pl.when(waits & pl.col("base_fen").is_not_null())
        .then(pl.sum_horizontal("base_fen", "increment_fen", "care_fen", "grace_fen", "other_fen", "price_fen"))
        .otherwise(pl.col("amount_fen"))
        .alias("amount_fen"),
        line_key(month).alias("key"),
        pl.when(waits)
        .then(pl.lit(LineStatus.HELD.value))
        .when(pl.col("amount_fen") == 0)
        .then(pl.lit(LineStatus.NOTHING.value))
        .otherwise(pl.lit(LineStatus.READY.value))
        .alias("status"),
    )
    return lines.sort("region", "key")


def _keepable(month: Month, offset_permille: int, fraud_permille: int) -> pl.Expr:
    """How much of a line may be kept back. Floor division keeps the family's part whole; the last offset takes what is left.

    Back pay that only takes an overpayment back which was told before is no money of the month: it clears the claim whole.
    """
    month_fen = pl.col("gross") - pl.col("undone_fen")
    share = month_fen * offset_permille // 1000
    runs = (pl.col("from_month") <= month.yyyymm) & ~pl.col("in_cash")
    return pl.col("undone_fen") + (
        pl.when(pl.col("manner") == Manner.STOPPED.value)
        .then(0)
        .when(pl.col("manner") == Manner.FRAUD.value)
        .then(month_fen * fraud_permille // 1000)
        .when(pl.col("manner") == Manner.AGREED.value)
        .then(pl.when(runs).then(pl.min_horizontal("monthly_fen", share)).otherwise(0))
        .otherwise(share)
    )


def _heads(inputs: Inputs, month: Month) -> pl.Expr:
    present = valid(inputs.members, month.first_day, "since", "until")
    heads = dict(present.group_by("household_id").agg(pl.len()).iter_rows())
    per_home = pl.col("household_id").replace_strict(heads, default=0, return_dtype=pl.Int64)
    return pl.when(pl.col("person_id").is_not_null()).then(1).otherwise(per_home)


def _written_alike(column: str) -> pl.Expr:
    """A column of names written in one way; those of plain Chinese characters, nearly all, are so already."""
    names = pl.col(column).fill_null("")
    return (
        pl.when(names.str.contains(PLAIN_NAME))
        .then(names)
        .otherwise(names.map_batches(_normalised, return_dtype=pl.String))
        .alias(column)
    )


def _normalised(names: pl.Series) -> pl.Series:
    odd = names.filter(~names.str.contains(PLAIN_NAME)).unique().to_list()
    return names.replace(odd, [normalise_name(one) for one in odd]) if odd else names


def _standing(inputs: Inputs, month: Month) -> pl.DataFrame:
    """Units whose payment is suspended in a month, with the notice: the first, where several stand."""
    covering_now = inputs.suspensions.filter(pl.col("from_month") <= month.yyyymm)
    # Who looks after a person whose support is suspended waits with him.
    covering_now = pl.concat([covering_now, suspended_too(covering_now, covering(inputs.roll, month))])
    return covering_now.select(*UNIT, "notice_no").unique(UNIT, keep="first", maintain_order=True)


def _by_agreement(lines: pl.DataFrame, inputs: Inputs) -> pl.DataFrame:
    """Adds `cared`: an agreement says that somebody else is paid (`agreement_id`), and the account is that party's.

    A facility is paid for those it takes care of, and for all of them into its one account; a caregiver for his work (M21).
    """
    cared = inputs.cared.with_columns(
        pl.lit(None, dtype=pl.Int64).alias("agreement_id") for _ in range("agreement_id" not in inputs.cared.columns)
    )
    facilities = {
        who: (normalise_name(name), number)
        for who, name, number in cared.select("person_id", "facility", "agreement_id").iter_rows()
    }
    found: list[tuple[bool, int | None]] = []
    for programme, who, holder, payee, number in lines.select(
        "programme", "person_id", "holder", "payee", "agreement_id"
    ).iter_rows():
        if programme == "care":
            found.append((bool(payee) and normalise_name(holder) == normalise_name(payee), number))
            continue
        name, number = facilities.get(who, ("", None)) if programme == "tekun" else ("", None)
        fits = bool(name) and normalise_name(holder) == name
        found.append((fits, number if fits else None))
    return lines.with_columns(
        pl.Series("cared", [fits for fits, _ in found], dtype=pl.Boolean),
        pl.Series("agreement_id", [number for _, number in found], dtype=pl.Int64),
    )


def _held(
    lines: pl.DataFrame, inputs: Inputs, month: Month, missing: dict[tuple[str, int, int | None], str]
) -> pl.DataFrame:
    """Marks what is not paid: the first reason that applies, in the order people can act on it."""
    present = valid(inputs.members, month.first_day, "since", "until")
    # A holder may be any member of the family, also one who died lately.
    names = inputs.members.select("household_id", _written_alike("name")).unique()
    shared = (
        lines.filter(pl.col("account_index").is_not_null() & ~pl.col("cared"))
        .group_by("account_index")
        .agg(pl.col("household_id").n_unique().alias("families"))
        .filter(pl.col("families") > 1)
    )
    last = (
        inputs.lines.filter(pl.col("status").is_in(["failed", "returned"]) & pl.col("code").is_in(FIX_ACCOUNT))
        .sort("month")
        .unique(UNIT, keep="last")
        .select(*UNIT, pl.col("account_id").alias("bad_account"), pl.col("code").alias("bad_code"))
    )
    tekun = lines.filter(pl.col("programme") == "tekun")["person_id"]
    twice = (
        present.filter(pl.col("person_id").is_in(tekun.drop_nulls().implode()))["household_id"].unique()
        if tekun.len()
        else pl.Series([], dtype=pl.Int64)
    )
    counted = lines.filter((pl.col("programme") == "dibao") & pl.col("household_id").is_in(twice.implode()))
    # A person on tekun is no member of the family's dibao; the head-count of the rules would count him twice.
    double = set(counted["household_id"].to_list())
    told = pl.DataFrame(
        [(*unit, text) for unit, text in missing.items()],
        schema={**{name: lines.schema[name] for name in UNIT}, "words": pl.String},
        orient="row",
    )
    lines = (
        lines.join(shared, on="account_index", how="left")
        .join(last, on=UNIT, how="left", nulls_equal=True)
        .join(told, on=UNIT, how="left", nulls_equal=True)
        .with_columns(_written_alike("holder").alias("name"), pl.col("words").fill_null(""))
        .join(names.with_columns(pl.lit(True).alias("fits")), on=["household_id", "name"], how="left")
        .with_columns(pl.col("fits").fill_null(False))
        .drop("name")
    )
    lines = lines.join(_standing(inputs, month), on=UNIT, how="left", nulls_equal=True)
    open_amount = pl.col("amount_fen").fill_null(1) > 0
    of_care = pl.col("programme") == "care"
    reasons: list[tuple[pl.Expr, Held, pl.Expr]] = [
        (
            pl.col("notice_no").is_not_null(),
            Held.SUSPENDED,
            pl.format("告知书 {}，处理完毕或解除停保后再发", pl.col("notice_no").fill_null("")),
        ),
        (
            (pl.col("outcome") == "unknown") | pl.col("amount_fen").is_null(),
            Held.UNKNOWN,
            pl.coalesce("fault", pl.when(pl.col("words") != "").then(pl.format("缺少：{}", "words")), pl.lit("缺少事实或标准，见家庭页")),
        ),
        (pl.col("outcome") == "fail", Held.NOT_ELIGIBLE, pl.lit("请作出停发、渐退决定或更正事实")),
        (
            (pl.col("programme") == "dibao") & pl.col("household_id").is_in(sorted(double)),
            Held.TWO_PROGRAMMES,
            pl.lit("家庭成员中有人单独享受特困供养，请先更正家庭成员或终止其一"),
        ),
        (
            pl.col("account_id").is_null() & open_amount,
            Held.NO_ACCOUNT,
            pl.when(of_care).then(pl.format("请在供养档案登记照料服务人{}的身份证号码和收款账户", pl.col("payee").fill_null(""))).otherwise(pl.lit("请登记收款账户")),
        ),
        (
            pl.col("families").is_not_null() & ~pl.col("cared") & open_amount,
            Held.SHARED_ACCOUNT,
            pl.format("尾号 {} 的账户收 {} 户，请提供书面代管协议或更换账户", pl.col("account_last4").fill_null(""), pl.col("families").fill_null(0)),
        ),
        (
            (pl.col("bad_account") == pl.col("account_id")) & open_amount,
            Held.ACCOUNT_FAILED,
            pl.format("银行返回码 {}，请更正账户", pl.col("bad_code").fill_null("")),
        ),
        (~pl.col("fits") & ~pl.col("cared") & open_amount, Held.HOLDER, pl.when(of_care).then(pl.lit("户名不是协议写明的照料服务人，请核对户名或更换账户")).otherwise(pl.lit("户名不是本户成员，也不是协议照料的供养服务机构，请核对户名或更换账户"))),
    ]  # fmt: skip
    held: pl.Expr = pl.lit("")
    note: pl.Expr = pl.lit("")
    for test, reason, text in reversed(reasons):
        test = test.fill_null(False)
        held = pl.when(test).then(pl.lit(reason.value)).otherwise(held)
        note = pl.when(test).then(text).otherwise(note)
    return lines.with_columns(held.alias("held"), note.str.slice(0, 300).alias("held_note"))
