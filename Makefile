# The commands of a working copy. `make` alone lists them.
# Works on Debian 12 and Raspberry Pi OS with Python 3.11 or newer, as root or with sudo.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SUDO := $(shell [ $$(id -u) = 0 ] || echo sudo)

# How many tests run beside each other: they wait more than they work.
WORKERS ?= 4

# Debian packages that the tests use, in one place.
TEST_PACKAGES := iproute2 iperf3 postgresql-client chromium chromium-driver fonts-dejavu-core \
    ca-certificates curl git kmod libreoffice-writer-nogui mount openssl poppler-utils python3-venv \
    shellcheck systemd util-linux

# Servers of others that tests/services.py starts, and what checks Prometheus' files.
SERVICES := build/promtool build/prometheus build/victoria-metrics build/influxd

# Where requirements/*.txt come from; `make lock` writes them anew.
LOCK := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url \
    --python-version 3.11 --custom-compile-command "make lock"

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 24

.PHONY: demo
demo: setup ## Set up, then run server, collector and one probe on this machine until Ctrl-C
	@$(BIN)/linewatch demo

.PHONY: setup
setup: $(VENV)/.ready ## Prepare .venv; the command is then .venv/bin/linewatch

# Made anew only when a lock or the project's own description changed; then from nothing, so that
# another Python or a package that is no longer locked leaves no trace.
$(VENV)/.ready: pyproject.toml requirements/all.txt
	@command -v $(PYTHON) >/dev/null || deploy/ensure-packages.sh python3
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "Python 3.11 or newer is needed; $$($(PYTHON) --version) is here. Name another: make setup PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || deploy/ensure-packages.sh python3-venv
	@echo "Preparing $(VENV), about a minute …"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/all.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: test
