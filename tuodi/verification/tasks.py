"""Jobs of the room. Each may run twice and does its work once."""

from __future__ import annotations

from procrastinate.contrib.django import app

from tuodi.verification import register_imports

__all__ = ["import_received", "purge_registers"]


@app.task(name="verification.import_received", queueing_lock=None)
def import_received(number: int) -> int:
    """Imports an uploaded delivery."""
    return register_imports.resume_imports(number)


@app.periodic(cron="*/10 * * * *")
@app.task(name="verification.resume_imports", queueing_lock="verification.resume_imports", pass_context=False)
def resume_imports(timestamp: int) -> int:
    """Takes up deliveries whose worker died."""
    return register_imports.resume_imports()


@app.periodic(cron="20 2 * * *")
@app.task(name="verification.purge_registers", queueing_lock="verification.purge_registers", pass_context=False)
def purge_registers(timestamp: int) -> int:
    """Destroys registers past their retention date."""
    return register_imports.purge_expired()
