#!/bin/bash
# Turns a Raspberry Pi OS or Debian 12 into an enrolled Linewatch probe. Run again, it brings the
# software to this version and leaves key, records and configuration as they are.
set -euo pipefail

usage() {
    cat <<'TEXT'
Usage: sudo install-probe.sh --collector URL --code CODE [--source DIR|URL] [--sha256 HEX] [--no-start]

  --collector URL   the collector's address, for example https://linewatch.example
  --code CODE       the one-time code that `linewatch probe add` printed;
                    both are only needed the first time
  --source          an unpacked release, or the address of its .tar.gz;
                    default: the release that this script is part of
  --sha256 HEX      what the downloaded .tar.gz must hash to
  --no-start        prepare everything, but start no service
TEXT
}

fail() {
    echo "install-probe: $*" >&2
    exit 1
}

readonly USER_NAME=linewatch-probe
readonly VENV=/opt/linewatch/venv
readonly CONFIG=/etc/linewatch/config.yaml
readonly STATE=/var/lib/linewatch/probe
readonly UNIT=linewatch-probe.service
readonly ROUTES_UNIT=linewatch-routes.service

collector='' code='' source='' sha256='' start=yes
while [ $# -gt 0 ]; do
    case $1 in
        --collector | --code | --source | --sha256)
            [ $# -ge 2 ] || fail "$1 needs a value"
            printf -v "${1#--}" %s "$2"
            shift 2
            ;;
        --no-start) start=no; shift ;;
        -h | --help) usage; exit 0 ;;
        *) usage >&2; fail "unknown argument: $1" ;;
    esac
done

[ "$(id -u)" = 0 ] || fail "run this as root: sudo $0 …"
# The software is root's, but the service's user reads it: also where root's files are private.
umask 022
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# Nothing is left on the card but what runs.
export PIP_CACHE_DIR=${PIP_CACHE_DIR:-$scratch/pip}

find_source() {
    case $source in
        '') source=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd) ;;
        http://* | https://*)
            command -v curl >/dev/null || install_packages curl ca-certificates
            echo "Fetching the release …"
            curl --fail --silent --show-error --location --max-time 600 \
                --output "$scratch/release.tar.gz" "$source" || fail "cannot fetch $source"
            if [ -n "$sha256" ]; then
                echo "$sha256  $scratch/release.tar.gz" | sha256sum --check --quiet \
                    || fail "the release does not have the hash that was given: not installed"
            fi
            mkdir "$scratch/release"
            tar --extract --gzip --file "$scratch/release.tar.gz" --directory "$scratch/release" \
                --strip-components 1 || fail "$source is not a release's .tar.gz"
            source=$scratch/release
            ;;
    esac
    [ -f "$source/requirements/probe.txt" ] || fail "$source is not a release of Linewatch"
}

install_packages() {
    local missing=() package
    for package in "$@"; do
        dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null \
            | grep --quiet --line-regexp installed || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    echo "Installing Debian packages: ${missing[*]} …"
    { apt-get update --quiet=2 \
        && DEBIAN_FRONTEND=noninteractive \
            apt-get install --yes --quiet=2 --no-install-recommends "${missing[@]}" >/dev/null
    } || fail "cannot install them; is there a network? Then run this again"
}

prepare_system() {
    local packages=(python3 python3-venv ca-certificates systemd iproute2 procps kmod)
    # No ready-built cffi and PyYAML exist for 32-bit ARM: they are built here.
    case $(dpkg --print-architecture) in
        armhf | armel) packages+=(gcc libc6-dev python3-dev libffi-dev) ;;
    esac
    install_packages "${packages[@]}"
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
        || fail "Python 3.11 or newer is needed; this system has $(python3 --version)"
    install -D --mode 0644 "$source/deploy/sysusers.d/linewatch-probe.conf" \
        /etc/sysusers.d/linewatch-probe.conf
    systemd-sysusers /etc/sysusers.d/linewatch-probe.conf
}

