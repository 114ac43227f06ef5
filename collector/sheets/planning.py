"""What a list would change in the registry: compared with what is known, nothing written. Pure.

A list only adds and changes: what it leaves empty, or does not name, stays as it is.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, NamedTuple

from collector.domain.terms import Period
from collector.domain.words import fold, slug
from collector.sheets.fields import OFFERED
from collector.sheets.reading import Entry, Fault

Row = dict[str, Any]

_LONGEST_NAME: Final = 64
_LONGEST_MADE: Final = 40
"""Letters of a name that is made of a longer one."""

CARRIERS, WARDS, PERSONS, SITES, LINES = "carriers", "wards", "persons", "sites", "lines"


@dataclass(frozen=True, slots=True)
class Known:
    """What the registry has, by table and name.

    Attributes:
        rows: of each table.
        stated: what was stated of each line's terms, in order.
    """

    rows: Mapping[str, Mapping[str, Row]]
    stated: Mapping[str, Sequence[Period]]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What whoever imports says besides the list.

    Attributes:
        today: the local day.
        since: the first day of changed terms, where a row says none.
        ward: of sites, where a row says none.
        technology: of new lines, where a row says none.
    """

    today: date
    since: date | None = None
    ward: str | None = None
    technology: str | None = None


class Change(NamedTuple):
    """What would become of one thing.

    Attributes:
        kind: added, changed or unchanged.
        table: of the thing.
        name: its own.
        place: of the row that says so.
        fields: of each field what it was and what it would be.
        period: of terms, their days.
    """

    kind: str
    table: str
    name: str
    place: str
    fields: Mapping[str, tuple[Any, Any]]
    period: Period | None = None


@dataclass(slots=True)
class Plan:
    """All that a list would change.

    Attributes:
        changes: in the order of the list.
        faults: rows that do not fit; nothing is stored while there is one.
        notes: what whoever reads the plan should look at.
        new: rows to add, by table.
        changed: columns to change, by table and name.
        stated: what is to be stated of lines' terms, in this order.
    """

    changes: list[Change] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    notes: list[Fault] = field(default_factory=list)
    new: dict[str, dict[str, Row]] = field(default_factory=lambda: defaultdict(dict))
    changed: dict[str, dict[str, Row]] = field(default_factory=lambda: defaultdict(dict))
    stated: list[tuple[str, Period]] = field(default_factory=list)


