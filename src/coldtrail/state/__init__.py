"""What people decide and what must be remembered: relational, small, changed in place. Telemetry is in `store`.

SQLite in the data folder by default, PostgreSQL where several processes share it. One module per word, each with its tables
and the functions that read and write them; every table is made by a migration in `migrations/versions/`.
"""

from coldtrail.state.database import BadState, Database, open_database

__all__ = ["BadState", "Database", "open_database"]
