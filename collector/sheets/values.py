"""What a cell says: speeds, days, names and words, as clerks write them.

Each reader takes a cell's value and returns what is stored, or raises `CellError` with a sentence
that says what to write instead.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Final

from collector.domain.days import read_day
from collector.domain.words import clean, fold, plain
from collector.ledger.registry import NAME_FORM
from collector.sheets.grid import Value

MEGABIT: Final = 10**6
"""What a bare number is of: lists of lines are in Mbit/s unless their header says otherwise."""

_MOST_BITS_PER_SECOND: Final = 100 * 10**9
_LEAST_BITS_PER_SECOND: Final = 64_000

_LONGEST_TEXT: Final = 500

_FACTORS: Final = {"k": 10**3, "m": 10**6, "g": 10**9}
_UNIT: Final = r"(?P<factor>[kmg])(?:ega|iga)?(?:b(?:it|its)?)?(?:ps)?"
_SPEED: Final = re.compile(rf"(?P<number>[\d.,' ]*\d)\s*(?:{_UNIT})?")
_PER_SECOND: Final = re.compile(r"/\s*(?:s|sec|giay)\b")
_UNIT_IN_HEADER: Final = re.compile(
    r"\b([kmg])(?:ega|iga)?\s*b(?:it|its)?\s*(?:ps|/?\s*s|/?\s*giay)\b"
)

_FIRST_SERIAL: Final = 32874
_LAST_SERIAL: Final = 73050
"""Excel's numbers of 1990-01-01 and 2099-12-31."""

_TECHNOLOGIES: Final = (
    (r"4g|lte", "4g"),
    (r"5g", "5g"),
    (r"dong truc|truyen hinh cap|docsis|hfc|cable|coax", "cable"),
    (r"[axv]*dsl|cap dong|dien thoai", "dsl"),
    (r"ftth|ftto|fttx|fttb|x?gs? ?pon|xgspon|cap quang|quang|fibre|fiber|optical", "fibre"),
    (r"khac|other|ve tinh|satellite|kenh thue rieng|leased line|vien thong khac", "other"),
)

_SITE_KINDS: Final = (
    (r"nha van hoa|nvh|nha sinh hoat|sinh hoat cong dong|community house", "community_house"),
    (r"truong|mam non|tieu hoc|trung hoc|thcs|thpt|school", "school"),
    (r"tram y te|y te|benh vien|phong kham|health station|health", "health_station"),
    (r"tru so|co quan|van phong|ubnd|uy ban|office", "office"),
    (r"khac|thu vien|buu dien|other", "other"),
)

_ROLES: Final = (
    (r"nguoi ky|lanh dao|signer|chu tich|pho chu tich", "signer"),
    (r"van thu|can bo|chuyen vien|cong chuc|nguoi soan|clerk", "clerk"),
    (r"ky thuat|ky thuat vien|technician", "technician"),
)


class CellError(ValueError):
    """A cell does not say what its column is about; the sentence says what to write."""


def read_text(value: Value) -> str:
    """Return a text; a number without the decimals that a sheet adds."""
    if isinstance(value, bool | date):
        raise CellError("the sheet took it for a day or a yes: format the cell as text")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = clean(str(value))
    if len(text) > _LONGEST_TEXT:
        raise CellError(f"is longer than {_LONGEST_TEXT} letters")
    if any(ord(letter) < ord(" ") for letter in text):
        raise CellError("has a sign in it that is no letter")
    return text


def read_name(value: Value) -> str:
    """Return a name of the registry, such as nvh-to-1."""
    text = read_text(value)
    if not NAME_FORM.fullmatch(text):
        raise CellError(
            f"'{text}' cannot be a code: letters A-Z and a-z without marks, digits, dot, dash and "
            "underscore, at most 64 (nvh-to-1)"
        )
    return text


def read_number(value: Value) -> float:
    """Return a number that may be a text: 20,9 and 20.9, 1.000 and 1,000."""
    if isinstance(value, bool | date):
        raise CellError("the sheet took it for a day or a yes: write it as a number")
    if isinstance(value, int | float):
        return float(value)
    text = re.sub(r"[\s']", "", value)
    if not re.fullmatch(r"[+-]?\d[\d.,]*", text):
        raise CellError(f"'{clean(value)}' is no number")
    points, commas = text.count("."), text.count(",")
    if points and commas:
        # The last of the two begins the decimals.
        decimal = max(".,", key=text.rfind)
        return float(text.replace(".,"[decimal == "."], "").replace(decimal, "."))
    sign = "." if points else ","
    if points + commas > 1:
        return float(text.replace(sign, ""))
    whole, _, rest = text.partition(sign)
    # 1.000 and 1,000 are a thousand, as in prices; 0,125 and 20.9 are not.
    is_thousands = len(rest) == len("000") and whole.lstrip("+-") not in ("", "0")
    return float(whole + ("" if is_thousands else ".") + rest) if rest else float(whole)


