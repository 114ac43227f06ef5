"""Measures on the probe of `tests.probe.paths.uplinks`, and prints what it found as JSON.

`ipv6`: IPv6 readiness of up0 in each state that the program brings it to. `paths`: what each path's
test saw; `paths refused` as on a system that does not let the probe bind to an interface's name.
"""

import json
import socket
import subprocess
import sys
import time

from probe.engine import MeasurementError, Order
from probe.engines.reach import ReachEngine
from probe.transfer.dial import Dialer, Target
from probe.transfer.guard import Guard
from probe.transfer.http import Client
from protocol.messages import ServerEntry
from protocol.results import Reach


def ip(words: str) -> None:
    """Run `ip`."""
    subprocess.run(["ip", *words.split()], check=True)


def reach(name: str, interface: str = "up0", port: int = 8080) -> Reach:
    """Return what the engine finds."""
    server = ServerEntry(name="far", url=f"http://{name}:{port}/")
    deadline = time.monotonic() + 20
    order = Order(server=server, interface=interface, deadline=deadline)
    section = ReachEngine().measure(order).section
    assert isinstance(section, Reach)
    return section


def ipv6() -> dict[str, object]:
    """Return the readiness in each state, as JSON."""
    found = {
        "ready": reach("both.example"),
        "no_name": reach("broken.example"),
        "unknown": reach("only4.example"),
        "slower": reach("slow6.example", port=8081),
        "refused": reach("both.example", port=9),
    }
    ip("-6 route replace 2001:db8:f::1 via 2001:db8:a::7 dev up0")
    ip("-6 neighbour add 2001:db8:a::7 lladdr 02:00:00:00:00:07 dev up0")
    found["no_answer"] = reach("both.example")
    ip("-6 route del 2001:db8:f::1")
    ip("-6 route del default dev up0")
    found["no_route"] = reach("both.example")
    ip("-6 address flush dev up0 scope global")
    ip("-6 address add fd00:a::2/64 dev up0")
    found["no_address"] = reach("both.example")
    return {name: section.model_dump(mode="json") for name, section in found.items()}


def paths() -> dict[str, object]:
    """Return of each interface who answered at the far end, where it was, and what reach found."""
    found: dict[str, object] = {}
    for interface in ("up0", "up1"):
        section = reach("both.example", interface)
        dialers = {
            family: Dialer(
                Target.of("http://both.example:8080/"),
                Guard(time.monotonic() + 9),
                interface,
                family,
            )
            for family in (4, 6)
        }
        found[interface] = {
            "targets": {one.name: one.target for one in section.targets if one.reached},
            "readiness": section.ipv6.state if section.ipv6 else None,
            **{f"IPv{family}": asked(dialer) for family, dialer in dialers.items()},
        }
    return found


def asked(dialer: Dialer) -> list[object]:
    """Return who answers, at which address, and the address that was asked from."""
    client = Client(dialer)
    try:
        body = client.get("/").body.decode()
    except MeasurementError as error:
        return [error.report.code.value]
    finally:
        client.close()
    return [body, dialer.address and dialer.address[1][0], client.local_address]


class Refusing(socket.socket):
    """A socket of a system that keeps SO_BINDTODEVICE for CAP_NET_RAW."""

    def setsockopt(self, level: int, name: int, *value: object) -> None:
        """Refuse to bind to a device."""
        if name == socket.SO_BINDTODEVICE:
            raise PermissionError(1, "Operation not permitted")
        super().setsockopt(level, name, *value)  # type: ignore[call-overload]


def main() -> None:
    """Measure."""
    if sys.argv[2:] == ["refused"]:
        socket.socket = Refusing  # type: ignore[misc]
    print(json.dumps(ipv6() if sys.argv[1] == "ipv6" else paths()))  # noqa: T201 - the result


if __name__ == "__main__":
    main()
