#!/usr/bin/env bash
# Installs what the tests and measurements use and this machine lacks: Debian packages, by apt, as root. Says what it
# does; says nothing where nothing is missing.
set -euo pipefail

# What the tests call, and the Debian package that has it.
declare -A programs=(
  [gcc]="gcc libc6-dev" # the race detector
  [git]=git
  [curl]=curl
  [chromium]=chromium
  [ip]=iproute2
  [nft]=nftables
  [miniupnpd]=miniupnpd-nftables # the program alone: no service, nothing to ask
  [ffprobe]=ffmpeg
  [turnutils_uclient]=coturn
  [nginx]=nginx
  [haproxy]=haproxy
  [shellcheck]=shellcheck
  [qemu-aarch64]=qemu-user # runs the agents for other processors
  [systemd-analyze]=systemd # looks at the units; nothing of it runs
)
gstreamer="python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good \
gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-x" # x264enc is in ugly, timeoverlay in x

missing=()
for program in "${!programs[@]}"; do
  # Some live in /usr/sbin, which is not in every PATH.
  if ! PATH="$PATH:/usr/sbin:/sbin" command -v "$program" >/dev/null; then
    read -ra packages <<<"${programs[$program]}"
    missing+=("${packages[@]}")
  fi
done
has_gstreamer='
import gi
gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gst, GstRtspServer
Gst.init(None)
assert all(Gst.ElementFactory.find(e) for e in ("x264enc", "timeoverlay", "videotestsrc", "rtph264pay"))
'
if ! /usr/bin/python3 -c "$has_gstreamer" 2>/dev/null; then
  read -ra packages <<<"$gstreamer"
  missing+=("${packages[@]}")
fi
# Debian keeps the server's programs out of the PATH. The tests start servers of their own and leave Debian's alone.
if ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then
  missing+=(postgresql)
fi
[ "${#missing[@]}" -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null; then
  echo "The tests need these Debian packages, or what they are called here: ${missing[*]}" >&2
  exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
  echo "The tests need these packages; install them as root: apt-get install ${missing[*]}" >&2
  exit 1
fi
echo "Installing what the tests need: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
# Installing coturn, nginx, HAProxy and PostgreSQL must not start a server on this machine: for the moment, services may not be started.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT
fi
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
