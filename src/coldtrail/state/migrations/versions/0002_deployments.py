"""Deployments, as pipelines announce them."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "deployments",
        sa.Column("id", sa.String(64), primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("application", "version", "environment", "status")),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("commit", "url", "services", "configuration")),
        sa.Column("unplanned", sa.Boolean, nullable=False),
        sa.Column("time_ns", sa.BigInteger, nullable=False),
        sa.Column("committed_ns", sa.BigInteger, nullable=True),
        sa.Column("restored_ns", sa.BigInteger, nullable=True),
    )
    op.create_index("deployments_by_time", "deployments", ["time_ns"])
