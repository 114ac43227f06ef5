"""`linewatch server …`."""

import logging
import resource
import signal
import sys
import threading

import click

from protocol.settings import Configuration
from server.addresses import parse_listen
from server.app import MeasurementServer
from server.errors import ServerError
from server.settings import ServerSettings

_OTHER_DESCRIPTORS = 600
"""What the server opens besides admitted connections: refused ones, listeners, files."""

_log = logging.getLogger("server")


def _check_listen(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    del ctx, param
    if value is not None:
        try:
            parse_listen(value)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None
    return value


@click.command(
    epilog="Examples: linewatch server run;  linewatch server run --listen 127.0.0.1:0;  "
    "linewatch server run --listen [::]:443 --config /etc/linewatch/config.yaml"
)
@click.option(
    "--listen",
    metavar="HOST:PORT",
    callback=_check_listen,
    help="What to listen on, for both HTTP and STAMP. An empty host is every address; port 0 is "
    "any free one.",
)
@click.option("--verbose", is_flag=True, help="Also log how each connection ended.")
@click.pass_obj
def run(configuration: Configuration, listen: str | None, verbose: bool) -> None:
    """Serve measurements until SIGTERM or Ctrl-C. SIGHUP reads the certificate again."""
    settings = configuration.section("server", ServerSettings)
    if listen is not None:
        settings = settings.model_copy(update={"listen": listen})
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
    )
    stop, reload_asked, woken = threading.Event(), threading.Event(), threading.Event()
    _on_signals(stop, reload_asked, woken)
    _raise_descriptor_limit(settings.limits.connections)
    server = MeasurementServer(settings)
    try:
        click.echo(f"listening on {server.url}")
        sys.stdout.flush()
        _log.info("serving as %r", settings.name)
        while not stop.is_set():
            woken.wait()
            woken.clear()
            if reload_asked.is_set():
                reload_asked.clear()
                _reload(server)
    finally:
        server.stop()
        _log.info("stopped")


def _on_signals(
    stop: threading.Event, reload_asked: threading.Event, woken: threading.Event
) -> None:
    def note(number: int, frame: object) -> None:
        del frame
        (reload_asked if number == signal.SIGHUP else stop).set()
        woken.set()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, note)


def _reload(server: MeasurementServer) -> None:
    try:
        server.reload_certificate()
        _log.info("certificate read again")
    except ServerError as error:
        _log.error("%s; the old certificate stays in use", error)


def _raise_descriptor_limit(connections: int) -> None:
    """Let the process open as many files as its limits on connections need, as far as allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = connections + _OTHER_DESCRIPTORS
    if hard != resource.RLIM_INFINITY and hard < needed:
        _log.warning(
            "server.limits.connections is %d, but the system lets this process open only %d files: "
            "lower it, or raise LimitNOFILE in the systemd unit to %d",
            connections,
            hard,
            needed,
        )
        needed = hard
    if soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
