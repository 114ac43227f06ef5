"""What is to be planted, line by line, as data: groups of lines that live through the same.

    - {kind: clean, lines: 20, evening: [0.85, 0.95]}
    - {kind: evening, lines: 6, evening: [0.4, 0.7]}
    - {kind: mended, lines: 1, evening: [0.5, 0.6], mended_on: 2026-10-16}

The fleet's first probes are of the first group, and so on; each has one line, and what is left to
the dice is drawn between a group's two numbers.
"""

from datetime import date
from pathlib import Path
from typing import Annotated, Final, Literal, Self

import yaml
from pydantic import Field, TypeAdapter, ValidationError, model_validator

from protocol.errors import LinewatchError
from protocol.model import Identifier, Model

MAX_FILE_BYTES: Final = 1024 * 1024

Share = Annotated[float, Field(gt=0, le=2)]
Spread = Annotated[float, Field(ge=0, le=0.3)]
Hours = Annotated[float, Field(gt=0, le=9)]
"""A cut begins at 14 h at the latest and ends on its day, an hour before the next."""
Where = Literal["power", "gateway", "access", "beyond"]
ServerTrouble = Literal["limited", "refuses", "slow"]
Radio = Literal["no", "alone", "beside"]


class StoryError(LinewatchError):
    """A file of stories cannot be read, or is wrong."""

    exit_code = 2


class Group(Model):
    """Lines that live through the same; pairs are the two ends of what is drawn for each.

    Attributes:
        kind: what these are called in the list of what was planted.
        lines: how many.
        carrier: whose they are, one of a to d; null: drawn.
        share: what the line carries at its best, of what its contract promises.
        evening: the same on average from 19 to 23 h.
        noise: standard deviation of one test against the next.
        days: standard deviation of the days; neighbouring ones resemble each other.
        servers: 2: tests go to two servers of different networks in turns.
        wifi: whether tests go over Wi-Fi, alone or beside the cable.
        server: what is wrong with the first server in the evening: it is the limit and says so; it
            refuses tests; or it is slow and nobody says so.
        server_share: what it carries then, of what the contract promises.
        cut: where the way is cut, `cuts` times in each calendar month.
        cut_hours: how long each time.
        mended_on: the first day whose evening is as it should be.
        claimed_on: the day on which the carrier says that it is mended, whether it is or not.
        plan_on: the first day of another plan.
        plan_factor: what it promises, of what was promised before.
        delivered: whether the line carries it then.
    """

    kind: Identifier
    lines: Annotated[int, Field(ge=1, le=100_000)]
    carrier: Literal["a", "b", "c", "d"] | None = None
    share: tuple[Share, Share] = (1.0, 1.06)
    evening: tuple[Share, Share] = (0.9, 1.0)
    noise: tuple[Spread, Spread] = (0.01, 0.08)
    days: tuple[Spread, Spread] = (0.01, 0.04)
    servers: Literal[1, 2] = 2
    wifi: Radio = "no"
    server: ServerTrouble | None = None
    server_share: tuple[Share, Share] = (0.3, 0.6)
    cut: Where | None = None
    cuts: Annotated[int, Field(ge=1, le=10)] = 3
    cut_hours: tuple[Hours, Hours] = (6, 9)
    mended_on: date | None = None
    claimed_on: date | None = None
    plan_on: date | None = None
    plan_factor: Annotated[float, Field(gt=0, le=10)] = 1.0
    delivered: bool = True

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        for name in ("share", "evening", "noise", "days", "server_share", "cut_hours"):
            low, high = getattr(self, name)
            if low > high:
                msg = f"{name}: the lower end first: [{high}, {low}]"
                raise ValueError(msg)
        if self.evening[1] > self.share[0]:
            msg = "evening: no evening is better than the line's best hours (share)"
            raise ValueError(msg)
        return self


GROUPS: Final[TypeAdapter[tuple[Group, ...]]] = TypeAdapter(tuple[Group, ...])


def read_stories(path: Path) -> tuple[Group, ...]:
    """Return the groups of a file in YAML or JSON.

    Raises:
        StoryError: it cannot be read, or says something else; names each field that is wrong.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise StoryError(f"{path}: cannot be read: {error.strerror}") from None
    if len(content) > MAX_FILE_BYTES:
        raise StoryError(f"{path}: is longer than a list of stories may be")
    try:
        return GROUPS.validate_python(yaml.safe_load(content))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise StoryError(f"{path}: is no YAML: {error}") from None
    except ValidationError as error:
        faults = (
            f"{path}: {'.'.join(map(str, one['loc'])) or 'all of it'}: {one['msg']}"
            for one in error.errors(include_url=False)
        )
        raise StoryError("\n".join(faults)) from None
