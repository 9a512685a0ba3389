"""The schema's history, run by alembic. A revision that was released is never changed; what changes is a new one."""
