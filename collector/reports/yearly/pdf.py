"""A year's report as PDF, to be read, with charts of how its months ran on."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from collector.papers.typesetting import typeset
from collector.reports.yearly.paper import Bars, Paper, Table, Unit, cells_of, headed, written


def as_pdf(paper: Paper, year: int, moment: datetime) -> bytes:
    """Return a year's report as PDF.

    Args:
        paper: what it says.
        year: of it.
        moment: when the file says that it was made.

    Raises:
        PaperError: it cannot be set.
    """
    content = {
        "title": paper.title.vi,
        "subject": paper.subject.vi,
        "year": str(year),
        "year_before": str(year - 1),
        "sections": [
            {
                "title": section.title.vi,
                "english": section.title.en,
                "sentences": [one.vi for one in section.sentences],
                "tables": [_table(one) for one in section.tables if one.rows],
                "charts": [_chart(one) for one in section.charts],
            }
            for section in paper.sections
        ],
    }
    return typeset("yearly.typ", content, moment)


def _table(table: Table) -> dict[str, Any]:
    return {
        "title": table.title.vi,
        "columns": [
            {
                "head": headed(one),
                "width": one.width,
                "is_number": one.unit not in (Unit.TEXT, Unit.DAY),
            }
            for one in table.columns
        ],
        "rows": [cells_of(table, row) for row in table.rows],
    }


def _chart(chart: Bars) -> dict[str, Any]:
    highest = max((one for one in (*chart.values, *chart.before) if one), default=1.0)

    def bars(values: Sequence[float | None]) -> list[dict[str, Any]]:
        return [
            {
                "share": None if one is None else one / highest,
                "text": _label(one, chart.unit),
            }
            for one in values
        ]

    return {
        "title": chart.title.vi,
        "months": [month.partition("/")[0].lstrip("0") for month in chart.months],
        "values": bars(chart.values),
        "before": bars(chart.before),
    }


def _label(value: float | None, unit: Unit) -> str:
    """Return what stands over a bar, as short as it can be; its unit is in the chart's title."""
    return written(value, unit) if value is None or unit is not Unit.SHARE else f"{100 * value:.0f}"
