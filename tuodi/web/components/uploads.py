"""Files that people hand in."""

from __future__ import annotations

from typing import Any

from django import forms

__all__ = ["UploadField"]


class UploadField(forms.FileField):
    """A file of at most so many bytes, refused before it is read.

    Args:
        most: bytes. refusal: the sentence for a larger one, with its remedy; `{mb}` is its size.
    """

    def __init__(self, *, most: int, refusal: str, **options: Any) -> None:
        super().__init__(**options)
        self.most, self.refusal = most, refusal

    def clean(self, data: Any, initial: Any = None) -> Any:
        """Raises ValidationError."""
        given = super().clean(data, initial)
        if given and given.size and given.size > self.most:
            raise forms.ValidationError(self.refusal.format(mb=given.size // 2**20))
        return given
