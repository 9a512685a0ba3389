"""Investigations, what was looked at in them, and notes."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "investigations",
        sa.Column("id", sa.String(16), primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("name", "state", "began", "ground", "by")),
        *(
            sa.Column(name, sa.BigInteger, nullable=False)
            for name in ("since_ns", "until_ns", "created_ns", "changed_ns")
        ),
    )
    op.create_index("investigations_by_change", "investigations", ["state", "changed_ns"])
    op.create_table(
        "investigation_entries",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("investigation", sa.String(16), nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("kind", "by", "text", "link")),
        sa.Column("time_ns", sa.BigInteger, nullable=False),
    )
    op.create_index("investigation_entries_by_investigation", "investigation_entries", ["investigation", "id"])