test: setup test-packages ## Install what the tests need, and run them all
	@$(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile $(PYTEST_ARGS)

.PHONY: test-long
test-long: setup test-packages ## The tests, with the long versions of the fault tests
	@$(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile --long $(PYTEST_ARGS)

.PHONY: test-packages
test-packages: $(SERVICES) build/postgresql/.ready build/miniupnpd build/ndt7_js/.ready
	@deploy/ensure-packages.sh $(TEST_PACKAGES)

# Taken out of Debian's packages: installing those would start the servers on this machine.
build/promtool build/prometheus: PACKAGE := prometheus
build/victoria-metrics: PACKAGE := victoria-metrics
build/influxd: PACKAGE := influxdb
$(SERVICES):
	@rm -rf $@.package && mkdir -p $@.package
	@cd $@.package && { apt-get download --quiet=2 $(PACKAGE) 2>/dev/null \
	    || { $(SUDO) apt-get update --quiet=2 && apt-get download --quiet=2 $(PACKAGE); }; }
	@dpkg-deb --fsys-tarfile $@.package/*.deb | tar --extract --to-stdout ./usr/bin/$(@F) > $@
	@chmod +x $@ && rm -r $@.package

# The server that is installed is as good. Installing Debian's would start one, so it is taken out of
# its package; the libraries that it needs start nothing (LLVM is large, and for long queries).
build/postgresql/.ready:
	@mkdir -p $(@D)
	@ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || { cd $(@D); \
	    apt-cache show postgresql >/dev/null 2>&1 || $(SUDO) apt-get update --quiet=2; \
	    apt-get download --quiet=2 $$(apt-cache depends postgresql | awk '/Depends: postgresql-[0-9]/ {print $$2}'); \
	    ../../deploy/ensure-packages.sh $$(dpkg-deb --field postgresql-*.deb Depends \
	        | grep --only-matching --extended-regexp '(^|, )lib[^ ,]+' | tr --delete ', ' | grep --invert-match libllvm) tzdata; \
	    dpkg-deb --extract postgresql-*.deb . && rm postgresql-*.deb; }
	@touch $@

# M-Lab's JavaScript client, from the lock with every file's hash. Debian's npm is large: one that
# is there already is as good.
build/ndt7_js/.ready: tests/server/ndt7_js/package.json tests/server/ndt7_js/package-lock.json
	@{ command -v node && command -v npm; } >/dev/null || deploy/ensure-packages.sh nodejs npm
	@mkdir -p $(@D) && cp $^ $(@D)
	@npm ci --prefix $(@D) --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
	@touch $@

# Taken out of its package as well: installing it would set up a firewall.
build/miniupnpd:
	@mkdir -p $(@D)/upnp
	@cd $(@D)/upnp && { apt-get download --quiet=2 miniupnpd-nftables libnftnl11 2>/dev/null \
	    || { $(SUDO) apt-get update --quiet=2 && apt-get download --quiet=2 miniupnpd-nftables libnftnl11; }; }
	@for package in $(@D)/upnp/*.deb; do dpkg-deb --extract $$package $(@D)/upnp; done
	@cp --dereference $(@D)/upnp/usr/lib/*/libnftnl.so.11 $(@D)/upnp/
	@mv $(@D)/upnp/usr/sbin/miniupnpd $@

.PHONY: check
check: setup ## Style, types and layering
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/pytest --quiet tests/test_layering.py

.PHONY: dashboards
dashboards: setup ## Write Grafana's dashboards anew from their code
	@$(BIN)/python -m dashboards

.PHONY: bench-transfer
bench-transfer: setup ## CPU seconds per GB and Gbit/s beside iperf3 and speedtest-cli; an agent at rest
	@deploy/ensure-packages.sh iperf3
	@$(BIN)/python bench/transfer.py

.PHONY: bench-ingest
bench-ingest: setup build/victoria-metrics build/influxd build/postgresql/.ready ## Records a second that collectors check and keep, beside series databases
	@$(BIN)/python -m bench.ingest

.PHONY: bench-query
bench-query: setup build/postgresql/.ready ## How long pages, lists and series take on a ledger with a year of a city
	@$(BIN)/python -m bench.query

.PHONY: bench-report
bench-report: setup ## How long a month's report of a city takes, with how much memory
	@$(BIN)/python -m bench.report

.PHONY: bench-plans
bench-plans: setup build/postgresql/.ready ## How SQLite and PostgreSQL run the ledger's main queries: docs/plans.md
	@$(BIN)/python -m bench.plans --out docs/plans.md

.PHONY: bench-slots
bench-slots: setup ## What the speed tests of 100,000 probes load servers with, drawn alone and placed
	@$(BIN)/python -m bench.fleet_slots

.PHONY: bench-coverage
bench-coverage: setup ## How often intervals hold the truth and verdicts are right, in simulated months
	@$(BIN)/python -m bench.coverage

.PHONY: bench-replaced
bench-replaced: setup ## What verdicts make of months in which a probe was replaced
	@$(BIN)/python -m bench.replaced

.PHONY: bench-verdicts
bench-verdicts: setup ## Whether verdicts find what was planted in 2,000 line-months and accuse nobody else
	@$(BIN)/python -m bench.verdicts

.PHONY: bench-year
bench-year: setup ## A city's year whose truth is known, through reports, complaints and what came of them
	@deploy/ensure-packages.sh libreoffice-writer-nogui
	@$(BIN)/python -m bench.city_year

.PHONY: bench-accuracy
bench-accuracy: setup ## Rates, round trips and losses on emulated lines beside the truth (needs root)
	@deploy/ensure-packages.sh iperf3 iproute2
	@$(BIN)/python bench/accuracy.py

.PHONY: lock
lock: setup ## Write requirements/ anew from pyproject.toml, with every file's hash
	@$(LOCK) --upgrade --all-extras --output-file requirements/all.txt pyproject.toml
	@$(LOCK) --constraint requirements/all.txt --extra probe --output-file requirements/probe.txt pyproject.toml
	@$(LOCK) --constraint requirements/all.txt --extra probe --extra router \
	    --output-file requirements/router.txt pyproject.toml
	@$(LOCK) --constraint requirements/all.txt --extra server --extra collector \
	    --output-file requirements/services.txt pyproject.toml
	@echo hatchling | $(LOCK) --constraint requirements/all.txt --output-file requirements/build.txt -
