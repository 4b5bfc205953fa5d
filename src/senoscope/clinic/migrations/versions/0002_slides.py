"""How far a slide is, and what it comes to."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision: str | None = "0001"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Add both columns."""
    op.add_column("predictions", sa.Column("work", sa.JSON))
    op.add_column("predictions", sa.Column("slide", sa.JSON))


def downgrade() -> None:
    """Drop both columns."""
    with op.batch_alter_table("predictions") as table:
        table.drop_column("slide")
        table.drop_column("work")
