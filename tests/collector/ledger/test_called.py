"""Whom somebody means who names a ward or a carrier."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from collector.errors import RegistryError
from collector.ledger.called import find_carrier, find_ward
from collector.ledger.database import Database
from collector.settings import LedgerSettings
from tests.collector.commands.support import Registry


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """Return a registry with two carriers, a registered ward and others that sites name."""
    made = Registry(tmp_path).filled()
    made.run("carrier", "add", "fpt", "--name", "FPT Telecom")
    # Before its ward is registered a site names it as it was typed.
    made.run("site", "add", "nvh-3", "--name", "Nhà văn hóa 3", "--ward", "PHƯỜNG AN BÌNH")
    made.run("ward", "add", "an-binh", "--name", "Phường An Bình")
    made.run("site", "add", "nvh-2", "--name", "Nhà văn hóa 2", "--ward", "an-binh")
    return made


@pytest.fixture
def connection(registry: Registry) -> Iterator[Connection]:
    """Yield a connection to its ledger."""
    opened = Database(LedgerSettings(path=registry.ledger))
    with contextlib.closing(opened) as database, database.write() as connected:
        yield connected


@pytest.mark.parametrize(
    "wanted, name",
    [
        ("Phường Thạch Khôi", "Phường Thạch Khôi"),
        ("phuong thach KHOI", "Phường Thạch Khôi"),
        ("an-binh", "Phường An Bình"),
        ("An-Binh", "Phường An Bình"),
        ("PHƯỜNG AN BÌNH", "PHƯỜNG AN BÌNH"),
    ],
)
def test_a_ward_is_found_however_it_is_written(
    connection: Connection, wanted: str, name: str
) -> None:
    """By its id or its name; to the letter goes before otherwise."""
    assert find_ward(connection, wanted) == name


@pytest.mark.parametrize("wanted", ["Tân Hưng", "phuong an binh", "–"])
def test_a_ward_that_may_be_none_or_several_is_refused(connection: Connection, wanted: str) -> None:
    """With those that there are."""
    sentence = f"no site is in ward '{wanted}'; wards with sites are 'PHƯỜNG AN BÌNH', 'P"
    with pytest.raises(RegistryError, match=sentence):
        find_ward(connection, wanted)


@pytest.mark.parametrize("said", ["an-binh", "phuong an binh", "Phường  An Bình"])
def test_a_site_names_its_ward_as_it_is_registered(registry: Registry, said: str) -> None:
    """By its id or name; else a ward's letters would have half of its sites. Also when mended."""
    registry.run("site", "add", "nvh-4", "--name", "Nhà văn hóa 4", "--ward", said)
    registry.run("site", "set", "nvh-3", "--ward", said)
    wards = {row["id"]: row["ward"] for row in registry.json("site", "list")}
    assert wards["nvh-4"] == wards["nvh-3"] == "Phường An Bình"


def test_a_ward_that_is_not_registered_is_named_as_it_was_typed(registry: Registry) -> None:
    """Its spelling can be mended: nothing is known to be right."""
    for said, stored in (("tan hung", "tan hung"), (" Phường  Tân Hưng", "Phường Tân Hưng")):
        registry.run("site", "set", "nvh-3", "--ward", said)
        wards = {row["id"]: row["ward"] for row in registry.json("site", "list")}
        assert wards["nvh-3"] == stored


@pytest.mark.parametrize("wanted", ["vnpt", "VNPT", "VNPT Hải Phòng", "vnpt hai phong"])
def test_a_carrier_is_found_however_it_is_written(connection: Connection, wanted: str) -> None:
    """Its id comes back; one that is not there is refused with those that are."""
    assert find_carrier(connection, wanted) == "vnpt"
    with pytest.raises(RegistryError, match="there is no carrier 'cmc'; known are 'fpt', 'vnpt'"):
        find_carrier(connection, "cmc")


def test_a_months_report_takes_what_a_years_takes(registry: Registry, tmp_path: Path) -> None:
    """A ward by its id and a carrier in capitals; the summary has the ward's name."""
    registry.run(
        *["line", "add", "l2", "--site", "nvh-2", "--carrier", "fpt", "--technology", "fibre"]
    )
    words = ("--out", str(tmp_path / "out"), "--ward", "AN-BINH", "--carrier", "fpt telecom")
    told = registry.json("report", "monthly", "--month", "2026-01", *words, "--evidence", "none")
    assert [one["carrier"] for one in told] == ["fpt"]
    summary = (tmp_path / "out" / "2026-01" / "fpt" / "summary.json").read_text()
    assert '"ward": "Phường An Bình"' in summary
