"""A register passes through little memory, whatever its size."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
#: A million rows of text are about 90 MB, and 400 MB as columns; more than this would grow with the file.
BOUND_MB = 800

SCRIPT = """
import json, sys, tempfile
from datetime import date
from pathlib import Path
sys.path.insert(0, "tests")
from registerkit import VEHICLE, person, vehicle
from tuodi.crypto.keyring import Keyring
from tuodi.exchange.registers import load_register, open_register
from tuodi.matching.sealed import SealedWriter, open_sealed

rows = int(sys.argv[1])
ring = Keyring.generate()
with tempfile.TemporaryDirectory() as made:
    folder = Path(made)
    path = folder / "v.csv"
    people = [person(n) for n in range(5000)]
    with path.open("w", encoding="gb18030", newline="") as out:
        out.write(",".join(VEHICLE) + "\\r\\n")
        for n in range(rows):
            out.write(f"鄂H{n:07d},张甲乙,{people[n % 5000]},小型轿车,2010/3/{n % 28 + 1},正常,{n % 90000}.5\\r\\n")
    opened = open_register(path, load_register("vehicle"), on=date(2017, 9, 4), as_of=date(2017, 8, 31))
    with SealedWriter(folder / "s", "b", hot=["value_fen"], scratch=folder, as_of=date(2017, 8, 31), keys=ring) as writer:
        for chunk in opened.chunks():
            writer.write(chunk.frame)
        totals = writer.finish()
    with open_sealed(folder / "s", "b", scratch=folder, keys=ring) as batch:
        kept = batch.rows
# What the process itself held at most; getrusage would count what its parent held when it was started.
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(json.dumps([totals.kept, kept, opened.totals.rows, int(peak.split()[1]) // 1024]))
"""


def test_a_million_rows_stay_within_bounds(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, "1000000"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=570
    )
    kept, read, rows, peak_mb = json.loads(done.stdout.splitlines()[-1])
    assert kept == read == rows == 1_000_000
    assert peak_mb < BOUND_MB, peak_mb
