"""The named styles of a letter in DOCX, by Nghị định 30/2020/NĐ-CP, appendix I.

docs/method.md says where its sizes were read. Word shows the styles in its list as "CV …".
"""

from dataclasses import dataclass
from typing import Any, Final

from docx.document import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Mm, Pt
from docx.styles.style import ParagraphStyle

from collector.papers.content import Kind, Mark

FONT: Final = "Times New Roman"
LANGUAGE: Final = "vi-VN"
CHECK_COLOUR: Final = "FFF2A8"

_CENTRE, _LEFT, _JUSTIFY = (
    WD_ALIGN_PARAGRAPH.CENTER,
    WD_ALIGN_PARAGRAPH.LEFT,
    WD_ALIGN_PARAGRAPH.JUSTIFY,
)


@dataclass(frozen=True, slots=True)
class Look:
    """How paragraphs of a style look.

    Attributes:
        size, before, after: points.
        indent_mm: of the first line.
        sides_mm: left and right, of a rule.
        with_next: it stays on the page of the next paragraph.
        rule: a line above it.
    """

    size: int
    bold: bool = False
    italic: bool = False
    align: WD_ALIGN_PARAGRAPH = _LEFT
    before: int = 0
    after: int = 0
    indent_mm: int = 0
    sides_mm: int = 0
    with_next: bool = False
    rule: bool = False


SUPERIOR: Final = "CV Cơ quan chủ quản"
AUTHORITY: Final = "CV Cơ quan ban hành"
COUNTRY: Final = "CV Quốc hiệu"
MOTTO: Final = "CV Tiêu ngữ"
AUTHORITY_RULE: Final = "CV Kẻ dưới cơ quan"
MOTTO_RULE: Final = "CV Kẻ dưới tiêu ngữ"
NUMBER: Final = "CV Số, ký hiệu"
SUBJECT: Final = "CV Trích yếu"
DATED: Final = "CV Địa danh, ngày tháng"
RECIPIENT: Final = "CV Kính gửi"
ADDRESS: Final = "CV Địa chỉ nơi nhận"
PAPER_KIND: Final = "CV Tên loại văn bản"
ABOUT: Final = "CV Trích yếu báo cáo"
TABLE_HEAD: Final = "CV Bảng, tiêu đề"
TABLE_LINE: Final = "CV Bảng, đường truyền"
TABLE_TEXT: Final = "CV Bảng"
COPIES: Final = "CV Nơi nhận"
COPY: Final = "CV Danh sách nơi nhận"
TITLE: Final = "CV Chức vụ người ký"
SIGNER: Final = "CV Họ tên người ký"
PAGE_NUMBER: Final = "CV Số trang"

KINDS: Final = {
    Kind.BASIS: "CV Căn cứ",
    Kind.HEADING: "CV Đề mục",
    Kind.TEXT: "CV Nội dung",
    Kind.ITEM: "CV Nội dung, căn trái",
    Kind.CLOSING: "CV Nội dung, cuối",
    Kind.NOTE: "CV Ghi chú",
}
MARKS: Final = {Mark.CHECK: "CV Cần kiểm chứng"}

