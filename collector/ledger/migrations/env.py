"""What Alembic runs: the steps, on the connection that `collector.ledger.migrate` hands over."""

from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from collector.ledger.schema import Moment, metadata


def _render(kind: str, item: object, autogenerating: AutogenContext) -> str | Literal[False]:
    """Write a moment as what it is stored as: a step must not depend on the program's types."""
    del autogenerating
    return "sa.BigInteger()" if kind == "type" and isinstance(item, Moment) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite changes a table by making it anew; harmless where the database can do better.
    render_as_batch=True,
    compare_type=True,
    render_item=_render,
)
context.run_migrations()
