"""What the files of a carrier's month are called: papers are made by others, mail attaches them."""

from typing import Final

SUMMARY: Final = "summary.json"
DATA: Final = "data.csv"
SHEET: Final = "data.xlsx"
ANNEX: Final = "annex.pdf"
COMPARISON: Final = "comparison.json"
EVIDENCE: Final = "evidence.zip"

LETTER_DOCX: Final = "letter.docx"
LETTER_PDF: Final = "letter.pdf"
NO_COMPLAINT: Final = "no-complaint.pdf"
PAPERS: Final = (LETTER_DOCX, LETTER_PDF, NO_COMPLAINT)

ANNEXES: Final = {
    ANNEX: "Phụ lục kết quả đo từng đường truyền",
    SHEET: "Bảng số liệu từng lần đo",
    DATA: "Số liệu từng lần đo, dạng văn bản",
    COMPARISON: "So sánh với tháng trước và các đường khác, không thuộc hồ sơ chứng cứ",
    SUMMARY: "Kết quả tổng hợp cho máy tính đọc",
    EVIDENCE: "Hồ sơ chứng cứ: bản ghi gốc kèm chữ ký số, cách kiểm tra ở trong",
}
"""What goes with a letter where it is there, by its name."""

SUMS: Final = "SHA256SUMS"
"""That all of them are of one report."""