class Unfit(Exception):  # noqa: N818 - no error of ours: a row of somebody's list
    """A row does not fit, for the reason that it says.

    Args:
        field: that does not.
        message: why.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class Draft:
    """The registry as it would be, while rows of the list are taken one by one.

    Args:
        known: the registry as it is.
    """

    def __init__(self, known: Known) -> None:
        self.plan = Plan()
        self.rows: dict[str, dict[str, Row]] = {
            table: {name: dict(row) for name, row in rows.items()}
            for table, rows in known.rows.items()
        }
        self._known = known
        self._said: dict[tuple[str, str, str], tuple[Any, str]] = {}
        self._places: dict[tuple[str, str], str] = {}
        self._named: dict[str, dict[str, list[str]]] = {table: {} for table in self.rows}
        for table, rows in self.rows.items():
            for name, row in rows.items():
                self._note(table, name, row)

    def _note(self, table: str, name: str, row: Row) -> None:
        """Let a thing be found by all that it is called."""
        called = {fold(str(row[key])) for key in ("name", "legal_name") if row.get(key)}
        for word in {fold(name), *called}:
            self._named[table].setdefault(word, []).append(name)

    def called(self, table: str, words: str) -> list[str]:
        """Return the things of a table that are called so, whatever the marks and signs."""
        return self._named[table].get(fold(words), [])

    def free_name(self, table: str, words: str, most: int = _LONGEST_MADE) -> str:
        """Return a name made of words that no other thing has.

        Raises:
            Unfit: no letter or digit is in them.
        """
        made = slug(words, most)
        if not made:
            raise Unfit("name", f"no code can be made of '{words}': give it one")
        name, number = made, 1
        while name in self.rows[table]:
            number += 1
            end = f"-{number}"
            name = made[: _LONGEST_NAME - len(end)] + end
        return name

    def put(self, table: str, name: str, values: Mapping[str, Any], entry: Entry) -> None:
        """Add a thing, or give it what a row says; ``values`` that are None say nothing.

        Raises:
            Unfit: another row says something else.
        """
        said = {key: value for key, value in values.items() if value is not None}
        for key, value in said.items():
            column = _HEADED.get((table, key), key)
            before = self._said.setdefault((table, name, key), (value, entry.where(column)))
            if before[0] != value:
                words = OFFERED.get(column, {})
                here, there = (words.get(one, one) for one in (value, before[0]))
                raise Unfit(column, f"'{here}', but {before[1]} says '{there}'")
        self._places.setdefault((table, name), entry.place)
        if name not in self.rows[table]:
            self.rows[table][name] = {}
            self._note(table, name, said)
        self.rows[table][name] |= said

    def fault(self, entry: Entry, unfit: Unfit) -> None:
        """Note that a row does not fit."""
        self.plan.faults.append(Fault(entry.where(unfit.field), str(unfit)))

    def finish(self) -> None:
        """Add to the plan what becomes of all that rows named."""
        for (table, name), place in self._places.items():
            known = self._known.rows[table].get(name)
            row = self.rows[table][name]
            if known is None:
                fields = {key: (None, value) for key, value in row.items()}
                self.plan.new[table][name] = row
                self.plan.changes.append(Change("added", table, name, place, fields))
                continue
            fields = {key: (known.get(key), value) for key, value in row.items()}
            fields = {key: both for key, both in fields.items() if both[0] != both[1]}
            if fields:
                self.plan.changed[table][name] = {key: new for key, (_, new) in fields.items()}
            kind = "changed" if fields else "unchanged"
            self.plan.changes.append(Change(kind, table, name, place, fields))


_HEADED: Final = {(SITES, "name"): "site_name", (SITES, "kind"): "site_kind"}
"""Fields of the registry that a list has under another name."""

_FIELDS: Final = {
    CARRIERS: ("legal_name", "complaint_email", "postal_address", "telephone"),
    WARDS: ("superior", "authority", "place", "letter_code"),
    PERSONS: ("role", "title", "signs_for", "telephone", "email"),
}


def plan_thing(draft: Draft, table: str, entry: Entry) -> None:
    """Take a row about a carrier, a ward or a person.

    Raises:
        Unfit: it does not fit.
    """
    values = {key: entry.get(key) for key in _FIELDS[table]}
    among = None
    if table == PERSONS:
        values["ward_id"] = _ward(draft, entry)
        among = {
            key for key, row in draft.rows[PERSONS].items() if row["ward_id"] == values["ward_id"]
        }
    name = entry.get("id") or find(draft, table, entry, "name", among)
    if name is None or name not in draft.rows[table]:
        if entry.get("name") is None:
            raise Unfit("id", f"'{name}' is new: it needs a name")
        if table == PERSONS and values["role"] is None:
            raise Unfit("name", "is new: say in which role")
        values["name"] = entry.get("name")
        name = name or draft.free_name(table, entry.get("name"))
    elif entry.get("id"):
        # Found by its code, it may be called otherwise now; found by its name, it is not.
        values["name"] = entry.get("name")
    draft.put(table, name, values, entry)


def _ward(draft: Draft, entry: Entry) -> str:
    words = entry.get("ward")
    found = draft.called(WARDS, words) if words else []
    if len(found) != 1:
        raise Unfit(
            "ward", f"there is no ward '{words or ''}' with a letterhead: name it in a sheet"
        )
    return found[0]


def find(
    draft: Draft, table: str, entry: Entry, key: str, among: AbstractSet[str] | None = None
) -> str | None:
    """Return the one thing that is called as a row says; None: there is none.

    Args:
        draft: the registry.
        table: of the thing.
        entry: the row.
        key: of what it says.
        among: which things it may be; None: any of the table.

    Raises:
        Unfit: there are several.
    """
    words = entry.get(key)
    found = (
        [name for name in draft.called(table, words) if among is None or name in among]
        if words
        else []
    )
    if len(found) > 1:
        raise Unfit(key, f"'{words}' may be {' or '.join(sorted(found))}: give its code")
    return found[0] if found else None
