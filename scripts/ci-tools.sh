#!/usr/bin/env bash
# Chromium and promtool on a Debian machine, for the tests that need them. promtool is unpacked into the folder given, without
# the server around it; Chromium needs its libraries, so it is installed. Fails where that is not possible.
set -euo pipefail
folder=$1
command -v apt-get >/dev/null || exit 1
[[ $(id -u) -eq 0 ]] || exit 1
as_root() { timeout 240 env DEBIAN_FRONTEND=noninteractive "$@" >/dev/null 2>&1; }
if ! command -v chromium >/dev/null || ! command -v promtool >/dev/null; then as_root apt-get update || exit 1; fi
if ! command -v chromium >/dev/null; then
  as_root apt-get install -y --no-install-recommends chromium || echo 'no chromium'
fi
if ! command -v promtool >/dev/null; then
  cd "$folder"
  as_root apt-get download prometheus && as_root dpkg-deb -x prometheus*.deb . || echo 'no promtool'
  rm -f prometheus*.deb usr/bin/prometheus
fi
