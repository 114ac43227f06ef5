#!/bin/sh
# Installs the Debian packages named as arguments that are not there yet.
# As root directly, otherwise with sudo; without either, it says what to ask for.
# Usage: ensure-packages.sh PACKAGE…
set -eu

missing=
for package in "$@"; do
    status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "These are needed, and this system has no apt-get to install them with:$missing" >&2
    exit 1
fi
if [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null; then
    as_root=sudo
else
    echo "These packages are needed:$missing. Run this as root, or install them first." >&2
    exit 1
fi

echo "Installing Debian packages:$missing" >&2
# Lists may be empty on a fresh image, or so old that the packages they name are gone.
$as_root apt-get update --quiet=2
# shellcheck disable=SC2086 # a list of package names, split on purpose
$as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install --yes --quiet=2 --no-install-recommends $missing >/dev/null
