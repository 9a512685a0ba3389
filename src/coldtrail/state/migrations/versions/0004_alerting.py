"""Alerts: where each stands, what happened, what is to be told and was told, and who is the one that tells."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "alert_states",
        sa.Column("alert", sa.String(63), primary_key=True),
        sa.Column("group", sa.String(512), primary_key=True),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("phase", sa.String(16), nullable=False),
        sa.Column("state", sa.Text, nullable=False),
    )
    op.create_table(
        "alert_events",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("alert", sa.String(63), nullable=False),
        sa.Column("group", sa.String(512), nullable=False),
        sa.Column("time_ns", sa.BigInteger, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
    )
    op.create_index("alert_events_by_alert", "alert_events", ["alert", "time_ns"])
    op.create_table(
        "notifications",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("message_id", sa.String(32), nullable=False, unique=True),
        sa.Column("alert", sa.String(63), nullable=False),
        sa.Column("dedup_key", sa.String(32), nullable=False),
        sa.Column("route", sa.String(63), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("created_ns", "next_ns", "sent_ns")),
        sa.Column("error", sa.Text, nullable=False),
    )
    op.create_index("notifications_waiting", "notifications", ["status", "id"])
    op.create_index("notifications_by_alert", "notifications", ["alert", "id"])
    op.create_table(
        "leases",
        sa.Column("name", sa.String(63), primary_key=True),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("until_ns", sa.BigInteger, nullable=False),
    )
