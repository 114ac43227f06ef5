"""A probe with two uplinks, each with a carrier behind it, in three network namespaces.

    carrier a ── up0   probe   up1 ── carrier b

Both carriers have a far end of the same name; where their name server says that it is differs, and
so do their networks. Needs root and `ip`.
"""

import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).parents[3]
FAR4 = {"a": "192.0.2.1", "b": "192.0.2.2"}
FAR6 = {"a": "2001:db8:f::1", "b": "2001:db8:f::2"}
NETWORK4 = {"a": "198.51.100", "b": "203.0.113"}
NETWORK6 = {"a": "2001:db8:a:", "b": "2001:db8:b:"}
INTERFACE = {"a": "up0", "b": "up1"}


@dataclass(frozen=True)
class Uplinks:
    """The namespaces' names; ``folder`` has the probe's resolv.conf."""

    name: str
    folder: Path

    def ip(self, place: str, words: str) -> None:
        """Run `ip` at a place: probe, a or b."""
        subprocess.run(["ip", "-n", f"{self.name}-{place}", *words.split()], check=True)

    def inside(self, place: str, arguments: Sequence[str]) -> list[str]:
        """Return the command line that runs a program at a place."""
        return ["ip", "netns", "exec", f"{self.name}-{place}", *arguments]

    def python(self, module: str, *arguments: str, seconds: float = 60) -> str:
        """Run a module on the probe, with its resolv.conf; return what it prints."""
        script = f'mount --bind {self.folder}/resolv.conf /etc/resolv.conf && exec "$@"'
        done = subprocess.run(
            self.inside(
                "probe", ["sh", "-c", script, "sh", sys.executable, "-m", module, *arguments]
            ),
            cwd=TOP,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextmanager
def uplinks(folder: Path) -> Iterator[Uplinks]:
    """Make the namespaces with their carriers at work, and take all of it down again."""
    made = Uplinks(f"linewatch-{secrets.token_hex(4)}", folder)
    with ExitStack() as undo:
        for place in ("probe", "a", "b"):
            namespace = f"{made.name}-{place}"
            subprocess.run(["ip", "netns", "add", namespace], check=True)
            undo.callback(subprocess.run, ["ip", "netns", "delete", namespace], check=False)
            no_dad = "echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad"
            subprocess.run(made.inside(place, ["sh", "-c", no_dad]), check=True)
            made.ip(place, "link set lo up")
        # The system's name server is the one of line a, as it would be with two leases.
        (folder / "resolv.conf").write_text(f"nameserver {NETWORK4['a']}.1\n")
        for carrier in ("a", "b"):
            connect(made, carrier)
            command = [sys.executable, "-m", "tests.probe.paths.carrier", carrier]
            running = subprocess.Popen(
                made.inside(carrier, [*command, FAR4[carrier], FAR6[carrier]]),
                cwd=TOP,
                stdout=subprocess.PIPE,
            )
            undo.callback(running.wait)
            undo.callback(running.terminate)
            assert running.stdout is not None
            undo.callback(running.stdout.close)
            assert running.stdout.readline() == b"ready\n"
        yield made


def connect(made: Uplinks, carrier: str) -> None:
    """Lay the line of a carrier, and give the probe its addresses and default routes."""
    interface = INTERFACE[carrier]
    made.ip("probe", f"link add {interface} type veth peer name line netns {made.name}-{carrier}")
    made.ip(carrier, "link set line up")
    made.ip(carrier, f"address add {NETWORK4[carrier]}.1/24 dev line")
    made.ip(carrier, f"address add {NETWORK6[carrier]}:1/64 dev line")
    for far in FAR4, FAR6:
        made.ip(carrier, f"address add {far[carrier]} dev lo")
    address(made, carrier)


def address(made: Uplinks, carrier: str) -> None:
    """Bring a probe's interface up with its addresses and default routes, the first's better."""
    interface = INTERFACE[carrier]
    metric = 100 if carrier == "a" else 600
    made.ip("probe", f"link set {interface} up")
    made.ip("probe", f"address add {NETWORK4[carrier]}.2/24 dev {interface}")
    made.ip("probe", f"-6 address add {NETWORK6[carrier]}:2/64 dev {interface}")
    for gateway in f"{NETWORK4[carrier]}.1", f"{NETWORK6[carrier]}:1":
        family = 6 if ":" in gateway else 4
        made.ip(
            "probe", f"-{family} route add default via {gateway} dev {interface} metric {metric}"
        )


def wait_for(holds: Callable[[], bool], seconds: float = 20) -> bool:
    """Return whether something holds, as soon as it does."""
    until = time.monotonic() + seconds
    while not (held := holds()) and time.monotonic() < until:
        time.sleep(0.1)
    return held
