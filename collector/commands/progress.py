"""Bars of a command that takes long: on standard error, so that what it says can be piped."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Step = Callable[[int], None]
"""Is told the size of every step."""


@contextmanager
def bar(title: str, total: int) -> Iterator[Step]:
    """Show a bar while the block runs; yield its step."""
    with bars() as add:
        yield add(title, total)


@contextmanager
def bars() -> Iterator[Callable[[str, int], Step]]:
    """Show bars while the block runs, below each other; yield what adds one and returns its step.

    A bar is added by its title and its total.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:

        def add(title: str, total: int) -> Step:
            task = progress.add_task(title, total=total)
            return lambda count: progress.update(task, advance=count)

        yield add
