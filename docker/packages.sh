#!/bin/sh
# Installs those Debian packages of packages.txt that are missing.
# usage: packages.sh KIND...      kinds: column 2 of packages.txt
# Quick when nothing is missing.  Needs root or sudo only when something is.
set -eu
list=$(dirname "$0")/packages.txt

wanted=$(for kind in "$@"; do
    awk -v kind="$kind" '!/^#/ && $2 == kind { print $1 }' "$list"
done)
# shellcheck disable=SC2086
installed=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' $wanted 2>/dev/null |
    awk '$2 == "installed" { print $1 }')
missing=
for package in $wanted; do
    echo "$installed" | grep -qxF "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null; then
    as_root=sudo
else
    echo "These packages are missing, and neither root nor sudo is here to install them:" >&2
    echo "  apt-get install$missing" >&2
    exit 1
fi

install_with() { # options of apt-get
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends "$@" install $missing
}

echo "installing:$missing"
# Package lists may be absent (a fresh image) or stale (a version that is gone).
install_with --simulate >/dev/null 2>&1 || $as_root apt-get -q update
install_with || { $as_root apt-get -q update && install_with; }
