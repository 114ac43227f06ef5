"""The page: in both languages, on the terminal, as text, as JSON, to print."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from probe.acceptance import words
from probe.acceptance.acceptance import Acceptance
from probe.acceptance.ceiling import Limit
from probe.acceptance.contract import Contract
from probe.acceptance.finding import Both, Finding, Language, Result
from probe.acceptance.show import as_dict, as_html, as_text

GOOD = Acceptance(
    at=datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC),
    seconds=51.7,
    probe="nvh-to-1",
    site="Nhà văn hóa tổ 1",
    model="Raspberry Pi 4 Model B Rev 1.4",
    serial="10000000a1b2c3d4",
    interface="eth0",
    server="http://192.168.1.10:8080",
    contract=None,
    findings=tuple(Finding(each, Result.OK, Both("Tốt.", "Good.")) for each in words.CHECKS),
    download=Limit(850_000_000, "link"),
    upload=Limit(1_234_000_000, "cpu"),
)
CUT = Finding(
    "cable", Result.MEND, Both("<b>đứt</b>", "<b>cut</b>"), Both("Thay dây.", "Change it.")
)
BAD = replace(GOOD, findings=(CUT, *GOOD.findings[2:]))


@pytest.mark.parametrize(
    "language,sentence",
    [
        ("vi", "Chứng nhận đo được đến 850 Mbit/s chiều xuống, 1.234 Mbit/s chiều lên."),
        ("en", "Certifies up to 850 Mbit/s down, 1,234 Mbit/s up."),
    ],
)
def test_a_good_page_ends_with_what_is_certified(language: Language, sentence: str) -> None:
    """Date, probe, site, device, path and every check stand above the sentence."""
    html, text = (page(GOOD, language, saved=True) for page in (as_html, as_text))
    for page in (html.replace("\N{NO-BREAK SPACE}", " "), text):
        assert sentence in page
        for part in (
            "21",
            "nvh-to-1",
            "Nhà văn hóa tổ 1",
            "Raspberry Pi 4",
            "10000000a1b2c3d4",
            "eth0",
        ):
            assert part in page
        for check in words.CHECKS.values():
            assert check.of(language) in page
    assert f'lang="{language}"' in html


def test_a_bad_page_lists_what_to_mend_and_certifies_nothing() -> None:
    """No rate is named where a check has to be mended first, and nothing can be kept."""
    html, text = (page(BAD, "vi", saved=None) for page in (as_html, as_text))
    for page in (html, text):
        assert words.MEND_FIRST.vi in page
        assert "Thay dây." in page
        assert "Chứng nhận đo được" not in page
    assert BAD.ceiling is None
    found = as_dict(BAD, "vi", saved=None)
    assert (found["certified"], found["ceiling"], found["to_mend"]) == (False, {}, ["cable"])


ENOUGH = "certified 850: enough", "certified 1,234: enough"
"""What a page says of a contract that the certificate covers."""


@pytest.mark.parametrize(
    "contract,below,said",
    [
        ("850/1234", (), ENOUGH),
        ("851/1234", ("download",), ("certified 850: too little", ENOUGH[1])),
        ("300/1234.5", ("upload",), (ENOUGH[0], "certified 1,234: too little")),
        ("1000", ("download",), ("Contract down 1,000 Mbit/s, certified 850: too", ENOUGH[1])),
        ("1500/1500", ("download", "upload"), ("850: too little", "1,234: too little")),
    ],
)
def test_a_certificate_is_held_against_the_contract_in_each_direction(
    contract: str, below: tuple[str, ...], said: tuple[str, str]
) -> None:
    """The rates are certified all the same; page and JSON say in which direction the device is too
    weak to show whether the line keeps its contract.
    """
    done = replace(GOOD, contract=Contract.of(contract))
    assert done.below_contract == below
    text = as_text(done, "en", saved=True)
    for part in ("Certifies up to 850", *said):
        assert part in text
    found = as_dict(done, "en", saved=True)
    assert found["certified"]
    weak = [each for each, told in found["contract"].items() if not told["certified"]]
    assert tuple(weak) == below


def test_a_page_to_sign_has_the_signs_of_its_language() -> None:
    """Rates above 1000 and parts of a Mbit/s are not read as something else in either language."""
    done = replace(GOOD, contract=Contract.of("2125/1234.5"))
    vi, en = (as_text(done, language, saved=True) for language in ("vi", "en"))
    assert "2.125/1.234,5 Mbit/s" in vi
    assert "chiều xuống 2.125 Mbit/s, chứng nhận 850:" in vi
    assert "chiều lên 1.234,5 Mbit/s, chứng nhận 1.234:" in vi
    assert "2,125/1,234.5 Mbit/s" in en
    assert "up 1,234.5 Mbit/s, certified 1,234:" in en


def test_what_is_not_certified_covers_no_contract() -> None:
    """Where something is to be mended first, neither direction counts as certified, and nothing
    is said to be below.
    """
    done = replace(BAD, contract=Contract.of("1/1"))
    found = as_dict(done, "vi", saved=None)
    assert [each["certified"] for each in found["contract"].values()] == [False, False]
    assert done.below_contract == ()


def test_what_was_read_is_no_markup() -> None:
    """A name from outside cannot become a part of the page."""
    assert "<b>đứt" not in as_html(BAD, "vi", saved=None)


def test_the_rates_carry_date_and_interface_for_the_records() -> None:
    """What is kept is what the page says."""
    ceiling = GOOD.ceiling
    assert ceiling is not None
    assert ceiling.model_dump(exclude={"certified_at"}) == {
        "download_bits_per_second": 850_000_000,
        "upload_bits_per_second": 1_234_000_000,
        "interface": "eth0",
    }
    assert ceiling.certified_at == GOOD.at
