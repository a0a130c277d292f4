"""Forms that lie in files of their own: read into a model with a fault that names the place, chosen by place and day."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import Protocol, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from tuodi.kernel.places import trim

__all__ = ["nearest", "read_form"]

Model = TypeVar("Model", bound=BaseModel)


class Dated(Protocol):
    """A form with the place it holds for (`cn` = everywhere) and its first day."""

    @property
    def place(self) -> str: ...

    @property
    def since(self) -> date: ...


Choice = TypeVar("Choice", bound=Dated)


def read_form(path: Path, model: type[Model], fault: Callable[[str, str], Exception]) -> Model:
    """One YAML file as a model.

    Args:
        fault: Makes the room's own error of the file's name and a Chinese sentence on what is wrong where.
    """
    try:
        return model.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"第 {mark.line + 1} 行" if mark else "某处"
        raise fault(path.name, f"{line}不是正确的 YAML") from error
    except (OSError, UnicodeDecodeError) as error:
        raise fault(path.name, "读不出来，应是 UTF-8 文本") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "表单"
        raise fault(path.name, f"{where}：{first['msg'].removeprefix('Value error, ')}") from error


def nearest(forms: Iterable[Choice], region: str, on: date) -> Choice | None:
    """The form of a place on a day: the nearest place wins, in it the latest that has begun; None = none is in force."""
    code = trim(region)
    fitting = [form for form in forms if form.since <= on and (form.place == "cn" or code.startswith(form.place))]
    return max(fitting, key=lambda form: (0 if form.place == "cn" else len(form.place), form.since), default=None)
