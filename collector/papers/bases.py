"""The texts that a letter goes by. docs/method.md says where each was read, and how sure it is."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Basis:
    """A text.

    Attributes:
        text: as a letter cites it.
        fits: technologies of lines for which it is cited; empty: all.
        check: what of it nobody has read in the text itself; None: that was done.
    """

    text: str
    check: str | None
    fits: frozenset[str] = frozenset()


BASES: Final = (
    Basis(
        "Luật Viễn thông số 24/2023/QH15 (điểm b khoản 2 Điều 13; điểm c, điểm e khoản 1 Điều 15)",
        "các điều khoản đọc qua một bản sao không chính thức",
    ),
    Basis(
        "Nghị định số 174/2026/NĐ-CP (khoản 4, khoản 5 Điều 54)",
        "đọc qua bản nhận dạng chữ; đối chiếu tại vanban.chinhphu.vn",
    ),
    Basis(
        "QCVN 34:2022/BTTTT ban hành kèm theo Thông tư số 20/2022/TT-BTTTT, có hiệu lực từ ngày "
        "01/7/2023",
        None,
        frozenset({"fibre", "cable", "dsl"}),
    ),
    Basis(
        "QCVN 126:2021/BTTTT về chất lượng dịch vụ truy nhập Internet 5G",
        "biết qua báo chí, chưa đọc văn bản",
        frozenset({"5g"}),
    ),
)
