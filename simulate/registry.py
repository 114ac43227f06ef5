"""Who is in a simulated fleet: carriers, wards, sites, lines, servers, probes with their keys.

Carriers are letters, wards and streets are made up: nothing here says anything of a real one. Each
probe follows from its number, so that a fleet of 100,000 needs no list of them in memory.
"""

import base64
import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.messages import MeasuredPath, ServerEntry
from simulate.plan import USUAL, FleetPlan, midnight, moment_text
from simulate.planting import Story, story_of

PROBES_A_WARD: Final = 12

MODELS: Final = ("Raspberry Pi 4 Model B Rev 1.5", "Raspberry Pi 5 Model B Rev 1.0")
SOFTWARE: Final = "linewatch/0.1.0"


@dataclass(frozen=True, slots=True)
class City:
    """A place of which the coordinates are real, and nothing else.

    ``server`` is the nearest one's number in `SERVERS`.
    """

    name: str
    latitude: float
    longitude: float
    server: int


CITIES: Final = (
    City("Hà Nội", 21.028, 105.854, 0),
    City("Hải Phòng", 20.861, 106.680, 0),
    City("Thành phố Hồ Chí Minh", 10.776, 106.701, 1),
    City("Đà Nẵng", 16.054, 108.202, 2),
    City("Cần Thơ", 10.034, 105.787, 1),
    City("Huế", 16.463, 107.590, 2),
)
WARD_NAMES: Final = ("An Bình", "Tân Phú", "Hòa Lạc", "Phú Mỹ", "Đông Hải", "Long Thạnh", "Bắc Sơn")


@dataclass(frozen=True, slots=True)
class Carrier:
    """A carrier, and how much its network suffers in the evening (a share of the rate).

    ``share`` is of all lines; ``prefixes`` are of the ranges that documentation may use.
    """

    id: str
    dip: float
    share: int
    prefixes: tuple[str, str]


CARRIERS: Final = (
    Carrier("a", 0.05, 40, ("198.18.0.0/18", "2001:db8:a000::/36")),
    Carrier("b", 0.12, 30, ("198.18.64.0/18", "2001:db8:b000::/36")),
    Carrier("c", 0.20, 20, ("198.18.128.0/18", "2001:db8:c000::/36")),
    Carrier("d", 0.08, 10, ("198.18.192.0/18", "2001:db8:d000::/36")),
)


@dataclass(frozen=True, slots=True)
class Offer:
    """What a line is sold as. Mbit/s; None: nothing is promised, ``rate`` is what it carries."""

    plan: str | None
    technology: str
    contracted: tuple[int, int] | None
    share: int
    rate: tuple[int, int] = (0, 0)


OFFERS: Final = (
    Offer("Cáp quang 100", "fibre", (100, 100), 25),
    Offer("Cáp quang 150", "fibre", (150, 150), 30),
    Offer("Cáp quang 300", "fibre", (300, 300), 25),
    Offer("Doanh nghiệp 500", "fibre", (500, 500), 8),
    Offer("Cáp đồng trục 80", "cable", (80, 20), 5),
    Offer(None, "5g", None, 4, (160, 38)),
    Offer(None, "4g", None, 3, (42, 14)),
)

SERVERS: Final = tuple(
    ServerEntry(
        name=name,
        url=f"http://{name}.do.vi-du.vn:8080/",
        stamp=f"{name}.do.vi-du.vn:8080",
        network=network,
    )
    for name, network in (("hn-1", "VNIX Hà Nội"), ("hcm-1", "VNIX TP.HCM"), ("dn-1", "VNIX ĐN"))
)
SERVER_ADDRESSES: Final = tuple(
    {4: f"203.0.113.{10 * number}", 6: f"2001:db8:f::{number}"} for number in range(1, 4)
)


@dataclass(frozen=True, slots=True)
class Line:
    """One carrier's service at a site.

    Attributes:
        contracted: bit/s down and up; None where nothing is promised.
        rate: what it carries at its best, Mbit/s down and up.
    """

    id: str
    carrier: Carrier
    offer: Offer
    ward: str
    rate: tuple[float, float]

    @property
    def contracted(self) -> tuple[int, int] | None:
        """What the contract promises, bit/s."""
        promised = self.offer.contracted
        return promised and (promised[0] * 10**6, promised[1] * 10**6)


@dataclass(frozen=True, slots=True)
class Way:
    """One path of a probe, with the addresses it has there."""

    path: MeasuredPath
    line: Line
    wifi: bool
    public: dict[int, str]


