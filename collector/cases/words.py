"""Days, months and sizes as a Vietnamese letter writes them."""

from datetime import date
from typing import Final

from collector.domain.cases.deadlines import Deadline, Standing

_KIBI: Final = 1024


def day_in_words(day: date) -> str:
    """Return a day: 05/10/2026."""
    return f"{day:%d/%m/%Y}"


def month_in_words(month: str) -> str:
    """Return a month that is written 2026-10: tháng 10/2026."""
    year, _, number = month.partition("-")
    return f"tháng {number}/{year}"


def left_in_words(deadline: Deadline) -> str:
    """Return how many working days are left, or since when it is over."""
    days = abs(deadline.left)
    if deadline.standing is Standing.OVER:
        return f"đã quá hạn {days} ngày làm việc" if days else "vừa quá hạn"
    return f"còn {days} ngày làm việc" if days else "hết hạn hôm nay"


def size_in_words(size_bytes: int) -> str:
    """Return a file's size."""
    if size_bytes < _KIBI**2:
        return f"{max(1, round(size_bytes / _KIBI))} kB"
    return f"{size_bytes / _KIBI**2:.1f} MB".replace(".", ",")
