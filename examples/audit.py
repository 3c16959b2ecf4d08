"""Read the audit log from Python: prove that it was not altered, and tell the newest round in a line an event."""

import asyncio
import os
from pathlib import Path

from wardround.middleware.store import Database
from wardround.middleware.store.audit_log import records_of, verify_all
from wardround.middleware.store.rounds import find


async def tell_newest(database: Database) -> None:
    """Print the newest round's events."""
    page = await find(database, limit=1)
    for found in page.rounds:
        print(f"{found.round_id}: {found.status}, {found.action}")
        for record in await records_of(database, found.round_id):
            print(f"  {record.seq:>6} {record.at:%H:%M:%S.%f} {record.kind:<9} {record.hash.hex()[:16]}")


url = os.environ.get("WARDROUND_DATABASE_URL")
database = Database.open(url=url, data_dir=None if url else Path("~/.local/share/wardround").expanduser())
try:
    problems = verify_all(database)
    print("the log is unaltered" if not problems else "\n".join(problem.message for problem in problems))
    asyncio.run(tell_newest(database))
finally:
    database.close()
