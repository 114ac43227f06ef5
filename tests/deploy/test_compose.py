"""The container files: well formed, without default passwords, and about things that exist."""

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from collector.settings import CollectorSettings
from protocol.settings import Configuration

TOP = Path(__file__).parents[2]
DEPLOY = TOP / "deploy"


def compose() -> dict[str, Any]:
    """Return compose.yaml."""
    tree: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return tree


def test_the_five_services_start_together() -> None:
    """Collector, InfluxDB 2, VictoriaMetrics, Prometheus and Grafana need no profile's name."""
    services = compose()["services"]
    started = {name for name, service in services.items() if "profiles" not in service}
    assert started == {"collector", "influxdb", "victoriametrics", "prometheus", "grafana"}
    assert services["influxdb"]["image"].rpartition(":")[2].startswith("2")


def test_every_secret_comes_from_the_environment_and_has_no_default() -> None:
    """A password or token is a variable that must be filled in; env.example names them all."""
    needed = set()
    for service in compose()["services"].values():
        for name, value in service.get("environment", {}).items():
            if re.search("PASSWORD|TOKEN|SECRET", name):
                variable = re.fullmatch(r"\$\{([A-Z_]+):\?[^}]+\}", value)
                assert variable, f"{name} has a value of its own"
                needed.add(variable[1])
    example = dict(
        line.split("=", 1)
        for line in (DEPLOY / "env.example").read_text().splitlines()
        if line and not line.startswith("#")
    )
    assert example == dict.fromkeys(needed, "")


def test_the_collector_has_a_sink_in_each_series_database_beside_it() -> None:
    """Its setting is read as it stands, and names service, organisation, bucket and token."""
    services = compose()["services"]
    name = "LINEWATCH_COLLECTOR__SINKS__INFLUXDB"
    text = services["collector"]["environment"][name]
    filled = re.sub(r"\$\{[A-Z_]+:\?[^}]+\}", "5e9cd0", text)
    section = Configuration(environ={name: filled}).section("collector", CollectorSettings)
    sink, other = section.sinks.influxdb
    assert other.url == "http://victoriametrics:8428"
    made = services["influxdb"]["environment"]
    assert sink.url == "http://influxdb:8086"
    assert (sink.org, sink.bucket) == (
        made["DOCKER_INFLUXDB_INIT_ORG"],
        made["DOCKER_INFLUXDB_INIT_BUCKET"],
    )
    assert sink.token
    assert sink.token.get_secret_value() == "5e9cd0"
    assert made["DOCKER_INFLUXDB_INIT_ADMIN_TOKEN"] in text


def test_every_image_has_a_version() -> None:
    """No image is `latest`: the same file starts the same programs."""
    images = [s["image"] for s in compose()["services"].values() if "image" in s]
    images += re.findall(r"^FROM (\S+)", (DEPLOY / "Containerfile").read_text(), re.MULTILINE)
    assert all(re.search(r":[v0-9][\w.-]*$", image) for image in images), images


def test_every_volume_and_mounted_file_exists() -> None:
    """Each named volume is declared; each mounted path is in the repository."""
    tree = compose()
    for service in tree["services"].values():
        for volume in service.get("volumes", []):
            origin = volume.partition(":")[0]
            if origin.startswith("."):
                assert (DEPLOY / origin).exists(), origin
            else:
                assert origin in tree["volumes"]


def test_only_the_measurement_server_listens_beyond_loopback() -> None:
    """Data services are published on 127.0.0.1 alone."""
    for name, service in compose()["services"].items():
        ports = service.get("ports", [])
        assert all(port.startswith("127.0.0.1:") for port in ports) == (name != "server")


def test_no_read_only_container_is_given_a_secret_of_the_environment() -> None:
    """The engine writes such a secret into the container, and refuses where it may not."""
    tree = compose()
    from_environment = {name for name, s in tree["secrets"].items() if "environment" in s}
    assert from_environment
    for name, service in tree["services"].items():
        if service.get("read_only"):
            assert not from_environment.intersection(service.get("secrets", [])), name


def test_the_image_builder_gets_what_the_image_needs_and_nothing_else() -> None:
    """What is copied is let through; keys, data and environments of this folder are not."""
    rules = (TOP / ".dockerignore").read_text().splitlines()
    assert "*" in rules
    passed = {rule[1:].rstrip("/") for rule in rules if rule.startswith("!")}
    copied = {
        Path(path).parts[0]
        for line in re.findall(
            r"^COPY (?!--from)(.+)$", (DEPLOY / "Containerfile").read_text(), re.MULTILINE
        )
        for path in line.split()[:-1]
    }
    assert passed == copied


