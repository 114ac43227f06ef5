"""`linewatch registry import|template|export` with a list, as a person types it."""

import json
from pathlib import Path
from typing import Any

import pytest

from protocol.errors import LinewatchError
from tests.collector.commands.support import Registry
from tests.collector.sheets.books import book_of, ugly

HEADER = ("Mã đường truyền", "Điểm đo", "Nhà mạng", "Công nghệ", "Gói cước", "Tốc độ", "Từ ngày")


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """Return a registry with one carrier, one site and one line."""
    return Registry(tmp_path).filled()


def everything(registry: Registry) -> list[Any]:
    """Return all that lists can change."""
    kinds = ("carrier", "ward", "person", "site", "line")
    rows = [registry.json(kind, "list") for kind in kinds]
    return [*rows, *(registry.json("line", "history", row["id"], "--all") for row in rows[-1])]


def test_nothing_is_stored_until_it_is_told_to(registry: Registry, tmp_path: Path) -> None:
    """What is shown first is what is done then; a third time there is nothing to do."""
    path = str(ugly(tmp_path / "danh-sach.xlsx"))
    before = everything(registry)
    shown = registry.run("registry", "import", path).stdout
    assert "B Địa điểm → site name" in shown
    assert "ignored: A 'STT', K 'Ghi chú'" in shown
    assert "passed over: Danh sách!A12 'Tổng cộng'" in shown
    assert "contracted download: 300 Mbit/s" in shown
    assert "lines: 3 added" in shown
    assert shown.endswith("nothing is stored yet: run it again with --apply\n")
    assert everything(registry) == before
    done = registry.run("registry", "import", path, "--apply", "--ward", "Thạch Khôi").stdout
    assert "lines: 3 added" in done
    assert done.endswith("stored\n")
    stored = everything(registry)
    assert len(stored) > len(before)
    again = registry.run("registry", "import", path, "--apply").stdout
    assert "lines: 3 unchanged" in again
    assert again.endswith("nothing to change\n")
    assert everything(registry) == stored


def test_one_cell_that_does_not_fit_keeps_all_rows_out(registry: Registry, tmp_path: Path) -> None:
    """The others are good, and are not stored either; machines read which cell it is."""
    good = ("l2", "Nhà 2", "VNPT", "FTTH", "P", 300)
    path = str(
        book_of(tmp_path / "a.xlsx", HEADER, good, ("l3", "Nhà 3", "VNPT", "FTTH", "P", "mau"))
    )
    before = everything(registry)
    with pytest.raises(LinewatchError, match="1 cells do not fit: nothing is stored") as caught:
        registry.run("registry", "import", path, "--apply")
    assert caught.value.exit_code == 2
    assert everything(registry) == before


def test_machines_are_told_the_same(registry: Registry, tmp_path: Path) -> None:
    """Columns, changes from and to, and days."""
    row = ("l1", None, None, None, "Home 500", "500/500", "05/10/2026")
    path = str(book_of(tmp_path / "a.xlsx", HEADER, row))
    told = registry.json("registry", "import", path, "--apply")
    assert told["applied"] is True
    assert told["sheets"][0]["columns"][4]["fields"] == ["plan"]
    (terms,) = (change for change in told["changes"] if change["table"] == "terms")
    assert terms["fields"]["plan"] == {"from": None, "to": "Home 500"}
    assert (terms["valid_from"], terms["place"]) == ("2026-10-05", "S!A2")
    assert told["errors"] == []
    days = [(row["from"], row["until"]) for row in registry.json("line", "history", "l1")]
    assert days == [(None, "2026-10-04"), ("2026-10-05", None)]


def test_a_changed_plan_gets_its_day_from_the_command(registry: Registry, tmp_path: Path) -> None:
    """Without one the row is refused with its cell; with --since it is taken, and once only."""
    path = tmp_path / "a.csv"
    path.write_text("Mã đường truyền;Tốc độ\nl1;200/200\n", encoding="utf-8-sig")
    path.write_text("Mã đường truyền;Nhà mạng;Điểm đo;Tốc độ\nl1;;Nhà văn hóa 1;200/200\n")
    with pytest.raises(LinewatchError, match="1 cells do not fit"):
        registry.run("registry", "import", str(path), "--apply")
    registry.run("registry", "import", str(path), "--since", "1/10/2026", "--apply")
    again = registry.run("registry", "import", str(path), "--since", "1/10/2026", "--apply")
    assert again.stdout.endswith("nothing to change\n")
    assert len(registry.json("line", "history", "l1")) == 2


def test_a_template_filled_with_the_registry_changes_nothing(
    registry: Registry, tmp_path: Path
) -> None:
    """It is for its owner alone, and never written over a file that is there."""
    path = tmp_path / "ds.xlsx"
    registry.run("registry", "template", str(path), "--filled")
    assert path.stat().st_mode & 0o777 == 0o600
    assert registry.run("registry", "import", str(path)).stdout.endswith("nothing to change\n")
    with pytest.raises(LinewatchError, match="File exists"):
        registry.run("registry", "template", str(path))
    with pytest.raises(LinewatchError, match=r"ends in \.xlsx"):
        registry.run("registry", "template", str(tmp_path / "ds.csv"))


def test_an_exported_registry_is_imported_elsewhere(registry: Registry, tmp_path: Path) -> None:
    """As JSON, which stores nothing without --apply either."""
    registry.run("ward", "add", "tk", "--name", "Phường Thạch Khôi", "--letter-code", "UBND-VHXH")
    registry.run("person", "add", "an", "--ward", "tk", "--role", "signer", "--name", "An")
    path = tmp_path / "registry.json"
    registry.run("registry", "export", str(path))
    assert path.stat().st_mode & 0o777 == 0o600
    (tmp_path / "other").mkdir()
    other = Registry(tmp_path / "other")
    said = other.run("registry", "import", str(path)).stdout
    assert "lines: 1 added" in said
    assert said.endswith("run it again with --apply\n")
    assert other.json("line", "list") == []
    assert other.json("registry", "import", str(path), "--apply")["applied"] is True
    other.run("registry", "export", str(tmp_path / "again.json"))
    assert json.loads((tmp_path / "again.json").read_text()) == json.loads(path.read_text())
    with pytest.raises(LinewatchError, match=r"are for lists, not for \.json"):
        other.run("registry", "import", str(path), "--ward", "x")
