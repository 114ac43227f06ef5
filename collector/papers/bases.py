"""The texts that a letter goes by. docs/method.md says where each was read, and how sure it is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from collector.domain.findings import Verdict
from collector.domain.standard import Reference
from collector.reports.summary import LineSummary, PartSummary


@dataclass(frozen=True, slots=True)
class Basis:
    """A text.

    Attributes:
        text: as a letter cites it.
        check: what of it nobody has read in the text itself; None: that was done.
        standard: by whose id a line has to fail for it to be cited; None: any.
        reference: of which a limit that is not kept has to be a share; None: of any, or of none.
    """

    text: str
    check: str | None
    standard: str | None = None
    reference: Reference | None = None


BASES: Final = (
    Basis(
        "Luật Viễn thông số 24/2023/QH15 (điểm b khoản 2 Điều 13; điểm c, điểm e khoản 1 Điều 15)",
        "các điều khoản đọc qua một bản sao không chính thức",
    ),
    Basis(
        "Nghị định số 174/2026/NĐ-CP (khoản 4, khoản 5 Điều 54)",
        "đọc qua bản nhận dạng chữ; đối chiếu tại vanban.chinhphu.vn",
        reference=Reference.DECLARED,
    ),
    Basis(
        "QCVN 34:2019/BTTTT (được QCVN 34:2022/BTTTT thay thế từ ngày 01/7/2023)",
        "trị số biết qua trang của một doanh nghiệp, chưa đọc văn bản; cân nhắc việc viện dẫn một "
        "quy chuẩn đã được thay thế",
        standard="qcvn-34-2019",
    ),
    Basis(
        "QCVN 34:2022/BTTTT ban hành kèm theo Thông tư số 20/2022/TT-BTTTT, có hiệu lực từ ngày "
        "01/7/2023",
        None,
        standard="qcvn-34-2022",
    ),
    Basis(
        "QCVN 126:2021/BTTTT về chất lượng dịch vụ truy nhập Internet 5G",
        "biết qua báo chí, chưa đọc văn bản",
        standard="qcvn-126-2021",
    ),
)


def bases_of(lines: Sequence[LineSummary]) -> Iterator[Basis]:
    """Yield the texts that lines' failing findings rest on, of judgements that may accuse.

    A regulation by which no line fails, or a fine for what is not below the declared level, would
    be a basis of nothing in the letter.
    """
    broken = [one for line in lines for part in line.parts for one in _broken(part)]
    standards = {None, *(standard for standard, _ in broken)}
    references = {None, *(reference for _, reference in broken)}
    for one in BASES:
        if one.standard in standards and one.reference in references:
            yield one


def cites_contracts(lines: Sequence[LineSummary]) -> bool:
    """Return whether a letter names the contract of any line that fails."""
    parts = (part for line in lines for part in line.parts if any(_broken(part)))
    return any(part.terms.contract_number for part in parts)


def without_contract(lines: Sequence[LineSummary]) -> list[str]:
    """Return the lines that fail by a contracted speed while no contract of theirs has a number.

    A letter that holds a carrier to its contract has to say which one that is.
    """
    return [
        line.id
        for line in lines
        if any(
            reference is Reference.CONTRACTED
            for part in line.parts
            if not part.terms.contract_number
            for _, reference in _broken(part)
        )
    ]


def _broken(part: PartSummary) -> Iterator[tuple[str, Reference | None]]:
    """Yield what a part's days fail by: the standard, and the speed that its limit is a share of.

    Of judgements that may accuse.
    """
    for judgement in part.accusing:
        for finding in judgement.findings:
            if finding.verdict is Verdict.FAIL:
                yield judgement.standard, finding.reference
