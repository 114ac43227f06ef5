"""Waits until nobody reads a month any more, before it is taken out."""

import time
from datetime import datetime
from functools import partial
from typing import Final

import click

from collector.ledger.database import Database
from collector.ledger.months import holders

_LOOK_SECONDS: Final = 0.5


def wait_for_readers(database: Database, month: datetime) -> None:
    """Wait until nobody has been reading a month for a while, and say who does.

    Ends with Ctrl-C at the latest. Nobody has to wait for this.

    Raises:
        LedgerError: the ledger does not answer.
    """
    told: set[int] = set()
    while found := database.read_now(partial(holders, start=month)):
        for one in found:
            if one.process not in told:
                click.secho(f"waiting until it is read no longer: {one}", fg="yellow", err=True)
                told.add(one.process)
        time.sleep(_LOOK_SECONDS)
