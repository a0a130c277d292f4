"""Password rules beyond Django's own."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError


class CharacterKindsValidator:
    """Demands several kinds of characters (GB/T 22239-2019 8.1.4.1 a).

    Args:
        kinds: how many of lower case, upper case, digits and others must occur; 1 switches the rule off.
    """

    def __init__(self, kinds: int = 3) -> None:
        self.kinds = kinds

    def validate(self, password: str, user: Any = None) -> None:
        """Raises ValidationError for a password of too few kinds."""
        found = {
            "lower" if sign.islower() else "upper" if sign.isupper() else "digit" if sign.isdigit() else "other"
            for sign in password
        }
        if len(found) < self.kinds:
            raise ValidationError(self.get_help_text(), code="password_kinds")

    def get_help_text(self) -> str:
        """Shown beside the field."""
        return f"密码须含大写字母、小写字母、数字、其他符号中的至少 {self.kinds} 类。"