install_software() {
    echo "Installing the software in $VENV …"
    install -d --mode 0755 /opt/linewatch
    # Made anew if power failed while it was made, or the system's Python is another one now.
    "$VENV/bin/python" -m pip --version >/dev/null 2>&1 || python3 -m venv --clear "$VENV"
    local pip=("$VENV/bin/python" -m pip install --quiet --disable-pip-version-check)
    "${pip[@]}" --require-hashes \
        --requirement "$source/requirements/build.txt" --requirement "$source/requirements/probe.txt" \
        || fail "cannot install the Python packages; is there a network? Then run this again"
    "${pip[@]}" --no-deps --no-build-isolation --force-reinstall "$source"
    install -d --mode 0755 /usr/local/bin
    ln --symbolic --force --no-dereference "$VENV/bin/linewatch" /usr/local/bin/linewatch
}

prepare_routes() {
    # For a probe with several uplinks; with one they change nothing.
    install -D --mode 0755 "$source/deploy/linewatch-routes" \
        /usr/local/lib/linewatch/linewatch-routes
    install -D --mode 0644 "$source/deploy/systemd/$ROUTES_UNIT" "/etc/systemd/system/$ROUTES_UNIT"
    install -D --mode 0644 "$source/deploy/sysctl.d/60-linewatch-probe.conf" \
        /etc/sysctl.d/60-linewatch-probe.conf
}

prepare_kernel() {
    install -D --mode 0644 "$source/deploy/modules-load.d/linewatch-measure.conf" \
        /etc/modules-load.d/linewatch-measure.conf
    install -D --mode 0644 "$source/deploy/sysctl.d/60-linewatch-measure.conf" \
        /etc/sysctl.d/60-linewatch-measure.conf
}

write_configuration() {
    install -d --mode 0755 /etc/linewatch
    [ ! -e "$CONFIG" ] || return 0
    echo "Writing $CONFIG …"
    cat >"$CONFIG" <<TEXT
# The settings of this probe; docs/operator.md names them all. What is not here has its default;
# paths, schedule and measurement servers come from the collector.
probe:
  state_directory: $STATE
TEXT
    chmod 0644 "$CONFIG"
}

as_probe() {
    (cd / && runuser --user "$USER_NAME" -- "$VENV/bin/linewatch" "$@")
}

enrol() {
    install -d --mode 0755 /var/lib/linewatch
    install -d --mode 0700 --owner "$USER_NAME" --group "$USER_NAME" "$STATE"
    as_probe probe run --config "$CONFIG" --check >/dev/null
    local enrolled=no
    [ ! -e "$STATE/enrolment.json" ] || enrolled=yes
    if [ -n "$collector" ] && [ -n "$code" ]; then
        # Also where it is enrolled: a new code may be another collector's.
        if as_probe probe enrol --config "$CONFIG" --collector "$collector" --code "$code"; then
            return 0
        fi
        [ "$enrolled" = yes ] || fail "not enrolled; see above"
    fi
    [ "$enrolled" = yes ] || fail "not enrolled yet: --collector and --code are needed"
    echo "Already enrolled: key and name stay as they are."
}

start_agent() {
    install -D --mode 0644 "$source/deploy/systemd/$UNIT" "/etc/systemd/system/$UNIT"
    if [ "$start" = no ]; then
        echo "Ready. Start it with: systemctl enable --now $UNIT $ROUTES_UNIT"
        return 0
    fi
    sysctl --quiet --load /etc/sysctl.d/60-linewatch-probe.conf
    modprobe --quiet tcp_bbr || echo "This kernel has no BBR: lines with losses are measured without"
    sysctl --quiet --load /etc/sysctl.d/60-linewatch-measure.conf
    systemctl daemon-reload
    systemctl enable --quiet "$UNIT" "$ROUTES_UNIT"
    systemctl restart "$ROUTES_UNIT" "$UNIT"
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        sleep 1
        if as_probe probe status --config "$CONFIG"; then
            echo "Next, test what this device may certify (a minute):"
            echo "  sudo -u $USER_NAME linewatch probe accept --config $CONFIG"
            return 0
        fi
    done
    systemctl --no-pager --lines 20 status "$UNIT" || true
    fail "the agent does not answer; see above, and: journalctl --unit $UNIT"
}

find_source
prepare_system
install_software
prepare_routes
prepare_kernel
write_configuration
enrol
start_agent
