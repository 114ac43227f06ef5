"""LibreSpeed's server lists."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.messages import BackendPaths
from protocol.server_list import MAX_LISTED, ListFault, parse

PARIS = {
    "id": 7,
    "name": "Paris, France (Some Host)",
    "server": "//paris.example/speed/",
    "dlURL": "backend/garbage.php",
    "ulURL": "backend/empty.php",
    "pingURL": "backend/empty.php",
    "getIpURL": "backend/getIP.php",
    "sponsorName": "Some Host",
    "sponsorURL": "https://host.example",
}


def listed(*changes: dict[str, Any]) -> str:
    """Return a list of servers that are Paris, changed as asked."""
    return json.dumps([PARIS | change for change in changes])


def test_a_server_is_understood() -> None:
    """Name, address, paths and sponsor are taken; an address for both schemes is read as http."""
    ((entry,), faults) = (parse(listed({})).entries, parse(listed({})).faults)
    assert faults == ()
    assert (entry.name, entry.url) == ("paris-france-some-host", "http://paris.example/speed/")
    assert (entry.network, entry.engine) == ("Some Host", "http")
    assert entry.paths == BackendPaths.model_validate(
        {key: PARIS[key] for key in PARIS if key.endswith("URL") and key != "sponsorURL"}
    )


def test_names_are_safe_and_stay_the_same() -> None:
    """Vietnamese names lose their marks, not their letters; two of one name are told apart by
    their number, and what cannot be written at all has a name too.
    """
    names = ["Hà Nội, Đống Đa", "Hà Nội – Đống Đa", "東京", "x" * 200]
    text = listed(*({"name": name, "id": number} for number, name in enumerate(names)))
    found = [entry.name for entry in parse(text).entries]
    assert found == ["ha-noi-dong-da", "ha-noi-dong-da-1", "server", "x" * 50]
    assert found == [entry.name for entry in parse(text).entries]


def test_what_is_missing_has_librespeeds_names() -> None:
    """Paths that a list does not give are those of LibreSpeed's own backend."""
    (entry,) = parse('[{"name": "a", "server": "https://a.example"}]').entries
    assert entry.paths == BackendPaths()


@pytest.mark.parametrize(
    "change, told",
    [
        ({"name": " "}, "it has no name"),
        ({"server": None}, "('Paris, France (Some Host)'): it has no server address"),
        ({"server": "paris.example"}, "'paris.example' is no server's address"),
        ({"server": "ftp://paris.example/"}, "is no server's address"),
        ({"server": "http://[::1"}, "Invalid IPv6 URL"),
        ({"server": "http://a b/"}, "is no server's address"),
        ({"dlURL": "https://cdn.example/garbage.php"}, "dlURL is no path below its server"),
        ({"ulURL": 7}, "ulURL is no text"),
        ({"pingURL": "a b"}, "pingURL is no path: 'a b'"),
        ({"getIpURL": "x\r\nHost: other"}, "getIpURL is no path"),
    ],
)
def test_a_faulty_entry_is_told_and_the_others_stay(change: dict[str, Any], told: str) -> None:
    """An entry that cannot be used is left out with its number and the reason."""
    found = parse(listed({"name": "good"}, change))
    assert [entry.name for entry in found.entries] == ["good"]
    (fault,) = found.faults
    assert fault.startswith("entry 2")
    assert told in fault


@pytest.mark.parametrize("text", ["", "{}", "null", "[" * 100_000, b"\xff"])
def test_what_is_no_list_is_refused(text: str | bytes) -> None:
    """Anything but an array of JSON ends with a sentence."""
    with pytest.raises(ListFault):
        parse(text)


def test_a_list_ends() -> None:
    """A list that is longer than any real one is cut, and the rest counted."""
    found = parse(json.dumps([PARIS] * (MAX_LISTED + 3)))
    assert len({entry.name for entry in found.entries}) == MAX_LISTED
    assert found.faults == (f"3 more: a list may have {MAX_LISTED} servers",)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.just(PARIS),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from([*PARIS, "x"]), inner, max_size=6)
    ),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(values)
def test_every_entry_is_used_or_told(value: Any) -> None:
    """Whatever JSON comes, each entry of an array ends as a server or as a fault."""
    try:
        found = parse(json.dumps(value))
    except ListFault:
        assert not isinstance(value, list)
        return
    assert len(found.entries) + len(found.faults) == len(value)