def read_latitude(value: Value) -> float:
    """Return degrees north, whose comma or point begins decimals always."""
    return _degrees(value, 90)


def read_longitude(value: Value) -> float:
    """Return degrees east, likewise."""
    return _degrees(value, 180)


def _degrees(value: Value, most: int) -> float:
    found = _decimal(value)
    if not abs(found) <= most:
        raise CellError(
            f"{found:g} is no place on earth: this column goes from -{most} to {most}; latitude "
            "and longitude may have changed places"
        )
    return found


def _decimal(value: Value) -> float:
    if isinstance(value, str) and value.count(",") + value.count(".") == 1:
        try:
            return float(value.strip().replace(",", "."))
        except ValueError:
            raise CellError(f"'{clean(value)}' is no number of degrees") from None
    return read_number(value)


def read_speeds(value: Value, factor: int = MEGABIT) -> tuple[int, ...]:
    """Return a speed, or download and upload of 300/150, in bits per second.

    Args:
        value: of the cell.
        factor: what a number without a unit is of, by its column's header.
    """
    if isinstance(value, date):
        raise CellError("the sheet took it for a day: write 12 Mbps, or format the cell as text")
    if isinstance(value, bool):
        raise CellError("is no speed: write 300 Mbps")
    if isinstance(value, int | float):
        return (_believed(value, float(value) * factor),)
    text = _PER_SECOND.sub("ps", plain(clean(value)))
    parts = [_SPEED.fullmatch(part.strip()) for part in re.split(r"[/\\]", text)]
    if len(parts) > len(("down", "up")) or not all(parts):
        raise CellError(f"'{clean(value)}' is no speed: write 300 Mbps, 1 Gbps or 300/150")
    found = [part for part in parts if part]
    # Of 300/150 Mbps the unit is of both.
    usual = found[-1]["factor"]
    return tuple(
        _believed(value, read_number(one["number"]) * _factor(one["factor"] or usual, factor))
        for one in found
    )


def _factor(unit: str | None, factor: int) -> int:
    return _FACTORS[unit] if unit else factor


def _believed(value: Value, bits_per_second: float) -> int:
    if not _LEAST_BITS_PER_SECOND <= bits_per_second <= _MOST_BITS_PER_SECOND:
        raise CellError(
            f"'{value}' would be {bits_per_second / MEGABIT:,.6g} Mbit/s, which no line is: write "
            "the unit with it, as 300 Mbps or 1 Gbps"
        )
    return round(bits_per_second)


def unit_of(header: str) -> int | None:
    """Return what a header says its numbers are of, in bit/s: 'Tải xuống (Gbps)'; None: nothing."""
    found = _UNIT_IN_HEADER.search(plain(header))
    return _FACTORS[found[1]] if found else None


def read_date(value: Value) -> date:
    """Return a day: a cell's, or a text with the day before the month."""
    if isinstance(value, datetime):
        value = value.date()
    if isinstance(value, date):
        return read_day(value.isoformat())
    if isinstance(value, int | float) and not isinstance(value, bool):
        if _FIRST_SERIAL <= value <= _LAST_SERIAL and value == int(value):
            # A day whose cell lost its format: days since 1899-12-30.
            return date(1899, 12, 30) + timedelta(int(value))
        raise CellError(f"'{value}' is no day: write 05/10/2026")
    return read_day(clean(str(value)))


def read_technology(value: Value) -> str:
    """Return the technology that a word stands for: 'cáp quang', FTTH, 4G."""
    return _word(value, _TECHNOLOGIES, "technology: cáp quang (FTTH), cáp đồng, ADSL, 4G, 5G, khác")


def read_site_kind(value: Value) -> str:
    """Return what a site is: 'nhà văn hóa', 'trụ sở'."""
    what = "kind of site: nhà văn hóa, trụ sở, trường học, trạm y tế, khác"
    return _word(value, _SITE_KINDS, what)


def read_role(value: Value) -> str:
    """Return what a person does for a ward."""
    return _word(value, _ROLES, "role: người ký, văn thư or kỹ thuật")


def _word(value: Value, words: tuple[tuple[str, str], ...], what: str) -> str:
    text = fold(read_text(value))
    for pattern, meant in words:
        if re.search(rf"\b(?:{pattern})\b", text):
            return meant
    raise CellError(f"'{read_text(value)}' is no {what}")


def read_email(value: Value) -> str:
    """Return an address of e-mail."""
    text = read_text(value)
    if not re.fullmatch(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;]+", text):
        raise CellError(f"'{text}' is no address of e-mail")
    return text


def same_words(one: str | None, other: str | None) -> bool:
    """Return whether two names are the same but for marks, signs and spaces."""
    return one is not None and other is not None and fold(one) == fold(other)


def shown(value: object) -> str:
    """Return a value of a field for people."""
    return value.isoformat() if isinstance(value, date) else str(value)


Values = Mapping[str, object]
"""What a row says, by its fields."""
