"""Bank files by profile, without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from simulators.bank import FAILURES, answer_file
from tuodi.exchange.bank import (
    BatchHead,
    Payment,
    bank_profiles,
    load_bank_profile,
    plain_cell,
    read_payments,
    read_return,
    write_payments,
)
from tuodi.exchange.errors import ProfileError


def payments(n: int) -> list[Payment]:
    return [
        Payment(i, f"欧阳{i}", f"62170000{i:011d}", "农商行", 100_00 + i, "2017年6月低保金", f"201706-dibao-H{i}")
        for i in range(1, n + 1)
    ]


def head(rows: list[Payment]) -> BatchHead:
    return BatchHead("420802201706000001001", len(rows), sum(r.amount_fen for r in rows), "2017-06", "2017年6月低保金")


PAIRS = [name for name in sorted(bank_profiles()) if load_bank_profile(name).format != "iso20022"]


@pytest.mark.parametrize("name", PAIRS)
def test_what_is_written_reads_back_in_every_layout(name: str) -> None:
    profile, rows = load_bank_profile(name), payments(3)
    data = write_payments(profile, head(rows), rows)
    assert read_payments(profile, data) == (head(rows), rows)
    assert write_payments(profile, head(rows), rows) == data  # the same batch has one hash


def test_the_batch_line_names_account_and_day_and_a_column_the_number_where_the_layout_asks_for_it() -> None:
    rows = [replace(one, id_no=f"42089919600101{one.seq:04d}") for one in payments(2)]
    full = replace(head(rows), payer="4200017000000001", made="2017-06-08")
    asks, plain = load_bank_profile("generic-id"), load_bank_profile("generic-csv")
    assert (asks.asks("id_no"), plain.asks("id_no")) == (True, False)
    assert read_payments(asks, write_payments(asks, full, rows)) == (full, rows)
    sent = write_payments(plain, full, rows)
    assert read_payments(plain, sent) == (full, [replace(one, id_no="") for one in rows])
    assert b"42089919600101" not in sent
    assert sent.decode("gb18030").splitlines()[0].endswith("付款账号,4200017000000001,生成日期,2017-06-08")


def test_encodings_are_those_of_the_profile() -> None:
    rows = payments(1)
    assert "户名".encode("gb18030") in write_payments(load_bank_profile("generic-csv"), head(rows), rows)
    assert write_payments(load_bank_profile("generic-utf8"), head(rows), rows).startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize("text", ["=1+1", "+86", "-5", "@x", "＝SUM(A1)", "\t=1", "\r=1", "\uff20x"])
def test_no_cell_becomes_a_formula(text: str) -> None:
    assert plain_cell(text).startswith("'")
    rows = [Payment(1, text, "6217", "", 1, text, "k")]
    data = write_payments(load_bank_profile("generic-csv"), head(rows), rows).decode("gb18030")
    assert all(
        not cell.startswith(("=", "+", "-", "@", "＝", "\uff20", "\t"))
        for row in data.splitlines()
        for cell in row.split(",")
    )


def test_sums_and_length_are_held() -> None:
    rows = payments(2)
    wrong = BatchHead("x", 2, 1, "2017-06", "")
    with pytest.raises(ValueError, match="differ"):
        write_payments(load_bank_profile("generic-csv"), wrong, rows)
    many = payments(3001)
    with pytest.raises(ValueError, match="3000"):
        write_payments(load_bank_profile("generic-csv"), head(many), many)
    long = [Payment(1, "张", "1", "", 1, "很长" * 20, "k")]
    _, (back,) = read_payments(
        load_bank_profile("generic-csv"), write_payments(load_bank_profile("generic-csv"), head(long), long)
    )
    assert len(back.summary) == 20


def test_the_simulated_bank_fails_two_in_a_hundred_over_many_codes() -> None:
    profile, rows = load_bank_profile("generic-csv"), payments(3000)
    data = write_payments(profile, head(rows), rows)
    found = read_return(profile, answer_file(data, seed=2017, posted=date(2017, 6, 8)))
    failed = [row for row in found.rows if row.result == "failed"]
    assert found.faults == []
    assert found.lines == len(found.rows) == 3000
    assert 40 <= len(failed) <= 80
    assert len({row.code for row in failed}) >= 5
    assert {row.code for row in failed} <= set(FAILURES)
    assert answer_file(data, seed=1, posted=date(2017, 6, 8)) != answer_file(data, seed=2, posted=date(2017, 6, 8))


def test_codes_have_a_class() -> None:
    profile = load_bank_profile("generic-csv")
    assert [profile.class_of(c) for c in ("0", "37", "10", "98", "999")] == [
        "success",
        "fix_account",
        "contact_holder",
        "retry",
        "contact_holder",
    ]


def test_a_wrong_profile_says_why(tmp_path) -> None:
    (tmp_path / "bad.yaml").write_text("label: x\ncolumns: []\n", encoding="utf-8")
    with pytest.raises(ProfileError, match="有误"):
        load_bank_profile("bad", tmp_path)
    with pytest.raises(ProfileError, match="没有这个银行格式"):
        load_bank_profile("none", tmp_path)
