"""What a column is about, by the words that stand over it."""

import pytest

from collector.sheets.fields import KINDS, LINES, Field, Kind
from collector.sheets.headers import fields_of

BOTH = ["contracted_download_bits_per_second", "contracted_upload_bits_per_second"]


@pytest.mark.parametrize(
    "header,names",
    [
        ("Nhà mạng", ["carrier"]),
        ("NHA MANG", ["carrier"]),
        ("Đơn vị cung cấp dịch vụ", ["carrier"]),
        ("ISP", ["carrier"]),
        ("Địa điểm lắp đặt", ["site_name"]),
        ("Đơn vị", ["site_name"]),
        ("Loại địa điểm", ["site_kind"]),
        ("Type of site", ["site_kind"]),
        ("Gói cước (tên)", ["plan"]),
        ("Số HĐ", ["contract_number"]),
        ("Ngày ký HĐ:", []),
        ("Áp dụng từ ngày", ["since"]),
        ("Carrier\nNhà mạng", ["carrier"]),
        ("Tốc độ", BOTH),
        ("Tốc độ hợp đồng (download/upload)", BOTH),
        ("Băng thông", BOTH),
        ("Toc do tai xuong (Mbps)", BOTH[:1]),
        ("Download", BOTH[:1]),
        ("Tải lên theo hợp đồng", BOTH[1:]),
        ("Vd", ["declared_download_bits_per_second"]),
        ("Tốc độ công bố tải lên", ["declared_upload_bits_per_second"]),
        (
            "Tốc độ cam kết tối thiểu",
            ["minimum_download_bits_per_second", "minimum_upload_bits_per_second"],
        ),
        ("Tốc độ thực tế", []),
        ("Tốc độ tải xuống (đo được)", []),
        ("Kết quả đo tải xuống", []),
        ("Băng thông quốc tế", []),
        ("Băng thông quốc tế tối thiểu", []),
        ("STT", []),
        ("Ghi chú", []),
        ("", []),
    ],
)
def test_a_header_is_known_by_its_words(header: str, names: list[str]) -> None:
    """What was measured, or is abroad, is no promise; what is not known is ignored."""
    assert [field.name for field in fields_of(header, LINES)] == names


@pytest.mark.parametrize(
    "kind,field",
    [(kind, field) for kind in KINDS for field in kind.fields],
    ids=lambda one: one.name,
)
def test_the_templates_headers_are_known(kind: Kind, field: Field) -> None:
    """In either language, and in both as they stand there."""
    for header in (
        field.vietnamese,
        field.english,
        f"{field.vietnamese}\n{field.english}",
        field.vietnamese.upper(),
    ):
        assert fields_of(header, kind) == (field,)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_no_header_means_two_things(kind: Kind) -> None:
    """The words of a kind's columns are each of one column."""
    words = [word for field in kind.fields for word in field.words.split(",") if word]
    assert len(words) == len(set(words))
    for field in kind.fields:
        for word in filter(None, field.words.split(",")):
            assert fields_of(word, kind) == (field,), word