def test_the_image_copies_what_the_wheel_needs_and_runs_as_nobody_special() -> None:
    """Each copied path exists, and the last stage has a user, a health check and no root."""
    text = (DEPLOY / "Containerfile").read_text()
    for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE):
        for path in line.split()[:-1]:
            assert (TOP / path).exists(), path
    last = text.rpartition("\nFROM ")[2]
    assert re.search(r"^USER (?!root)\w+$", last, re.MULTILINE)
    assert "HEALTHCHECK" in last


def test_the_wheel_in_the_image_has_every_part_of_the_program() -> None:
    """Each package and module that a wheel is made of is copied before it is built: the builder
    leaves out what is missing, and says nothing.
    """
    project = tomllib.loads((TOP / "pyproject.toml").read_text())
    parts = project["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
    build = (DEPLOY / "Containerfile").read_text().partition("RUN /opt/build/bin/hatchling")[0]
    copied = {
        path
        for line in re.findall(r"^COPY (.+)$", build, re.MULTILINE)
        for path in line.split()[:-1]
    }
    assert copied >= set(parts)


def test_the_image_has_the_programs_that_a_backup_of_postgresql_runs() -> None:
    """Its last stage installs pg_dump and pg_restore, without which `backup` names a package that
    nobody can install in a container.
    """
    last = (DEPLOY / "Containerfile").read_text().rpartition("\nFROM ")[2]
    installed = re.search(r"apt-get install [^&]*\bpostgresql-client\b", last)
    assert installed
    assert installed.start() < last.index("\nUSER ")


def test_prometheus_accepts_its_configuration() -> None:
    """Promtool finds nothing wrong in prometheus.yml."""
    promtool = shutil.which("promtool") or str(TOP / "build/promtool")
    done = subprocess.run(
        # The file with the token exists in the container only.
        [promtool, "check", "config", "--syntax-only", DEPLOY / "provisioning/prometheus.yml"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCESS" in done.stdout


def test_prometheus_scrapes_and_grafana_reads_services_that_are_there() -> None:
    """Host names in the provisioning are services of compose.yaml, at the ports they publish."""
    services = compose()["services"]
    prometheus = yaml.safe_load((DEPLOY / "provisioning/prometheus.yml").read_text())
    grafana = yaml.safe_load(
        (DEPLOY / "provisioning/grafana/datasources/linewatch.yaml").read_text()
    )
    places = [
        target
        for job in prometheus["scrape_configs"]
        for group in job["static_configs"]
        for target in group["targets"]
    ]
    places += [source["url"].removeprefix("http://") for source in grafana["datasources"]]
    for place in places:
        host, _, port = place.partition(":")
        assert any(known.endswith(f":{port}") for known in services[host]["ports"]), place


def test_grafana_shows_every_dashboard_and_its_sources_without_a_click() -> None:
    """Each set's folder is mounted where its provider looks, and the sources that the dashboards
    are set to, as well as the first page, are provisioned.
    """
    grafana = compose()["services"]["grafana"]
    mounted = dict(volume.split(":")[1::-1] for volume in grafana["volumes"])
    provisioning = DEPLOY / "provisioning/grafana"
    providers = yaml.safe_load((provisioning / "dashboards/linewatch.yaml").read_text())
    sources = yaml.safe_load((provisioning / "datasources/linewatch.yaml").read_text())
    known = {(one["uid"], one["name"], one["type"]) for one in sources["datasources"]}
    shown = set()
    for provider in providers["providers"]:
        folder = (DEPLOY / mounted[provider["options"]["path"]]).resolve()
        for path in folder.glob("*.json"):
            shown.add(path)
            for variable in json.loads(path.read_text())["templating"]["list"]:
                if variable["type"] == "datasource":
                    chosen = variable["current"]
                    assert (chosen["value"], chosen["text"], variable["query"]) in known
    assert shown == {*(TOP / "dashboards").glob("*ql/*.json")}
    home = Path(grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (DEPLOY / mounted[str(home.parent)] / home.name).resolve() in shown


@pytest.mark.parametrize(
    "script", ["deploy/install-probe.sh", "deploy/ensure-packages.sh", ".ci/run"]
)
def test_shellcheck_finds_nothing(script: str) -> None:
    """The shell scripts are clean."""
    done = subprocess.run(
        ["shellcheck", TOP / script], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")
