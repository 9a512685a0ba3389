"""One list of all tables, which each module adds its own to."""

from sqlalchemy import MetaData

TABLES = MetaData()
