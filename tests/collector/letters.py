"""What letters need, in the registry of `tests.collector.conftest.fill_registry`; nobody's data."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from collector.ledger import registry, schema

PERSON: Final = {
    "id": "nguoi-ky",
    "ward_id": "thach-khoi",
    "role": "signer",
    "name": "Nguyễn Thị Không-Có-Thật",
    "title": "PHÓ CHỦ TỊCH THỬ",
    "signs_for": "TM. ỦY BAN THỬ; KT. CHỦ TỊCH THỬ",
    "telephone": "0900-111-222",
    "email": "nguoi.ky@phuong.example",
}
CARRIER: Final = {
    "legal_name": "Công ty Thử Nghiệm",
    "complaint_email": "khieunai@mang.example",
    "postal_address": "Số 9 phố Không Có",
    "telephone": "0225-333-444",
}
WARD: Final = {
    "id": "thach-khoi",
    "name": "Thạch Khôi",
    "superior": "ỦY BAN THÀNH PHỐ THỬ",
    "authority": "ỦY BAN PHƯỜNG THỬ",
    "place": "Thạch Khôi",
    "letter_code": "UBND-VHXH",
}
NOT_FOR_ALL: Final = {"contract_number": "HĐ-BÍ-MẬT-77", "payer": "Hộ ông Không-Có-Ai"}
"""Of a line's terms."""


def fill_letters(connection: Connection, now: datetime) -> None:
    """Register a ward's letterhead, a person of it, and how to write to the carrier."""
    registry.add(connection, schema.wards, WARD, now)
    registry.add(connection, schema.persons, PERSON, now)
    registry.change(connection, schema.carriers, "vnpt", CARRIER)


def private_words() -> set[str]:
    """Return what no page, answer, metric or log may have in it."""
    values: list[Any] = [*PERSON.values(), *CARRIER.values(), *NOT_FOR_ALL.values()]
    return {str(value) for value in values} - {"signer", "thach-khoi"}
