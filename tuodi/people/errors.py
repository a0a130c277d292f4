"""Errors of the people room.

TuodiError
└── PeopleError
    ├── DuplicatePersonError    the county knows this number already
    ├── MembershipError         a person would be in two households, or leaves one he is not in
    ├── HouseholdStateError     the household is closed, or its head would be missing
    ├── DatesError              a day that cannot be (before birth, in the future)
    ├── ReasonMissingError      a full number is shown only for a stated reason
    ├── PhoneError              no mobile number a code could go to
    ├── TooManyTriesError       a resident asked for too many codes
    ├── ProviderError           the identity provider did not prove who is there
    └── FactsError              facts that do not fit the household
"""

from __future__ import annotations

from tuodi.kernel.errors import TuodiError


class PeopleError(TuodiError):
    """Base of this room's errors."""

    code = "people"
    status = 409


class DuplicatePersonError(PeopleError):
    """One county, one number, one person."""

    code = "people.duplicate"

    #: Refusals of this kind answer a question about a stranger, so they are kept in the audit log.
    logged = True

    def __init__(self, masked: str) -> None:
        super().__init__(
            f"证件号码 {masked} 在本区县已有登记。请查找该人员后使用原有登记；查不到的，请用“跨地区查重”核对所在地。",
            masked=masked,
        )


class MembershipError(PeopleError):
    """Membership periods of one person exclude each other."""

    code = "people.membership"


class HouseholdStateError(PeopleError):
    """The household cannot take this change."""

    code = "people.household_state"


class DatesError(PeopleError):
    """A day that cannot be."""

    code = "people.dates"
    status = 400


class FactsError(PeopleError):
    """Facts that cannot be put."""

    code = "people.facts"
    status = 400


class ReasonMissingError(PeopleError):
    """Full numbers are shown for a reason that goes into the log."""

    code = "people.reason_missing"
    status = 400

    def __init__(self) -> None:
        super().__init__("查看完整证件号码须填写理由。请填写后重试。")


class PhoneError(PeopleError):
    """Codes go to a mobile number of the mainland."""

    code = "people.phone"
    status = 400

    def __init__(self) -> None:
        super().__init__("手机号不对：应为 11 位数字，以 1 开头。请核对后重填。")


class TellingError(PeopleError):
    """A telling that cannot be sent or noted."""

    code = "people.telling"

    def __init__(self, why: str) -> None:
        super().__init__(f"{why}。")


class TooManyTriesError(PeopleError):
    """The same words for a number, an address, somebody known and nobody."""

    code = "people.too_many_tries"
    status = 429

    def __init__(self) -> None:
        super().__init__("获取验证码的次数过多。请一小时后再试，或到乡镇（街道）服务窗口办理。")


class ProviderError(PeopleError):
    """One sentence for the visitor; `reason` says what it was."""

    code = "people.provider"
    status = 502

    def __init__(self, reason: str) -> None:
        super().__init__("没有通过统一身份认证登录成功。请重试，或改用短信验证码登录。", reason=reason)
        self.reason = reason
