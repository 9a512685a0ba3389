"""What people define: dashboards, workflows, objectives, alerts and where they go."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "definitions",
        sa.Column("kind", sa.String(32), primary_key=True),
        sa.Column("name", sa.String(63), primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("spec", "by", "source")),
        sa.Column("changed_ns", sa.BigInteger, nullable=False),
    )
