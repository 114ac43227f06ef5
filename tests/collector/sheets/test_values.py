"""Cells as clerks write them: speeds, days, words; what is none is a sentence."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.sheets import values

M = 10**6


@pytest.mark.parametrize(
    "written,meant",
    [
        (300, (300,)),
        (2.5, (2.5,)),
        ("300", (300,)),
        ("300 Mbps", (300,)),
        ("300Mb/s", (300,)),
        ("300 Mbit/giây", (300,)),
        ("300 MB", (300,)),
        ("1G", (1000,)),
        ("0,5 Gbps", (500,)),
        ("2.5 Gbps", (2500,)),
        ("1.000 Mbps", (1000,)),
        ("1,000", (1000,)),
        ("1 000 Mbps", (1000,)),
        ("300/300", (300, 300)),
        ("300/150 Mbps", (300, 150)),
        ("1.000/300", (1000, 300)),
        ("300 Mb/s / 150 Mb/s", (300, 150)),
        ("1G/500M", (1000, 500)),
        ("512 kbps", (0.512,)),
    ],
)
def test_a_speed_is_read_as_it_is_meant(written: str | float, meant: tuple[float, ...]) -> None:
    """A bare number is of Mbit/s; a point or a comma before three digits divides thousands."""
    assert values.read_speeds(written) == tuple(round(one * M) for one in meant)


@pytest.mark.parametrize(
    "read,written,sentence",
    [
        (values.read_speeds, "nhanh", "is no speed"),
        (values.read_speeds, "300/300/300", "is no speed"),
        (values.read_speeds, "300 MBaud", "is no speed"),
        (values.read_speeds, 300_000_000, "which no line is"),
        (values.read_speeds, 0, "which no line is"),
        (values.read_speeds, True, "is no speed"),
        (values.read_speeds, date(2026, 12, 12), "took it for a day"),
        (values.read_date, "31/02/2026", "is no day"),
        (values.read_date, "2026", "is no day"),
        (values.read_date, 7.5, "is no day"),
        (values.read_date, "01/01/1900", "is no day"),
        (values.read_text, datetime(2026, 5, 12), "format the cell as text"),  # noqa: DTZ001 - as a sheet has it
        (values.read_text, "a\x01b", "no letter"),
        (values.read_text, "x" * 501, "longer than 500"),
        (values.read_name, "nhà văn hóa", "cannot be a code"),
        (values.read_latitude, "20,9,1x", "is no number"),
        (values.read_latitude, "106,31", "latitude and longitude may have changed places"),
        (values.read_latitude, -90.5, "goes from -90 to 90"),
        (values.read_longitude, 200, "goes from -180 to 180"),
        (values.read_technology, "bồ câu", "is no technology"),
        (values.read_role, "khách", "is no role"),
        (values.read_site_kind, "sân bóng", "is no kind of site"),
        (values.read_email, "a@b", "no address of e-mail"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(
    read: Callable[[Any], Any], written: Any, sentence: str
) -> None:
    """Nothing is guessed, and nothing else than a sentence comes of it."""
    with pytest.raises(ValueError, match=sentence):
        read(written)


@pytest.mark.parametrize(
    "written",
    ["05/10/2026", "5/10/2026", "5-10-2026", "05.10.26", "2026-10-05", 46300, date(2026, 10, 5)],
)
def test_a_day_has_its_day_before_its_month(written: Any) -> None:
    """Texts, cells of days, and days whose cell lost its format are the same."""
    assert values.read_date(written) == date(2026, 10, 5)


@pytest.mark.parametrize(
    "written,meant",
    [
        ("FTTH", "fibre"),
        ("Cáp quang (GPON)", "fibre"),
        ("XGS-PON", "fibre"),
        ("cáp đồng trục", "cable"),
        ("Truyền hình cáp", "cable"),
        ("ADSL", "dsl"),
        ("Cáp đồng", "dsl"),
        ("Sim 4G/LTE", "4g"),
        ("5G", "5g"),
        ("Khác", "other"),
    ],
)
def test_technologies_have_many_names(written: str, meant: str) -> None:
    """With and without marks, in either language."""
    assert values.read_technology(written) == meant


@pytest.mark.parametrize(
    "written,meant",
    [
        ("Nhà văn hóa", "community_house"),
        ("NVH tổ dân phố", "community_house"),
        ("Trụ sở cơ quan", "office"),
        ("UBND phường", "office"),
        ("Trường tiểu học", "school"),
        ("Trạm Y tế", "health_station"),
        ("Thư viện", "other"),
        ("Community house", "community_house"),
    ],
)
def test_kinds_of_sites_have_many_names(written: str, meant: str) -> None:
    """As clerks call them."""
    assert values.read_site_kind(written) == meant


@pytest.mark.parametrize(
    "header,factor",
    [
        ("Tốc độ (Gbps)", 1000 * M),
        ("Tải xuống (Mb/s)", M),
        ("Download, kbit/s", 1000),
        ("Tốc độ", None),
        ("Mã số", None),
    ],
)
def test_a_header_says_what_its_numbers_are_of(header: str, factor: int | None) -> None:
    """Where it says nothing, nothing is known."""
    assert values.unit_of(header) == factor


@given(st.text(max_size=30) | st.floats() | st.integers() | st.booleans() | st.datetimes())
def test_any_cell_has_a_value_or_a_sentence(cell: Any) -> None:
    """Whatever stands in a cell, no reader fails in another way."""
    for read in (
        values.read_speeds,
        values.read_date,
        values.read_text,
        values.read_name,
        values.read_latitude,
        values.read_longitude,
        values.read_technology,
        values.read_site_kind,
        values.read_email,
    ):
        try:
            read(cell)
        except ValueError as error:
            assert str(error)  # noqa: PT017 - either is right, but nothing else