LOOKS: Final = {
    SUPERIOR: Look(12, align=_CENTRE),
    AUTHORITY: Look(12, bold=True, align=_CENTRE),
    COUNTRY: Look(12, bold=True, align=_CENTRE),
    MOTTO: Look(13, bold=True, align=_CENTRE),
    AUTHORITY_RULE: Look(2, align=_CENTRE, sides_mm=20, rule=True),
    MOTTO_RULE: Look(2, align=_CENTRE, sides_mm=16, rule=True),
    NUMBER: Look(13, align=_CENTRE, before=6),
    SUBJECT: Look(12, align=_CENTRE),
    DATED: Look(13, italic=True, align=_CENTRE, before=6),
    RECIPIENT: Look(13, align=_CENTRE, before=12, after=6, with_next=True),
    ADDRESS: Look(13, align=_CENTRE, after=6),
    PAPER_KIND: Look(14, bold=True, align=_CENTRE, before=14, with_next=True),
    ABOUT: Look(14, bold=True, align=_CENTRE, after=6, with_next=True),
    KINDS[Kind.BASIS]: Look(13, italic=True, align=_JUSTIFY, after=6, indent_mm=10),
    KINDS[Kind.HEADING]: Look(13, bold=True, before=3, after=6, indent_mm=10, with_next=True),
    KINDS[Kind.TEXT]: Look(13, align=_JUSTIFY, after=6, indent_mm=10),
    KINDS[Kind.ITEM]: Look(13, after=6, indent_mm=10),
    KINDS[Kind.CLOSING]: Look(13, after=6, indent_mm=10, with_next=True),
    KINDS[Kind.NOTE]: Look(11, italic=True, align=_JUSTIFY, before=3, after=3),
    TABLE_HEAD: Look(11, bold=True, align=_CENTRE, before=2, after=2, with_next=True),
    TABLE_LINE: Look(11, bold=True, before=2, after=2, with_next=True),
    TABLE_TEXT: Look(11, before=2, after=2),
    COPIES: Look(12, bold=True, italic=True),
    COPY: Look(11),
    TITLE: Look(13, bold=True, align=_CENTRE, with_next=True),
    SIGNER: Look(13, bold=True, align=_CENTRE, before=66),
    PAGE_NUMBER: Look(13, align=_CENTRE),
}


def id_of(name: str) -> str:
    """Return by what a paragraph refers to a style: the library makes it of the style's name."""
    return name.replace(" ", "")


def add_styles(document: Document) -> None:
    """Give a new document the styles of a letter, and its font and language to all others."""
    _set_defaults(document)
    for name, look in LOOKS.items():
        style = document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
        assert isinstance(style, ParagraphStyle)  # noqa: S101 - the library's types do not say so
        _set(style, look)
    for name in MARKS.values():
        mark = document.styles.add_style(name, WD_STYLE_TYPE.CHARACTER)
        mark.font.italic = True
        # No highlight: Word knows none in a style.
        ground = f"<w:shd {nsdecls('w')} w:val='clear' w:color='auto' w:fill='{CHECK_COLOUR}'/>"
        mark.element.get_or_add_rPr().append(parse_xml(ground))


def _set_defaults(document: Document) -> None:
    """Replace the fonts of a theme, which are no Times, and the language."""
    defaults: Any = document.styles.element.find(qn("w:docDefaults"))
    properties = defaults.find(qn("w:rPrDefault")).find(qn("w:rPr"))
    for tag in ("w:rFonts", "w:lang"):
        found = properties.find(qn(tag))
        if found is not None:
            properties.remove(found)
    fonts = "".join(f' w:{kind}="{FONT}"' for kind in ("ascii", "hAnsi", "eastAsia", "cs"))
    properties.insert(0, parse_xml(f"<w:rFonts {nsdecls('w')}{fonts}/>"))
    properties.append(parse_xml(f'<w:lang {nsdecls("w")} w:val="{LANGUAGE}"/>'))


def _set(style: ParagraphStyle, look: Look) -> None:
    style.base_style = None
    style.font.name = FONT
    style.font.size = Pt(look.size)
    style.font.bold = look.bold
    style.font.italic = look.italic
    shape = style.paragraph_format
    shape.alignment = look.align
    shape.space_before, shape.space_after = Pt(look.before), Pt(look.after)
    shape.line_spacing_rule = WD_LINE_SPACING.SINGLE
    shape.first_line_indent = Mm(look.indent_mm)
    shape.left_indent = shape.right_indent = Mm(look.sides_mm)
    shape.keep_with_next = look.with_next
    if look.rule:
        shape.line_spacing = Pt(4)
        border = "<w:top w:val='single' w:sz='6' w:space='1' w:color='000000'/>"
        borders = parse_xml(f"<w:pBdr {nsdecls('w')}>{border}</w:pBdr>")
        # Where the schema wants it: before spacing and indents.
        style.element.get_or_add_pPr().find(qn("w:spacing")).addprevious(borders)
