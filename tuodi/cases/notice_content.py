"""What a public notice may hold, checked by value: not only which fields, but that each holds what its name says and nothing else.

Basis: [57] art 24 (name, number of members, amount; nothing unrelated); a child's name never, so a minor applicant is masked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from tuodi.cases.errors import NoticeContentError, StepInputError
from tuodi.cases.models import Case
from tuodi.kernel import clock
from tuodi.kernel.ages import OF_AGE, age
from tuodi.kernel.masking import mask_name, mask_phone
from tuodi.org.places import place_name
from tuodi.people.enums import Programme
from tuodi.people.models import Person
from tuodi.people.queries import members_on
from tuodi.policy.procedure import Notice

__all__ = ["FIELDS", "OPINIONS", "check", "public_name"]

#: Every field a notice can have; which of them one has is the procedure's choice.
FIELDS = ("applicant_name", "member_count", "amount", "programme", "village", "period", "phone", "opinion")
OPINIONS = ("拟予确认", "予以确认")
_AMOUNT = re.compile(r"\d{1,3}(,\d{3})*\.\d{2}|\d+\.\d{2}")
_PERIOD = re.compile(r"\d{4}-\d{2}-\d{2} 起 \d{1,3} 日")
#: A number an office publishes: an area code with a land line, or a short service number. No mobile number is one.
_PHONE = re.compile(r"(0\d{2,3}-?)?\d{7,8}|1[02]\d{3,4}")


def public_name(person: Person, *, masked: bool, on: date | None = None) -> str:
    """The name as a notice may show it: in full for a grown-up, unless the region masks; a child's, and whose age nobody knows, masked."""
    day = on or clock.today()
    grown = person.birth is not None and age(person.birth, day) >= OF_AGE
    return person.name if grown and not masked else mask_name(person.name)


def check(case: Case, text: Notice, content: Mapping[str, Any], label: str) -> dict[str, Any]:
    """The content as it may be frozen.

    Args:
        text: The step's notice, as the procedure has it. label: Of the step, for the message.

    Raises:
        NoticeContentError: A field the procedure does not list, or one that holds something else than its name says.
        StepInputError: A phone number that is no office's.
    """
    strange = [name for name in content if name not in text.content or name not in FIELDS]
    if strange:
        raise NoticeContentError(strange, list(text.content))
    today = clock.today()
    fits = {
        "applicant_name": lambda value: value == public_name(case.applicant, masked=text.mask_name),
        "member_count": lambda value: isinstance(value, int) and not isinstance(value, bool) and 0 < value < 100,
        "amount": lambda value: isinstance(value, str) and bool(_AMOUNT.fullmatch(value)),
        "programme": lambda value: value == dict(Programme.choices).get(case.programme, case.programme),
        "village": lambda value: value == place_name(case.region, today),
        "period": lambda value: isinstance(value, str) and bool(_PERIOD.fullmatch(value)),
        "phone": lambda value: isinstance(value, str) and bool(_PHONE.fullmatch(value)),
        "opinion": lambda value: value in OPINIONS,
    }
    wrong = [name for name, value in content.items() if not fits[name](value)]
    if "phone" in wrong:
        raise StepInputError(
            label, "监督电话", "不是单位公布的电话，请填写固定电话（区号-号码）或 12349 这样的服务号码。"
        )
    if wrong:
        raise NoticeContentError([f"{name} 的内容（与案件不符）" for name in wrong], list(text.content))
    if "phone" in content:
        own = {one.person.phone_masked for one in members_on(case.household, today)} - {""}
        if mask_phone(str(content["phone"]).replace("-", "")) in own:
            raise StepInputError(label, "监督电话", "是申请家庭自己的电话，不能公开。请填写办理单位的电话。")
    return dict(content)
