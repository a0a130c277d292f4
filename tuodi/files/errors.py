"""Errors of the files room.

TuodiError
└── FilesError
    ├── FileMissingError      the row is there, the bytes are not
    ├── FileDamagedError      the bytes are not those the row names
    └── ImageRefusedError     something sent as a photograph that is none, or too large
"""

from __future__ import annotations

from tuodi.kernel.errors import TuodiError


class FilesError(TuodiError):
    """Base of this room's errors."""

    code = "files"
    status = 500


class FileMissingError(FilesError):
    """The stored bytes are gone."""

    code = "files.missing"

    def __init__(self, number: int) -> None:
        super().__init__(f"文件 {number} 的内容不在存储目录中。请从备份恢复。", number=number)


class FileDamagedError(FilesError):
    """The stored bytes do not hash to what the row says."""

    code = "files.damaged"

    def __init__(self, number: int) -> None:
        super().__init__(f"文件 {number} 的内容与登记的校验值不符。请从备份恢复，并核查存储目录。", number=number)


class ImageRefusedError(FilesError):
    """A photograph that cannot be taken."""

    code = "files.image"
    status = 400

    def __init__(self, problem: str) -> None:
        super().__init__(f"照片{problem}。请重新拍摄，或另存为 JPEG、PNG 后再上传。", problem=problem)
