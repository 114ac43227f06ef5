"""The whole test on a made device: what cannot be staged with a real one."""

import pytest

from probe.acceptance.acceptance import Acceptance
from probe.acceptance.finding import Result
from probe.acceptance.run import Site, accept
from probe.acceptance.words import CHECKS
from tests.probe.conditions.test_readers import put
from tests.probe.far_end import listening, mute, plain_backend

NET = "sys/class/net/lo"
BAD_DEVICE = {
    "proc/stat": "cpu  0 0 0 0 0 0 0 0 0 0\ncpu0 0 0 0 0 0 0 0 0 0 0\n",
    "proc/device-tree/model": "Raspberry Pi 3 Model B Plus Rev 1.3\0",
    "proc/device-tree/serial-number": "00000000d2e4f6a8\0",
    "proc/mounts": "card / tmpfs rw 0 0\n",
    "sys/devices/platform/soc/soc:firmware/get_throttled": "50005\n",
    f"{NET}/type": "1\n",
    f"{NET}/operstate": "up\n",
    f"{NET}/device/x": "",
    f"{NET}/speed": "100\n",
    f"{NET}/duplex": "half\n",
    "proc/net/if_inet6": "20010db8000000000000000000000001 01 40 00 80 lo\n",
    "proc/net/ipv6_route": f"{0:032} 00 {0:032} 00 {0:032} 00000400 {0:08} {0:08} {1:08} lo\n",
}


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Acceptance:
    """Return the acceptance of a device of which much has to be mended."""
    root = tmp_path_factory.mktemp("root")
    put(root, BAD_DEVICE)
    with listening(mute) as with_ipv4_alone, plain_backend(host="::1") as with_ipv6:
        return accept(
            Site(
                server=None,
                interface="lo",
                contract=None,
                state=root / "state",
                spool_bytes=1,
                enrolment=None,
                others=(with_ipv4_alone, with_ipv6),
                root=root,
                window_seconds=0.2,
            )
        )


def test_every_check_is_on_the_page_once_in_its_order(bad: Acceptance) -> None:
    """No reader that finds nothing leaves its line out."""
    assert [each.check for each in bad.findings] == list(CHECKS)


def test_what_has_to_be_mended_is_found_together(bad: Acceptance) -> None:
    """Half duplex, undervoltage, a disk in memory and no name server: nothing is certified."""
    assert {"interface", "power", "disk", "dns"} <= {each.check for each in bad.to_mend}
    assert bad.ceiling is None


def test_without_a_server_the_cable_stays_unknown(bad: Acceptance) -> None:
    """Loopback touches no cable, and the page says so instead of calling it whole."""
    results = {each.check: each.result for each in bad.findings}
    assert results["cable"] is results["reference"] is Result.UNKNOWN


def test_every_known_far_end_tells_of_the_network(bad: Acceptance) -> None:
    """Without a reference server, or with one that has no IPv6, the other servers and the collector
    say how far both families go.
    """
    found = {each.check: each for each in bad.findings}
    assert found["ipv4"].said.en.startswith("Reaches 127.0.0.1")
    assert (found["ipv4"].result, found["ipv6"].result) == (Result.OK, Result.OK)


def test_the_device_is_named_as_it_names_itself(bad: Acceptance) -> None:
    """Model and serial number, so that the page belongs to one device."""
    assert (bad.model, bad.serial) == ("Raspberry Pi 3 Model B Plus Rev 1.3", "00000000d2e4f6a8")
