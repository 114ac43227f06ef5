"""`linewatch carrier prefixes`: by which networks a carrier's lines reach the Internet."""

from typing import TextIO

import click

from collector.commands.ledger import opened
from collector.domain.prefixes import PrefixError, parse_prefixes
from collector.errors import RegistryError
from collector.ledger import registry, schema
from protocol.settings import Configuration


@click.command(
    epilog="Examples: linewatch carrier prefixes vnpt vnpt.txt;  "
    "zcat routeviews.pfx2as.gz | linewatch carrier prefixes vnpt - --asn 45899"
)
@click.argument("carrier")
@click.argument("file", type=click.File(errors="replace"), required=False)
@click.option(
    "--asn",
    "systems",
    type=click.IntRange(1, 2**32 - 1),
    multiple=True,
    help="Take only what this AS announces, from a list that names ASes; once for each.",
)
@click.option("--forget", is_flag=True, help="Forget the networks: no test is held against them.")
@click.pass_obj
def carrier_prefixes(
    configuration: Configuration,
    *,
    carrier: str,
    file: TextIO | None,
    systems: tuple[int, ...],
    forget: bool,
) -> None:
    """Say by which networks a carrier's lines leave, in place of what was said before.

    A test that left by another network, as by a failover over mobile, is flagged and does not count
    for the line. FILE has one network a line (203.0.113.0/24), both families; or it is a list of
    networks with ASes: CAIDA's pfx2as, RIPE's riswhoisdump. Take both families, or that which is
    missing is not judged.
    """
    if forget == (file is not None):
        raise RegistryError("give a FILE of networks, or --forget")
    try:
        networks = parse_prefixes(file, systems) if file else ()
    except PrefixError as error:
        raise RegistryError(f"{file.name if file else ''}: {error}") from None
    text = " ".join(map(str, networks)) or None
    with opened(configuration) as (database, _), database.write() as connection:
        registry.change(connection, schema.carriers, carrier, {"prefixes": text})
    counts = {version: sum(each.version == version for each in networks) for version in (4, 6)}
    told = f"{counts[4]} IPv4 and {counts[6]} IPv6 networks" if networks else "no networks"
    click.secho(f"carrier '{carrier}' has {told}", fg="green")
