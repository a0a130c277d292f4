"""The scenes of the week, in their order."""

from __future__ import annotations

from pathlib import Path

from tuodi.demo.week import care, casework, door, found, moves, online, roll, urgent
from tuodi.demo.week.cast import Tell, once, pick

__all__ = ["SCENES", "tell_week"]

SCENES = (
    ("pick", pick),
    ("visitors", door.visitors),
    ("calls", door.calls),
    ("roster", door.roster),
    ("in_every_step", casework.in_every_step),
    ("refusals", casework.refusals),
    ("objections", casework.objections),
    ("from_phones", online.from_phones),
    ("emergencies", urgent.emergencies),
    ("at_risk", found.at_risk),
    ("patrols", found.patrols),
    ("discoveries", found.discoveries),
    ("alarms", urgent.alarms),
    ("assessments", care.assessments),
    ("agreements", care.agreements),
    ("changes", roll.changes),
    ("jobs", roll.jobs),
    ("deaths", roll.deaths_told),
    ("moves", moves.moved),
    ("splits", moves.split_and_merged),
    ("reviews", roll.reviews),
    ("classes", roll.classes),
    ("delivered", roll.delivered),
)


def tell_week(state: Path, tell: Tell) -> None:
    """Plays every scene that has not been played. `state` is the demo's folder."""
    for name, play in SCENES:
        once(name, play, tell)
