"""Real series databases of others for tests: VictoriaMetrics, InfluxDB 1.x, Prometheus.

    with victoria_metrics(folder) as series:
        ...                                   # write to series.url, then
        series.flush()                        # what was written is seen by queries
        promql(series.url, "linewatch_speed_records", at=moment)

Each listens on a free port of loopback, keeps its data below ``folder`` and is gone after the
block; started again with the same ``folder`` and ``port`` it goes on with what it finds. `make
test-packages` takes the programs out of Debian's packages into build/.
"""

import json
import re
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.processes import READY_SECONDS, Process, ProcessError, running

_TOP = Path(__file__).parents[1]
_ANSWER_SECONDS = 30.0
_POLL_SECONDS = 0.02
_LISTENS = "0A"
"""The state of a listening socket in /proc/net/tcp."""

_PROMETHEUS_CONFIGURATION = "scrape_configs: []\n"

_INFLUXDB_CONFIGURATION = """\
reporting-disabled = true
bind-address = "127.0.0.1:0"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  query-log-enabled = false
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:{port}"
  log-enabled = false
  auth-enabled = {auth}
[continuous_queries]
  enabled = false
"""


@dataclass(frozen=True, slots=True)
class Service:
    """A server that runs.

    Attributes:
        process: to stop, to kill and to read; its log is ``process.log``.
        url: where it listens, without a slash at its end.
    """

    process: Process
    url: str

    @property
    def port(self) -> int:
        """The number in its address, to start it again there."""
        return int(self.url.rpartition(":")[2])

    def flush(self) -> None:
        """Make all that VictoriaMetrics took visible to queries; the others show it at once."""
        fetch(f"{self.url}/internal/force_flush")


def program(name: str) -> str:
    """Return where a server's program is: installed, or below build/.

    Raises:
        AssertionError: it is in neither place.
    """
    found = shutil.which(name) or str(_TOP / "build" / name)
    assert Path(found).exists(), f"{name} is missing: make test-packages"
    return found


@contextmanager
def victoria_metrics(
    folder: Path, *, port: int = 0, arguments: Sequence[str] = ()
) -> Iterator[Service]:
    """Run a VictoriaMetrics of one node, as docs/operator.md says, until the block ends.

    Args:
        folder: where its data is.
        port: to listen on; 0 takes a free one.
        arguments: added to the command line.
    """
    folder.mkdir(parents=True, exist_ok=True)
    command = [
        program("victoria-metrics"),
        f"-httpListenAddr=127.0.0.1:{port}",
        f"-storageDataPath={folder / 'data'}",
        "-retentionPeriod=100y",
        # The same point again is one point: without it each copy is counted.
        "-dedup.minScrapeInterval=1ms",
        # Tests ask at once for what they wrote, also in the past.
        "-search.disableCache",
        "-search.latencyOffset=0s",
        "-memory.allowedBytes=256MB",
        *arguments,
    ]
    with running("victoria-metrics", command, folder) as process:
        yield _ready(process, "/health")


@contextmanager
def influxdb(folder: Path, *, port: int = 0, auth: bool = False) -> Iterator[Service]:
    """Run an InfluxDB 1.x until the block ends. It has no database before `influxql` makes one.

    Args:
        folder: where its data is.
        port: to listen on; 0 takes a free one.
        auth: whether it asks for a user and a password.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = _INFLUXDB_CONFIGURATION.format(folder=folder, port=port, auth=str(auth).lower())
    (folder / "influxdb.conf").write_text(text)
    command = [program("influxd"), "run", "-config", str(folder / "influxdb.conf")]
    with running("influxd", command, folder) as process:
        # It listens on a second port too, for its own backups.
        address = process.wait_for(r"Listening on HTTP.* addr=(\S+)")[1]
        yield _ready(process, "/ping", int(address.rpartition(":")[2]))


@contextmanager
def prometheus(
    folder: Path, *, configuration: str = _PROMETHEUS_CONFIGURATION, port: int = 0
) -> Iterator[Service]:
    """Run a Prometheus until the block ends.

    Args:
        folder: where its data is.
        configuration: the text of prometheus.yml; by default it scrapes nothing.
        port: to listen on; 0 takes a free one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "prometheus.yml").write_text(configuration)
    command = [
        program("prometheus"),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-lifecycle",
    ]
    with running("prometheus", command, folder) as process:
        yield _ready(process, "/-/ready")


