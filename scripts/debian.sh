#!/usr/bin/env bash
# Install the Debian packages that demo and tests need. Quick where all is there, so it runs with every `make setup`.
set -euo pipefail

python=${PYTHON:-python3}

fail() {
  echo "setup: $*" >&2
  exit 1
}

newer_node="the page is built with 20.19 or newer: install one (Debian 13 has it, and nodejs.org), then run it again"

# Vite, which builds the page, asks for Node.js 20.19; takes v20.19.0 as well as 18.20.4+dfsg-1.
new_enough() {
  local version=${1#v} major rest
  major=${version%%.*} rest=${version#*.}
  [ "${major:-0}" -gt 20 ] 2>/dev/null || { [ "$major" = 20 ] && [ "${rest%%.*}" -ge 19 ]; }
}

offered() { # the version of a package that apt would install
  command -v apt-cache >/dev/null || return 0
  apt-cache policy "$1" 2>/dev/null | while read -r name version; do
    [ "$name" != Candidate: ] || [ "$version" = "(none)" ] || echo "$version"
  done
}

command -v "$python" >/dev/null || fail "there is no $python: install Python 3.11 or newer, or say where it is with PYTHON=..."
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  fail "$("$python" --version) is too old: install Python 3.11 or newer, or say where it is with PYTHON=..."

needed=() wanted=()
"$python" -c 'import ensurepip' 2>/dev/null || needed+=(python3-venv)
if ! command -v npm >/dev/null || ! new_enough "$(node --version 2>/dev/null)"; then
  needed+=(nodejs npm)
  candidate=$(offered nodejs)
  [ -z "$candidate" ] || new_enough "$candidate" || fail "this system offers Node.js $candidate; $newer_node"
fi
command -v chromium >/dev/null || wanted+=(chromium)
command -v git >/dev/null || wanted+=(git)
# Its client reads our Prometheus API, and the server writes to us, in tests.
command -v promtool >/dev/null || wanted+=(prometheus)

missing=("${needed[@]}" "${wanted[@]}")
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
why=""
if ! command -v apt-get >/dev/null; then
  why="there is no apt-get here: install ${missing[*]} with your system's package manager"
elif [ "$(id -u)" -ne 0 ]; then
  as_root=(sudo)
  command -v sudo >/dev/null || why="you are not root and there is no sudo: have somebody run apt-get install ${missing[*]}"
fi
if [ -z "$why" ]; then
  echo "setup: installing Debian packages: ${missing[*]}"
  if [[ " ${missing[*]} " == *" prometheus "* ]] && command -v systemctl >/dev/null; then
    # Its commands are wanted, not a service that listens on port 9090 from now on.
    "${as_root[@]}" systemctl mask --quiet prometheus.service || true
  fi
  if "${as_root[@]}" apt-get update -qq &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null; then
    new_enough "$(node --version)" || fail "this system has Node.js $(node --version); $newer_node"
    exit 0
  fi
  why="apt-get could not install ${missing[*]} (see above): is there a network?"
fi
[ ${#needed[@]} -eq 0 ] || fail "$why, then run it again"
# The demo runs without these; only tests use them.
echo "setup: $why. Without ${wanted[*]} the demo runs, and some tests do not."
