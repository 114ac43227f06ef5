"""What the application carries for its handlers: ``request.app[keys.DATABASE]`` and so on."""

from collections.abc import Callable
from datetime import datetime

from aiohttp import web

from collector.api.refusals import RefusalBook
from collector.ingest.checking import Checkers
from collector.ledger.database import Database
from collector.ledger.writer import Writer
from collector.settings import CollectorSettings

SETTINGS = web.AppKey("settings", CollectorSettings)
DATABASE = web.AppKey("database", Database)
"""For reading: ``await request.app[DATABASE].read(query)``."""

WRITER = web.AppKey("writer", Writer)
"""For writing: ``await request.app[WRITER].run(job)``."""

NOW: web.AppKey[Callable[[], datetime]] = web.AppKey("now")
"""The clock: aware, UTC."""

REFUSALS = web.AppKey("refusals", RefusalBook)
"""Counts what is refused."""

CHECKERS = web.AppKey("checkers", Checkers)
"""Check batches: ``await request.app[CHECKERS].check(body, probe, key)``."""