@dataclass(frozen=True, slots=True)
class Probe:
    """A probe at its site.

    Attributes:
        number: from 0.
        server: the nearest one's number in `SERVERS`.
        story: what its one line lives through; None: what is drawn, on all of its lines.
    """

    number: int
    id: str
    site: dict[str, Any]
    model: str
    server: int
    lines: tuple[Line, ...]
    ways: tuple[Way, ...]
    story: Story | None = None

    def key(self, seed: int) -> Ed25519PrivateKey:
        """Return its true key, which follows from the seed: of no worth outside of a simulation."""
        digest = hashlib.sha256(f"linewatch-simulated-key|{seed}|{self.id}".encode()).digest()
        return Ed25519PrivateKey.from_private_bytes(digest)


def public_text(key: Ed25519PrivateKey) -> str:
    """Return the public half of a key as the protocol carries it."""
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def probe_of(plan: FleetPlan, number: int) -> Probe:
    """Return the fleet's probe of a number."""
    dice = plan.dice("probe", number)
    city = CITIES[number // PROBES_A_WARD % len(CITIES)]
    ward_number = number // PROBES_A_WARD
    name = WARD_NAMES[ward_number % len(WARD_NAMES)]
    ward = f"Phường {name} {ward_number // len(WARD_NAMES) + 1}, {city.name}"
    own = f"s{plan.seed}-{number:05d}"
    site = {
        "id": f"{own}-site",
        "name": f"Nhà văn hóa tổ dân phố số {number % PROBES_A_WARD + 1}",
        "ward": ward,
        "address": f"{dice.randint(1, 200)} phố Không Có Thật",
        "latitude": round(city.latitude + dice.gauss(0, 0.03), 5),
        "longitude": round(city.longitude + dice.gauss(0, 0.03), 5),
    }
    story = story_of(plan, number)
    lines = (
        (_told_line(dice, own, ward, story.group.carrier),) if story else _lines(dice, own, ward)
    )
    model = dice.choice(MODELS)
    ways = (
        _told_ways(plan, story, lines[0], city.server, number)
        if story
        else _ways(plan, dice, lines, city.server, number)
    )
    return Probe(
        number=number,
        id=own,
        site=site,
        model=model,
        server=city.server,
        lines=lines,
        ways=tuple(ways),
        story=story,
    )


def _lines(dice: random.Random, own: str, ward: str) -> tuple[Line, ...]:
    """Return one line for most probes, two of different carriers for a quarter of them."""
    wanted = 2 if dice.random() < 0.25 else 1  # noqa: PLR2004 - a quarter
    weights = [carrier.share for carrier in CARRIERS]
    first = dice.choices(range(len(CARRIERS)), weights)[0]
    lines = []
    for count in range(wanted):
        offer = dice.choices(OFFERS, [each.share for each in OFFERS])[0]
        down, up = offer.contracted or offer.rate
        carrier = CARRIERS[(first + count) % len(CARRIERS)]
        rate = (down * dice.uniform(1.0, 1.06), up * dice.uniform(1.0, 1.06))
        lines.append(Line(f"{own}-{carrier.id}", carrier, offer, ward, rate))
    return tuple(lines)


def _told_line(dice: random.Random, own: str, ward: str, of: str | None) -> Line:
    """Return a line with a story: one that promises something, of a carrier where that is told."""
    carrier = dice.choices(CARRIERS, [each.share for each in CARRIERS])[0]
    carrier = next((each for each in CARRIERS if each.id == of), carrier)
    offers = [each for each in OFFERS if each.contracted]
    offer = dice.choices(offers, [each.share for each in offers])[0]
    assert offer.contracted is not None  # noqa: S101 - chosen so
    down, up = offer.contracted
    return Line(f"{own}-{carrier.id}", carrier, offer, ward, (float(down), float(up)))


def _told_ways(
    plan: FleetPlan, story: Story, line: Line, server: int, number: int
) -> Iterator[Way]:
    """Yield the paths of a line with a story: IPv4, which has enough tests with two servers."""
    names = tuple(
        SERVERS[(server + count) % len(SERVERS)].name for count in range(story.group.servers)
    )
    public = _addresses(line.carrier, number)
    radio = story.group.wifi
    name = "wlan0" if radio == "alone" else "eth0"
    path = MeasuredPath(
        name=name,
        interface=name,
        families=(4,),
        line=line.id,
        servers=names,
        schedule=plan.schedule,
    )
    yield Way(path, line, wifi=radio == "alone", public=public)
    if radio == "beside":
        changed = {"name": "wlan0", "interface": "wlan0", "beside": name}
        yield Way(path.model_copy(update=changed), line, wifi=True, public=public)


def _ways(
    plan: FleetPlan, dice: random.Random, lines: tuple[Line, ...], server: int, number: int
) -> list[Way]:
    """Return a path for each line; some probes measure over Wi-Fi, alone or beside the cable."""
    names = [SERVERS[server].name]
    if dice.random() < 0.5:  # noqa: PLR2004 - half of them have a second server
        names.append(SERVERS[(server + 1) % len(SERVERS)].name)
    radio = dice.random()
    ways = []
    for count, line in enumerate(lines):
        families: tuple[Any, ...] = (4, 6) if dice.random() < 0.55 else (4,)  # noqa: PLR2004 - some
        wifi_alone = count == 0 and radio < 0.05  # noqa: PLR2004 - one in twenty
        name = "wlan0" if wifi_alone else f"eth{count}"
        path = MeasuredPath(
            name=name,
            interface=name,
            families=families,
            line=line.id,
            servers=tuple(names),
            schedule=plan.schedule,
        )
        public = _addresses(line.carrier, number)
        ways.append(Way(path, line, wifi_alone, public))
        if count == 0 and 0.05 <= radio < 0.10:  # noqa: PLR2004 - as many beside the cable
            beside = path.model_copy(
                update={"name": "wlan0", "interface": "wlan0", "beside": path.name}
            )
            ways.append(Way(beside, line, wifi=True, public=public))
    return ways


def _addresses(carrier: Carrier, number: int) -> dict[int, str]:
    """Return a line's public addresses, of its carrier's networks."""
    low, high = (prefix.partition("/")[0] for prefix in carrier.prefixes)
    return {
        4: str(IPv4Address(low) + 1 + number % 16000),
        6: str(IPv6Address(high) + ((number + 1) << 64) + 0x5EED),
    }


def registry_file(plan: FleetPlan) -> dict[str, Any]:
    """Return what `linewatch registry import` takes: everything of the fleet."""
    content: dict[str, Any] = {
        "carriers": [
            {"id": each.id, "name": f"Nhà mạng {each.id.upper()}", "prefixes": each.prefixes}
            for each in CARRIERS
        ],
        "servers": [each.model_dump(mode="json", exclude_none=True) for each in SERVERS],
        "sites": [],
        "lines": [],
        "probes": [],
    }
    for number in range(plan.probes):
        probe = probe_of(plan, number)
        content["sites"].append(probe.site)
        content["lines"] += [_line_row(plan, line, probe) for line in probe.lines]
        content["probes"].append(_probe_row(plan, probe))
    return content


def _line_row(plan: FleetPlan, line: Line, probe: Probe) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": line.id,
        "site": str(probe.site["id"]),
        "carrier": line.carrier.id,
        "technology": line.offer.technology,
    }
    story = probe.story
    changed = story.group.plan_on if story else None
    if story is None or changed is None:
        return row | _terms(line, 1.0)
    # Known before the fleet begins, and on the day from which on it holds.
    began, then = moment_text(plan.begins - 86400), moment_text(midnight(changed))
    later = {"valid_from": changed.isoformat(), "recorded_at": then}
    return row | {
        "terms": [
            _terms(line, 1.0) | {"recorded_at": began},
            _terms(line, story.promised(midnight(changed))) | later,
        ]
    }


def _terms(line: Line, factor: float) -> dict[str, Any]:
    """Return what is promised, so much of what the line was first sold as."""
    terms: dict[str, Any] = {"plan": line.offer.plan}
    if line.contracted:
        down, up = (int(rate * factor) for rate in line.contracted)
        terms |= {
            "contracted_download_bits_per_second": down,
            "contracted_upload_bits_per_second": up,
            "declared_download_bits_per_second": down,
            "declared_upload_bits_per_second": up,
        }
    if factor != 1:
        terms["plan"] = f"{line.offer.plan} × {factor:g}"
    return terms


def _probe_row(plan: FleetPlan, probe: Probe) -> dict[str, Any]:
    # A plan that is the collector's own is not said again.
    left_out = {"carrier_prefixes"} | ({"schedule"} if plan.schedule == USUAL else set())
    paths = [way.path.model_dump(mode="json", exclude=left_out) for way in probe.ways]
    return {
        "id": probe.id,
        "site": probe.site["id"],
        "public_key": public_text(probe.key(plan.seed)),
        "software": SOFTWARE,
        "model": probe.model,
        "paths": paths,
    }
