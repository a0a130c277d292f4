"""The checked book: packs read, formulas typed and compiled once, kept in a cache by content."""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Sequence
from pathlib import Path

from tuodi.policy.book import Book
from tuodi.policy.faults import Fault, PolicyErrors
from tuodi.policy.load import default_dir, read_book
from tuodi.policy.loader import digest_of, policy_files
from tuodi.rules.check import check_book

__all__ = ["cache_dir", "load_book"]


def cache_dir() -> Path:
    """Where checked books are kept: below the state folder (`TUODI_VAR`, else `var/` beside the packs)."""
    return Path(os.environ.get("TUODI_VAR") or default_dir().parent / "var") / "cache"


def _code_version() -> str:
    here = Path(__file__).resolve().parent
    total = hashlib.sha256()
    for path in sorted([*here.glob("*.py"), *(here.parent / "policy").glob("*.py")]):
        total.update(path.read_bytes())
    return total.hexdigest()


def load_book(
    dirs: Sequence[Path | str] | None = None,
    *,
    overlays: Sequence[Path | str] = (),
    cache: Path | None = None,
    check: bool = True,
) -> Book:
    """The checked book of the given folders (the shipped packs unless given) with overlays laid over them.

    Args:
        dirs: folders of packs; overlays never replace them.
        overlays: further folders.
        cache: a folder of this product's own to keep the checked book in, by content hash. None = no cache.
        check: also type and compile every formula in force anywhere (`tuodi.rules.check`).

    Raises:
        PolicyErrors: with every fault in every file.
    """
    folders = [Path(d) for d in (dirs if dirs is not None else [default_dir()])] + [Path(o) for o in overlays]
    missing = [f for f in folders if not f.exists()]
    if missing:
        raise PolicyErrors([Fault(str(f), 1, "没有这个文件夹；请核对路径") for f in missing])
    stored: Path | None = None
    if cache is not None and check:  # an unchecked book must never be found by who asks for a checked one
        stored = cache / f"book-{digest_of(policy_files(folders))[:32]}-{_code_version()[:16]}.pickle"
        if stored.exists():
            try:
                book = pickle.loads(stored.read_bytes())
                if isinstance(book, Book):
                    return book
            except Exception:
                stored.unlink(missing_ok=True)
    book, faults = read_book(folders)
    if check:
        found = check_book(book)
        faults += [f for f in found if f.severity == "error"]
        book.warnings += [f for f in found if f.severity == "warning"]
    if faults:
        raise PolicyErrors(faults)
    if stored is not None:
        stored.parent.mkdir(parents=True, exist_ok=True)
        part = stored.with_suffix(".part")
        part.write_bytes(pickle.dumps(book, protocol=pickle.HIGHEST_PROTOCOL))
        part.chmod(0o600)
        part.replace(stored)
    return book
