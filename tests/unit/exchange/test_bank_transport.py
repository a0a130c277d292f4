"""Ways to a bank: whole files only, under names that lead nowhere else, and words that the bank itself has signed."""

from __future__ import annotations

import os
import time
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from bankkit import bank_process, tell

from tuodi.crypto import sm2
from tuodi.exchange.bank import BatchHead, Payment, load_bank_profile
from tuodi.exchange.bank_files import Payer, read_answer, read_statement, write_file
from tuodi.exchange.bank_transport import MAX_INCOMING, BankAddressError, DropFolder, HttpBank, Parcel, Word

AT = datetime.fromisoformat("2017-05-08T00:00:00+08:00")
NO = "420802201705000001001"
LAYOUT = load_bank_profile("iso20022")
PAIR = sm2.KeyPair.generate()


def parcel(pair: sm2.KeyPair = PAIR, no: str = NO) -> Parcel:
    rows = [Payment(n, "欧阳", f"6217000{n:012d}", "", 100 * n, "低保金", f"k{n}") for n in (1, 2)]
    data = write_file(
        LAYOUT,
        BatchHead(no, 2, 300, "", ""),
        rows,
        payer=Payer("专户", "4200017000000001"),
        at=AT,
        day=date(2017, 5, 9),
    )
    return Parcel(no, f"{no}.xml", data, sm2.sign(data, pair).hex())


def test_a_bank_of_its_own_process_over_http_and_at_a_folder(tmp_path: Path) -> None:
    root = tmp_path / "drop"
    with bank_process(client=PAIR, hang=1.0, folder=root) as (url, key):
        way = HttpBank(url, pair=PAIR, bank_key=bytes.fromhex(key), now=lambda: AT, timeout=3)
        assert way.ask(NO).word == Word.ABSENT
        tell(url, faults=["timeout_after"])
        assert way.send(parcel()).word == Word.NO_WORD
        assert way.ask(NO).word == Word.ACCEPTED  # it had arrived
        assert way.send(parcel()).word == Word.DUPLICATE
        other = parcel(no=NO)
        assert (
            way.send(Parcel(NO, other.name, other.data + b" ", sm2.sign(other.data + b" ", PAIR).hex())).word
            == Word.CONFLICT
        )
        unsigned = parcel(no=f"{NO[:-1]}2")
        assert way.send(Parcel(unsigned.no, unsigned.name, unsigned.data)).word == Word.REFUSED
        tell(url, report=NO, statement=True)
        folder, until = DropFolder(root), time.monotonic() + 20
        while len(found := list(folder.waiting())) < 2 and time.monotonic() < until:
            time.sleep(0.1)
        report, statement = sorted(found, key=lambda one: one.name)
        assert sm2.verify(report.data, bytes.fromhex(report.signature), bytes.fromhex(key))
        assert [row.result for row in read_answer(LAYOUT, report.data).rows] == ["paid", "paid"]
        assert [one.amount_fen for one in read_statement(LAYOUT, statement.data).entries] == [100, 200]
        folder.taken(report.name)
        folder.taken(statement.name)
        assert (list(folder.waiting()), list(way.waiting())) == ([], [])
        # Somebody who is not the bank, or not us, is not believed.
        stranger = HttpBank(url, pair=PAIR, bank_key=sm2.KeyPair.generate().public, now=lambda: AT, timeout=3)
        assert stranger.ask(NO).word == Word.NO_WORD
        thief = HttpBank(url, pair=sm2.KeyPair.generate(), bank_key=bytes.fromhex(key), now=lambda: AT, timeout=3)
        assert thief.ask(NO).word == Word.NO_WORD
        late = HttpBank(url, pair=PAIR, bank_key=bytes.fromhex(key), now=lambda: AT + timedelta(hours=1), timeout=3)
        assert late.send(parcel(no=f"{NO[:-1]}3")).word == Word.NO_WORD
        third = parcel(no=f"{NO[:-1]}4")
        assert folder.send(third).word == Word.PLACED
        assert folder.ask(third.no) is None
        until = time.monotonic() + 20
        while third.no not in (taken := tell(url)["taken"]) and time.monotonic() < until:
            time.sleep(0.1)
        assert taken[third.no]["paid"] == 2


def test_a_folder_shows_whole_files_only_and_follows_no_link(tmp_path: Path) -> None:
    folder = DropFolder(tmp_path)
    into = tmp_path / "in"
    into.mkdir()
    (into / "a.xml").write_bytes(b"<a/>")
    (into / "a.xml.sig").write_text("00ff")
    (into / ".half.xml").write_bytes(b"<a")
    (into / "b.xml").symlink_to("/etc/passwd")
    with (into / "big.xml").open("wb") as file:
        file.truncate(MAX_INCOMING + 1)
    os.utime(into / "a.xml", ns=(1, 1))
    first, big = folder.waiting()
    assert (first.name, first.data, first.signature) == ("a.xml", b"<a/>", "00ff")
    assert (big.name, big.data) == ("big.xml", b"")  # refused as empty, and kept out of memory
    folder.taken("a.xml")
    assert sorted(one.name for one in (tmp_path / "done").iterdir()) == ["a.xml", "a.xml.sig"]
    for name in ("../x.xml", "/etc/x", "a b", ""):
        with pytest.raises(BankAddressError):
            folder.send(Parcel("1", name, b""))
    assert not (tmp_path / "out").exists() or list((tmp_path / "out").iterdir()) == []


def test_a_folder_that_cannot_be_written_gives_no_word(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file where the folder should be")
    assert DropFolder(tmp_path).send(Parcel("1", "1.xml", b"x")).word == Word.NO_WORD


@pytest.mark.parametrize("url", ["http://bank.example/", "ftp://127.0.0.1/", "http://127.0.0.1.example/"])
def test_money_data_travels_over_https_only(url: str) -> None:
    with pytest.raises(BankAddressError):
        HttpBank(url, pair=PAIR, bank_key=PAIR.public, now=lambda: AT)
