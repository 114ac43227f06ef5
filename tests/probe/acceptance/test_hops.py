"""The first routers on the way out, asked for real over two of them in namespaces."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ASK = """
import time
from probe.acceptance.hops import first_hops
from probe.transfer.guard import Guard
print(*first_hops("out", Guard(time.monotonic() + 20)))
"""

WIRES = (
    ("probe", "out", "192.168.1.9/24", "inner", "in", "192.168.1.1/24"),
    ("inner", "out", "10.7.0.2/24", "outer", "in", "10.7.0.1/24"),
    ("outer", "out", "198.18.9.2/24", "world", "in", "198.18.9.1/24"),
)
"""A probe behind two routers that both translate: each wire's two ends and their addresses."""


def ip(*words: str) -> None:
    """Run one ip command."""
    subprocess.run(["ip", *words], check=True, timeout=10)


@pytest.mark.timeout(60)
def test_two_routers_are_found_without_any_privilege() -> None:
    """Packets that die on the way bring the addresses of both; no capability is left."""
    names = {each: f"hops-{os.getpid()}-{each}" for each in ("probe", "inner", "outer", "world")}
    try:
        for name in names.values():
            ip("netns", "add", name)
        for near, port, address, far, peer, beyond in WIRES:
            wire = ("link", "add", port, "netns", names[near], "type", "veth")
            ip(*wire, "peer", "name", peer, "netns", names[far])
            for place, end, its in ((near, port, address), (far, peer, beyond)):
                ip("-n", names[place], "address", "add", its, "dev", end)
                ip("-n", names[place], "link", "set", end, "up")
            gateway = beyond.partition("/")[0]
            ip("-n", names[near], "route", "add", "default", "via", gateway)
        for router in ("inner", "outer"):
            forward = ["sysctl", "-qw", "net.ipv4.ip_forward=1"]
            subprocess.run(["ip", "netns", "exec", names[router], *forward], check=True, timeout=10)
        # Outwards is enough: answers to the inner address need a way back.
        ip("-n", names["outer"], "route", "add", "192.168.1.0/24", "via", "10.7.0.2")
        ask = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
        ask += [sys.executable, "-c", ASK]
        done = subprocess.run(
            ["ip", "netns", "exec", names["probe"], *ask],
            cwd=Path(__file__).parents[3],
            capture_output=True,
            text=True,
            timeout=40,
            check=False,
        )
        assert done.stdout.split() == ["192.168.1.1", "10.7.0.1"], done.stderr
    finally:
        for name in names.values():
            subprocess.run(["ip", "netns", "del", name], check=False, timeout=10)
