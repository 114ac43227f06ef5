"""`linewatch probe accept`: the technician's acceptance test of a probe."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import click
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from probe.acceptance import run, show, words
from probe.acceptance.acceptance import Acceptance
from probe.acceptance.contract import Contract
from probe.acceptance.finding import Language
from probe.acceptance.run import Site
from probe.ceiling import CEILING_NAME, keep_ceiling
from probe.commands.asked import AS_THE_AGENT, collector, far_end, others
from probe.errors import BelowContractError, NotAcceptedError
from probe.identity import ENROLMENT_NAME, Enrolment
from probe.settings import ProbeSettings
from protocol.constants import DEFAULT_ENGINE
from protocol.errors import ConfigurationError
from protocol.messages import ServerEntry
from protocol.settings import Configuration

_PAGES: Final = {".html": show.as_html, ".htm": show.as_html, ".txt": show.as_text}


def _promised(ctx: click.Context, param: click.Parameter, value: str | None) -> Contract | None:
    """Return the contract that an option says, or end with how it is written."""
    try:
        return None if value is None else Contract.of(value)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, param) from None


@click.command()
@click.option(
    "--server",
    "url",
    metavar="URL",
    help="The server of the reference test, best one on the same network. Default: the one that "
    "`linewatch measure` takes; without any there is no such test.",
)
@click.option("--interface", metavar="NAME", help="The path's interface, for example eth0.")
@click.option(
    "--contract",
    callback=_promised,
    metavar="DOWN[/UP]",
    help="What the contract promises in Mbit/s, for example 300/100; one number is promised both "
    "ways. A device or cable that is too slow for it in a direction is told.",
)
@click.option(
    "--language",
    type=click.Choice(["vi", "en"]),
    default="vi",
    show_default=True,
    help="Of the page.",
)
@click.option(
    "--page",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the page to a file, .html to print it or .txt.",
)
@click.option(
    "--save/--no-save",
    default=None,
    help="Keep the certified rates on the probe, for every record. Default: as the agent's user.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def accept_command(  # noqa: PLR0913 - one for each option
    configuration: Configuration,
    *,
    url: str | None,
    interface: str | None,
    contract: Contract | None,
    language: Language,
    page: Path | None,
    save: bool | None,
    as_json: bool,
) -> None:
    """Test whether this device may certify a line, and up to which rate.

    \b
    Examples:
      sudo -u linewatch-probe linewatch probe accept --config /etc/linewatch/config.yaml
      linewatch probe accept --server http://192.168.1.10:8080 --contract 300/100
      linewatch probe accept --language en --page acceptance.html

    Takes about a minute. Ends with 0 where the device is certified, with 11 where it is, but in
    some direction for less than the contract promises, and with 10 and the list of what is to be
    mended first where it is not.
    """  # noqa: D301 - the escape is click's, not a mistake
    settings = configuration.section("probe", ProbeSettings)
    write = _page_writer(page)
    state = settings.state_directory
    site = Site(
        server=_server(settings, url),
        others=tuple(filter(None, (*others(settings), collector(settings)))),
        interface=interface,
        contract=contract,
        state=state,
        spool_bytes=settings.spool.maximum_bytes,
        enrolment=_enrolment(state),
    )
    done = _run(site, language, quiet=as_json)
    done = replace(done, at=done.at.astimezone(ZoneInfo(settings.timezone)))
    saved = keep(done, state, wanted=_owns(state) if save is None else save)
    if page is not None:
        write(done, language, saved=saved)
    if as_json:
        click.echo(json.dumps(show.as_dict(done, language, saved=saved), ensure_ascii=False))
    else:
        show.show(Console(), done, language, saved=saved)
    if done.to_mend:
        checks = ", ".join(words.CHECKS[each.check].of(language) for each in done.to_mend)
        raise NotAcceptedError(f"{words.MEND_FIRST.of(language)} {checks}")
    if done.below_contract:
        ways = ", ".join(words.DIRECTIONS[each].of(language) for each in done.below_contract)
        raise BelowContractError(f"{words.BELOW_CONTRACT.of(language)} {ways}")


def _page_writer(page: Path | None) -> Callable[..., None]:
    """Return what writes the page; checked before a minute is spent on a page of no kind.

    Raises:
        ConfigurationError: the file's name ends in nothing that is known.
    """
    if page is not None and page.suffix.lower() not in _PAGES:
        raise ConfigurationError(f"--page {page}: the file's name must end in .html or .txt")

    def write(done: Acceptance, language: Language, *, saved: bool | None) -> None:
        if page is None:
            return
        try:
            page.write_text(
                _PAGES[page.suffix.lower()](done, language, saved=saved), encoding="utf-8"
            )
        except OSError as error:
            raise ConfigurationError(f"--page {page}: {error.strerror}") from None

    return write


def _server(settings: ProbeSettings, url: str | None) -> ServerEntry | None:
    """Return the reference server: the one asked for, or known; None where none is."""
    try:
        return far_end(settings, DEFAULT_ENGINE, url, None).server
    except ConfigurationError:
        if url is not None:
            raise
        return None


def _enrolment(state: Path) -> Enrolment | None:
    try:
        return Enrolment.model_validate_json((state / ENROLMENT_NAME).read_bytes())
    except (OSError, ValidationError):
        return None


def _owns(state: Path) -> bool:
    """Return whether this is the agent's user: the folder of its state is theirs."""
    try:
        return state.stat().st_uid == os.geteuid()
    except OSError:
        return False


def keep(done: Acceptance, state: Path, *, wanted: bool) -> bool | None:
    """Keep the certified rates, where there are any and it is wanted; return whether it was done.

    Raises:
        ConfigurationError: they cannot be written.
    """
    ceiling = done.ceiling
    if ceiling is None:
        return None
    if not wanted:
        return False
    try:
        keep_ceiling(state, ceiling)
        if os.geteuid() == 0:
            # The agent has to read what root wrote for it.
            owner = state.stat()
            os.chown(state / CEILING_NAME, owner.st_uid, owner.st_gid)
    except OSError as error:
        raise ConfigurationError(
            f"the certified rates cannot be kept in {state} ({error.strerror}): run it as the "
            f"agent's user, like '{AS_THE_AGENT}', or say --no-save"
        ) from None
    return True


def _run(site: Site, language: Language, *, quiet: bool) -> Acceptance:
    cancelled = threading.Event()
    site = replace(site, cancelled=cancelled)
    try:
        if quiet:
            return run.accept(site)
        with _progress(language) as report:
            return run.accept(replace(site, progress=report))
    finally:
        cancelled.set()


@contextmanager
def _progress(language: Language) -> Iterator[Callable[[str, float], None]]:
    """Show a bar on standard error until the block ends."""
    bars = Progress(
        TextColumn("{task.description:<22}"),
        BarColumn(bar_width=None),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with bars:
        task = bars.add_task("", total=1.0)
        yield lambda step, share: bars.update(
            task, description=words.STEPS[step].of(language), completed=share
        )
