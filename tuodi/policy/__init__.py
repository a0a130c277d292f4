"""The law as data: packs of YAML read into a book of words, dated values and rules, each with its clause."""

from tuodi.policy.book import Book, Clause
from tuodi.policy.faults import Fault, PolicyErrors
from tuodi.policy.load import default_dir

__all__ = ["Book", "Clause", "Fault", "PolicyErrors", "default_dir"]
