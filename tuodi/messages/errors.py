"""Errors of the outbox.

TuodiError
└── MessageError
    ├── TemplateError     a template that is not there, or facts that do not fit it
    ├── AdapterError      the adapter cannot be used as it is set up
    └── CarryError        one message could not be carried now; it is tried again
"""

from __future__ import annotations

from tuodi.kernel.errors import TuodiError


class MessageError(TuodiError):
    """Base of this room's errors."""

    code = "messages"
    status = 500


class TemplateError(MessageError):
    """A text that cannot be made."""

    code = "messages.template"

    def __init__(self, template: str, reason: str) -> None:
        super().__init__(f"短信模板“{template}”不能使用：{reason}。请系统管理员核对模板与内容。", template=template)


class AdapterError(MessageError):
    """A carrier that is not set up."""

    code = "messages.adapter"

    def __init__(self, reason: str) -> None:
        super().__init__(f"消息不能送出：{reason}。请系统管理员核对 TUODI_MESSAGES 的设置。", reason=reason)


class CarryError(MessageError):
    """What a carrier answered instead of taking the message. Holds no text and no number."""

    code = "messages.carry"

    def __init__(self, reason: str) -> None:
        super().__init__(f"消息暂时没有送出：{reason}。系统稍后重试。", reason=reason)
        self.reason = reason
