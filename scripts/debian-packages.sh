#!/bin/sh
# Installs those of the named Debian packages that are missing, without letting any of them start a daemon.
#   scripts/debian-packages.sh PACKAGE...
# Quick and quiet when nothing is missing; everything it says goes to stderr.
set -u

missing=
for package in "$@"; do
  status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null)
  [ "$status" = 'install ok installed' ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
  echo "The peer tests need these Debian packages:$missing. This system has no apt-get; run them on Debian 12 or newer." >&2
  exit 1
fi
if [ "$(id -u)" != 0 ]; then
  echo "The peer tests need Debian packages that are missing. As root: apt-get install --no-install-recommends$missing" >&2
  exit 1
fi

# Debian's packages start their system-wide daemons when installed, unless this file says no.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
  trap 'rm -f "$policy"' EXIT
  trap 'exit 130' INT TERM
fi

apt() {
  # shellcheck disable=SC2086 # package names hold no spaces
  DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=600 "$@" >&2
}

echo "installing Debian packages:$missing" >&2
# shellcheck disable=SC2086
apt install -y --no-install-recommends $missing || {
  echo 'once more with fresh package lists' >&2
  # shellcheck disable=SC2086
  apt update && apt install -y --no-install-recommends $missing
}
