"""Errors of starting up. All are shown to the operator as they are.

StartUpError
├── PostgresMissingError    no PostgreSQL >= 15 anywhere
├── PostgresVersionError    the data folder belongs to another major version
├── PostgresStartError      it is there but does not start
├── MigrationBusyError      tables that are to change are in use
└── BackupError             a backup cannot be made, is not whole, or cannot be brought back
"""

from __future__ import annotations


class StartUpError(Exception):
    """Start-up cannot go on. `str()` says in Chinese what is wrong and what to do."""

    code = "start_up"


class PostgresMissingError(StartUpError):
    """No PostgreSQL of version 15 or later was found."""

    code = "postgres_missing"

    def __init__(self) -> None:
        super().__init__(
            "没有找到 PostgreSQL 15 或更高版本。请任选一种办法：\n"
            "  1. 以 root 运行 apt-get install -y postgresql（只用其程序，不用系统服务）；\n"
            "  2. 运行 .venv/bin/python -m pip install --require-hashes -r requirements-postgres.lock；\n"
            "  3. 设置环境变量 DATABASE_URL，指向已有的数据库服务器。"
        )


class PostgresVersionError(StartUpError):
    """A data folder opens only with the major version that made it."""

    code = "postgres_version"

    def __init__(self, data: str, major: int) -> None:
        super().__init__(
            f"数据目录 {data} 由 PostgreSQL {major} 建立，但本机没有这个版本的程序。"
            f"请安装 PostgreSQL {major}，或先用旧版本导出数据，再换目录导入。"
        )
        self.fields = {"data": data, "major": major}


class PostgresStartError(StartUpError):
    """The server is installed but does not come up."""

    code = "postgres_start"

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}。{remedy}")
        self.fields = {"problem": problem, "remedy": remedy}


class MigrationBusyError(StartUpError):
    """A change of tables found them in use at every try. What was not done is as it was; what was done before stays."""

    code = "migration_busy"

    def __init__(self) -> None:
        super().__init__(
            "要升级的数据表正被使用（可能有发放计算、核查或导出在运行），没有升级。"
            "请等后台作业做完，或先停止网页服务和后台任务（tuodi serve、tuodi worker），再运行 tuodi migrate。"
        )


class BackupError(StartUpError):
    """A backup cannot be made, is not whole, or cannot be brought back. Nothing was changed."""

    code = "backup"

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}。{remedy}")
        self.fields = {"problem": problem, "remedy": remedy}
