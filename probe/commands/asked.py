"""Which server `linewatch measure` goes to, by what was asked and what is known."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from probe.engines import ENGINES
from probe.engines.ookla import SERVICE
from probe.server_list import read_list
from probe.settings import ProbeSettings
from protocol.constants import DEFAULT_ENGINE, FOREIGN_ENGINES, OOKLA_ENGINE
from protocol.errors import ConfigurationError
from protocol.messages import ServerEntry

if TYPE_CHECKING:
    from probe.identity import Enrolment

AS_THE_AGENT: Final = (
    "sudo -u linewatch-probe linewatch measure --config /etc/linewatch/config.yaml"
)
"""As install-probe.sh sets a device up. The file is named because that user may not look into the
folder that somebody else works in."""

_WEB: Final = ("http://", "https://")
_SCHEMES: Final = {"ndt7": (*_WEB, "ws://", "wss://"), "iperf3": ("iperf3://",)}
"""How the addresses of an engine's servers begin, where it is not as for all others."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The server to measure to, or those to choose the nearest from."""

    server: ServerEntry | None
    candidates: tuple[ServerEntry, ...] = ()


def far_end(
    settings: ProbeSettings, engine: str, url: str | None, server_list: Path | None
) -> Asked:
    """Return the server asked for, or the configured one, a list's nearest, or the collector's.

    Raises:
        ConfigurationError: none is known, or what was asked for does not fit.
    """
    if server_list is not None:
        if url is not None or engine != DEFAULT_ENGINE:
            raise ConfigurationError(
                "--server-list chooses a server for the engine http: say it without --server"
            )
        return Asked(None, read_list(server_list))
    if url is not None:
        return Asked(ServerEntry(name="asked", url=_checked(url, engine), engine=engine))
    configured = _of_engine(engine, settings.servers)
    if configured:
        return Asked(configured)
    if engine == OOKLA_ENGINE:
        return Asked(ServerEntry(name="nearest", url=SERVICE, engine=engine))
    if engine == DEFAULT_ENGINE and settings.server_list:
        return Asked(None, read_list(settings.server_list))
    server = _of_engine(engine, _instructed_servers(settings.state_directory))
    if server is None:
        raise ConfigurationError(
            "no measurement server is known: say --server URL, or name one in probe.servers "
            "of config.yaml"
        )
    return Asked(server)


def others(settings: ProbeSettings) -> tuple[str, ...]:
    """Return the URLs of all servers that this device knows.

    `reach` tells by them and by the collector a dead line from a dead server, and finds one that
    has IPv6; a test asks them for its address where its own server does not tell it.
    """
    enrolled = _readable_enrolment(settings) is not None
    named = _instructed_servers(settings.state_directory) if enrolled else ()
    servers = (*settings.servers, *named)
    urls = (entry.url for entry in servers if entry.engine not in FOREIGN_ENGINES)
    return tuple(dict.fromkeys(urls))


def collector(settings: ProbeSettings) -> str | None:
    """Return the URL of this device's collector; None where it knows none."""
    enrolment = _readable_enrolment(settings)
    return settings.collector_url or (enrolment.collector_url if enrolment else None)


def _readable_enrolment(settings: ProbeSettings) -> "Enrolment | None":
    """Return who this device's agent is; None also where the state is somebody else's.

    What config.yaml names has to do then.
    """
    try:
        return _enrolment(settings.state_directory)
    except ConfigurationError:
        return None


def _checked(url: str, engine: str) -> str:
    schemes = _SCHEMES.get(engine, _WEB)
    if "://" in url and not url.lower().startswith(schemes):
        raise ConfigurationError(
            f"--server {url}: the address must begin with {' or '.join(schemes)}"
        )
    return url


def _of_engine(engine: str, known: Sequence[ServerEntry]) -> ServerEntry | None:
    """Return the first server of an engine; the others' engines also speak with the usual one's."""
    own = next((entry for entry in known if entry.engine == engine), None)
    if own is not None or engine in FOREIGN_ENGINES:
        return own
    # What an agent alone needs is loaded only where it is asked for.
    from probe.servers import choose_server  # noqa: PLC0415

    return choose_server(ENGINES[engine].task, known)


def _instructed_servers(state: Path) -> tuple[ServerEntry, ...]:
    """Return the servers that the collector named to this device's agent; none where none did.

    Raises:
        ConfigurationError: this user cannot read the agent's state.
    """
    from probe.instructions import InstructionKeeper  # noqa: PLC0415

    enrolment = _enrolment(state)
    kept = InstructionKeeper(state, enrolment.probe).load() if enrolment else None
    return kept.instruction.servers if kept else ()


def _enrolment(state: Path) -> "Enrolment | None":
    """Return who this device's agent is; None where it is nobody yet.

    Raises:
        ConfigurationError: this user cannot read the agent's state.
    """
    from probe.identity import ENROLMENT_NAME, Enrolment  # noqa: PLC0415

    try:
        return Enrolment.model_validate_json((state / ENROLMENT_NAME).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
    except OSError as error:
        raise ConfigurationError(
            f"config.yaml names no measurement server, and what the collector named cannot be read "
            f"in {state} ({error.strerror}): say --server URL, or run it as the agent's user, "
            f"'{AS_THE_AGENT}'"
        ) from None
