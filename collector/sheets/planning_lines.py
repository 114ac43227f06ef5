"""What a list's rows of lines would change: sites, carriers, lines and their terms. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from collector.domain.terms import (
    TERMS_FIELDS,
    Period,
    Terms,
    changed_from,
    differences,
    mended_on,
    period_on,
)
from collector.domain.words import fold
from collector.sheets.planning import (
    CARRIERS,
    LINES,
    SITES,
    WARDS,
    Change,
    Draft,
    Known,
    Unfit,
    Wishes,
    find,
)
from collector.sheets.reading import Entry, Fault
from collector.sheets.values import shown

_KEPT_WITH: Final = ("declared", "minimum")
"""Speeds that go with a plan: where it changes, they may have changed too."""


@dataclass(slots=True)
class _OfLine:
    """The rows about one line."""

    new: bool
    entries: list[Entry] = field(default_factory=list)


class LinePlanner:
    """Takes rows of lines one by one, then their terms in the order of their days.

    Args:
        draft: the registry as it would be.
        known: as it is.
        wishes: what is said besides the list.
    """

    def __init__(self, draft: Draft, known: Known, wishes: Wishes) -> None:
        self._draft = draft
        self._wishes = wishes
        self._stated = {line: list(stated) for line, stated in known.stated.items()}
        self._rows: dict[str, _OfLine] = {}
        self._at: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._numbers: dict[str, set[str]] = defaultdict(set)
        self._wards: dict[str, set[str]] = defaultdict(set)
        for row in known.rows[SITES].values():
            if row.get("ward"):
                self._wards[fold(row["name"])].add(fold(row["ward"]))
        for line, row in known.rows[LINES].items():
            self._at[row["site_id"], row["carrier_id"]].append(line)
        for line, stated in known.stated.items():
            numbers = {one.terms.contract_number for one in stated}
            self._numbers[line] |= {number for number in numbers if number is not None}

    def look_at(self, entries: Iterable[Entry]) -> None:
        """Learn of which wards sites of one name are, in the whole list, before a row is taken."""
        for entry in entries:
            name, ward = entry.get("site_name"), self._ward(entry)
            if name and ward:
                self._wards[fold(name)].add(fold(ward))

    def take(self, entry: Entry) -> None:
        """Take a row.

        Raises:
            Unfit: it does not fit.
        """
        lines = self._draft.rows[LINES]
        named = entry.get("line")
        known = lines.get(named) if named else None
        carrier = self._carrier(entry, known)
        site = self._site(entry, known)
        line = named or self._find(entry, site, carrier)
        new = line is None or line not in lines
        if line is None:
            line = self._draft.free_name(LINES, f"{site[: 62 - len(carrier)]}-{carrier}", 64)
        self._refuse_moved(entry, line, site, carrier)
        technology = entry.get("technology")
        if new and technology is None:
            technology = self._wishes.technology
        if new and technology is None:
            raise Unfit("technology", "is a new line: of which technology? (or --technology)")
        self._of_site(entry, site)
        values = {"site_id": site, "carrier_id": carrier, "technology": technology}
        self._draft.put(LINES, line, values, entry)
        if new:
            self._at[site, carrier].append(line)
        if number := entry.get("contract_number"):
            self._numbers[line].add(number)
        self._rows.setdefault(line, _OfLine(new)).entries.append(entry)

    # --- What a row names --------------------------------------------------------------------

    def _carrier(self, entry: Entry, line: dict[str, Any] | None) -> str:
        words = entry.get("carrier")
        if words is None:
            if line is None:
                raise Unfit("carrier", "says no carrier")
            return str(line["carrier_id"])
        found = find(self._draft, CARRIERS, entry, "carrier")
        if found is None:
            found = self._draft.free_name(CARRIERS, words, 32)
            self._draft.put(CARRIERS, found, {"name": words}, entry)
        return found

    def _site(self, entry: Entry, line: dict[str, Any] | None) -> str:
        code, words = entry.get("site"), entry.get("site_name")
        if code is None and words is None:
            if line is None:
                raise Unfit("site_name", "says no site: merge its cells, or repeat the name")
            return str(line["site_id"])
        if code is not None:
            if code not in self._draft.rows[SITES] and words is None:
                raise Unfit("site", f"there is no site '{code}' yet: give it a name")
            return str(code)
        ward = self._ward(entry)
        if ward is None and len(self._wards[fold(words)]) > 1:
            raise Unfit("site_name", f"'{words}' is in several wards: say which (Phường/Xã)")
        rows = self._draft.rows[SITES]
        among = {
            name
            for name in self._draft.called(SITES, words)
            if not ward or not rows[name].get("ward") or fold(rows[name]["ward"]) == fold(ward)
        }
        found = find(self._draft, SITES, entry, "site_name", among)
        return found or self._draft.free_name(SITES, words)

    def _of_site(self, entry: Entry, site: str) -> None:
        """Take what a row says of its site."""
        values = {key: entry.get(key) for key in ("address", "latitude", "longitude")}
        values["kind"] = entry.get("site_kind")
        known = self._draft.rows[SITES].get(site)
        if known is None or entry.get("site") is not None:
            values["name"] = entry.get("site_name")
        ward, before = self._ward(entry), known and known.get("ward")
        is_other = fold(before or "") != fold(ward or "")
        if is_other and (entry.get("ward") is not None or not before):
            values["ward"] = ward
        self._draft.put(SITES, site, values, entry)

    def _ward(self, entry: Entry) -> str | None:
        """Return a row's ward, written as the ward itself is where it has a letterhead."""
        ward: str | None = entry.get("ward") or self._wishes.ward
        found = self._draft.called(WARDS, ward) if ward else []
        return str(self._draft.rows[WARDS][found[0]]["name"]) if found else ward

    def _find(self, entry: Entry, site: str, carrier: str) -> str | None:
        """Return the line of a carrier at a site that a row without a code means; None: a new one.

        Raises:
            Unfit: it may be several.
        """
        here = self._at[site, carrier]
        number = entry.get("contract_number")
        if not here:
            return None
        if number is None:
            if len(here) > 1:
                raise Unfit("carrier", f"may be {' or '.join(sorted(here))}: give the line's code")
            return here[0]
        exact = [line for line in here if number in self._numbers[line]]
        if len(exact) == 1:
            return exact[0]
        only = here[0] if len(here) == 1 else None
        if only and (not self._numbers[only] or self._since(entry)):
            return only
        if all(self._numbers[line] and line in self._rows for line in here):
            # All the others are in this list, too, by contracts of their own.
            return None
        raise Unfit(
            "contract_number",
            f"is another contract than that of {' or '.join(sorted(here))}: a new one of the same "
            "line needs its first day (Từ ngày, --since), another line a code",
        )

    def _refuse_moved(self, entry: Entry, line: str, site: str, carrier: str) -> None:
        row = self._draft.rows[LINES].get(line)
        if row is None:
            return
        for key, field_, value in (
            ("site_id", "site_name", site),
            ("carrier_id", "carrier", carrier),
        ):
            if row[key] != value:
                raise Unfit(
                    "site" if field_ == "site_name" and entry.get("site") else field_,
                    f"line '{line}' is of '{row[key]}', not of '{value}': another is a new line",
                )

    # --- Terms -------------------------------------------------------------------------------

    def _since(self, entry: Entry) -> date | None:
        since: date | None = entry.get("since")
        return since or self._wishes.since

    def finish(self) -> None:
        """Add the terms of all lines to the plan."""
        for line, of_line in self._rows.items():
            rows = sorted(of_line.entries, key=lambda entry: entry.get("since") or date.min)
            for number, entry in enumerate(rows):
                try:
                    if number and entry.get("since") == rows[number - 1].get("since"):
                        self._refuse_twice(line, entry, rows[number - 1])
                    if of_line.new and number == 0:
                        period = Period(entry.get("since"), None, Terms(**_terms_of(entry)))
                        self._add(line, entry, period, Terms())
                    else:
                        self._state(line, entry, first_of_several=number == 0 and len(rows) > 1)
                except Unfit as unfit:
                    self._draft.fault(entry, unfit)

    def _refuse_twice(self, line: str, entry: Entry, other: Entry) -> None:
        values, others = _terms_of(entry), _terms_of(other)
        if values != others:
            raise Unfit(
                "line" if entry.get("line") else "carrier",
                f"line '{line}' stands in {other.place} too, with other terms: of which days? "
                "(Từ ngày), or is it another line? (Mã đường truyền)",
            )

    def _state(self, line: str, entry: Entry, *, first_of_several: bool) -> None:
        """State what a row says of a line that is there.

        Args:
            line: its name.
            entry: the row.
            first_of_several: it is the line's first, and others with their days follow: without a
                day of its own it is about the beginning, not about today.
        """
        values = _terms_of(entry)
        stated = self._stated.get(line, [])
        if first_of_several and entry.get("since") is None:
            day, today = None, date.min
        else:
            day, today = self._since(entry), self._wishes.today
        around = period_on(stated, day or today)
        changes = differences(around.terms, values)
        if not changes:
            self._draft.plan.changes.append(Change("unchanged", "terms", line, entry.place, {}))
            return
        if day is not None:
            self._note_kept(line, entry, around.terms, values)
            self._add(line, entry, changed_from(stated, day, values), around.terms)
            return
        known = {name: both for name, both in changes.items() if both[0] is not None}
        if known:
            name, (before, after) = next(iter(known.items()))
            raise Unfit(
                name,
                f"line '{line}' has {shown(before)} now, here is {shown(after)}: from which day "
                "on? (Từ ngày, or --since). A mistake is mended with 'linewatch line set'",
            )
        # What nobody had said was so all along.
        self._add(line, entry, mended_on(stated, today, values), around.terms)

    def _add(self, line: str, entry: Entry, period: Period, before: Terms) -> None:
        self._stated.setdefault(line, []).append(period)
        self._draft.plan.stated.append((line, period))
        values = {name: getattr(period.terms, name) for name in TERMS_FIELDS}
        changes = differences(before, values)
        kind = "added" if self._rows[line].new and before == Terms() else "changed"
        self._draft.plan.changes.append(Change(kind, "terms", line, entry.place, changes, period))

    def _note_kept(self, line: str, entry: Entry, terms: Terms, values: dict[str, Any]) -> None:
        """Say which speeds of the old plan go on, as the list does not name them."""
        kept = [
            name
            for name in TERMS_FIELDS
            if name.partition("_")[0] in _KEPT_WITH
            and name not in values
            and getattr(terms, name) is not None
        ]
        if kept:
            words = ", ".join(
                name.removesuffix("_bits_per_second").replace("_", " ") for name in kept
            )
            message = f"line '{line}' keeps its {words}: is that so with the new terms, too?"
            self._draft.plan.notes.append(Fault(entry.place, message))


def _terms_of(entry: Entry) -> dict[str, Any]:
    found = ((name, entry.get(name)) for name in TERMS_FIELDS)
    return {name: value for name, value in found if value is not None}


def plan_lines(draft: Draft, known: Known, wishes: Wishes, entries: Sequence[Entry]) -> LinePlanner:
    """Take rows of lines, but for their terms; those that do not fit are noted."""
    planner = LinePlanner(draft, known, wishes)
    planner.look_at(entries)
    for entry in entries:
        try:
            planner.take(entry)
        except Unfit as unfit:
            draft.fault(entry, unfit)
    return planner