def promql(
    url: str, query: str, at: datetime | None = None, *, over: tuple[datetime, int] | None = None
) -> list[dict[str, Any]]:
    """Return the series that a query answers, by the API of Prometheus that both servers have.

    Args:
        url: of the server.
        query: in PromQL.
        at: the moment of the evaluation; None: now.
        over: for a range: where it begins (it ends at ``at``), and the step in seconds.
    """
    asked: dict[str, Any] = {"query": query}
    if over:
        begin, step = over
        asked |= {"start": begin.timestamp(), "step": step}
        asked["end"] = (at or datetime.now(begin.tzinfo)).timestamp()
    elif at:
        asked["time"] = at.timestamp()
    answer = _json(f"{url}/api/v1/query{'_range' if over else ''}", asked)
    found: list[dict[str, Any]] = answer["data"]["result"]
    return found


def samples(url: str, match: str) -> list[tuple[dict[str, str], list[int], list[float]]]:
    """Return every stored sample of a VictoriaMetrics: labels, times in ms, values.

    Args:
        url: of the server.
        match: a selector, for example ``{__name__=~"linewatch_.*"}``.
    """
    lines = fetch(f"{url}/api/v1/export", {"match[]": match, "reduce_mem_usage": "0"}).splitlines()
    rows = [json.loads(line) for line in lines]
    return [(row["metric"], row["timestamps"], row["values"]) for row in rows]


def influxql(
    url: str, query: str, database: str = "", login: tuple[str, str] | None = None
) -> list[dict[str, Any]]:
    """Return the series that a query of InfluxDB answers; times are in ms.

    Args:
        url: of the server.
        query: in InfluxQL; one that changes something too.
        database: that is asked.
        login: user and password, where it asks for them.
    """
    asked = {"q": query, "db": database, "epoch": "ms"}
    # The login is looked for in the address alone.
    user = f"?{urllib.parse.urlencode({'u': login[0], 'p': login[1]})}" if login else ""
    results = _json(f"{url}/query{user}", asked, post=True)["results"]
    assert all("error" not in result for result in results), results
    return [series for result in results for series in result.get("series", [])]


def fetch(url: str, asked: Mapping[str, Any] | None = None, *, post: bool = False) -> str:
    """Return the text of an answer.

    Raises:
        AssertionError: the server refused; says what it answered.
    """
    form = urllib.parse.urlencode(asked or {})
    place, body = (url, form.encode()) if post else (f"{url}?{form}", None)
    try:
        with urllib.request.urlopen(place, body, _ANSWER_SECONDS) as answer:  # noqa: S310 - loopback
            text: str = answer.read().decode()
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{error.code} of {url}: {error.read().decode()}") from None
    return text


def _json(url: str, asked: Mapping[str, Any], *, post: bool = False) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(fetch(url, asked, post=post))
    return answer


def _ready(process: Process, path: str, port: int | None = None) -> Service:
    """Return the service once it answers; waits for ``READY_SECONDS`` at most."""
    ends = time.monotonic() + READY_SECONDS
    while True:
        found = port or _listening_port(process.popen.pid)
        if found:
            url = f"http://127.0.0.1:{found}"
            try:
                fetch(f"{url}{path}")
            except (OSError, AssertionError):
                pass
            else:
                return Service(process, url)
        if process.popen.poll() is not None or time.monotonic() >= ends:
            raise ProcessError(
                f"{process.name} is not ready; it printed:\n{process.text()[-4000:]}"
            )
        time.sleep(_POLL_SECONDS)


def _listening_port(pid: int) -> int | None:
    """Return the port that a process listens on: not every server says which one it was given."""
    held = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            held.add(str(entry.readlink()))
        except FileNotFoundError:
            continue  # closed meanwhile
    for row in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = row.split()
        if fields[3] == _LISTENS and f"socket:[{fields[9]}]" in held:
            return int(re.sub(r".*:", "", fields[1]), 16)
    return None
