#!/usr/bin/env bash
# Sets up what a make target needs: `scripts/setup.sh demo|test|lint|bench|fuzz`.
#
# Says nothing when everything is there. As root on Debian it installs what is missing; otherwise it says which
# packages are missing, what for, and the command that installs them. What a target can live without is a note, not an
# error: the target then says itself what it skipped.
set -euo pipefail
target=${1:?usage: scripts/setup.sh demo|test|lint|bench|fuzz}

# need:  command or file | Debian package | what for
build='
cc                        gcc                 compiles the C parts (SQLCipher, Opus)
make                      make                builds
cmake                     cmake               builds the Opus library
pkg-config                pkg-config          finds libraries
/usr/include/openssl/evp.h libssl-dev         libcrypto for the encrypted catalogue
'
judges='
sipp                      sip-tester          a second SIP generator, not ours
tshark                    tshark              an independent reader of packets
tcpdump                   tcpdump             captures on the wire
tcpreplay                 tcpreplay           sends captures at speed
ffmpeg                    ffmpeg              an independent judge of codecs
sox                       sox                 prepares speech for SIPp
/usr/lib/*/libbcg729.so.0 libbcg729-0         a second decoder of G.729, asked from outside
unzip                     unzip               an independent reader of exports
ip                        iproute2            network namespaces
faketime                  faketime            machines with other times
py:numpy                  python3-numpy       makes and checks the large capture
py:scapy                  python3-scapy       wraps captures in tunnels
'
browser='
chromium                  chromium            walks through the console as a person would
WebKitWebDriver           webkit2gtk-driver   the same walk in a second engine
Xvfb                      xvfb                a screen for it
dbus-run-session          dbus-daemon         a session for it
/usr/lib/postgresql/*/bin/postgres postgresql the second database of the catalogue
'
drives='
mkfs.ext4                 e2fsprogs           drives to archive to, in files
fuse2fs                   fuse2fs             a drive that can be pulled
pkill                     procps              pulls it
mkfs.exfat                exfatprogs          a drive as they are sold
mount.exfat-fuse          exfat-fuse          mounts it
'
store='
/usr/share/doc/python3-venv python3-venv     a place for an S3 server to archive to
/usr/share/doc/python3-aiosmtpd python3-aiosmtpd a mail server that alarms are sent to
'
speech='
espeak-ng                 espeak-ng           speech for the calls; without it a synthetic voice hums
'
case $target in
  demo)  must=$build             nice=$speech ;;
  test)  must=$build             nice=$speech$judges$browser$drives$store ;;
  bench) must=$build'
py:numpy                  python3-numpy       makes and checks the large capture
espeak-ng                 espeak-ng           speech for the calls of the large capture
'                                nice='
tcpdump                   tcpdump             a yardstick: reads the capture and throws it away
tcpreplay                 tcpreplay           sends captures at speed
' ;;
  lint)  must=$build             nice='
shellcheck                shellcheck          reads the scripts
' ;;
  fuzz)  must=$build'
clang++                   clang               libFuzzer
'                                nice='' ;;
  *) echo "setup: no such target: $target (demo, test, lint, bench, fuzz)" >&2; exit 2 ;;
esac

have() { # does the command, the header or the python module exist?
  case $1 in
    py:*) /usr/bin/python3 -c "import ${1#py:}" 2>/dev/null ;;
    /*) compgen -G "$1" >/dev/null ;;
    *) command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] ;;
  esac
}
missing() { # list of needs on stdin -> the packages that are not there
  while read -r thing package _why; do
    [ -z "$thing" ] || have "$thing" || echo "$package"
  done | sort -u
}
why() { # package -> what for
  awk -v p="$1" '$2 == p { $1 = $2 = ""; sub(/^ +/, ""); print; exit }' <<<"$must$nice"
}
install() { # packages -> installed, quietly; the log is shown only on failure
  local log; log=$(mktemp)
  echo "setup: installing $*" >&2
  if ! { { [ -n "$(find /var/lib/apt/lists -name '*_Packages*' -mmin -1440 -print -quit 2>/dev/null)" ] || apt-get update -q; } &&
         DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "$@"; } >"$log" 2>&1; then
    # a list older than the mirror is the usual cause: fetch it anew, once
    { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "$@"; } >"$log" 2>&1 ||
      { tail -n 15 "$log" >&2; rm -f "$log"; return 1; }
  fi
  rm -f "$log"
}
may_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 && [ "${AMETHYST_NO_INSTALL:-}" = "" ]; }

if ! command -v cargo >/dev/null 2>&1; then
  if [ -x "$HOME/.cargo/bin/cargo" ]; then
    echo "setup: cargo is in $HOME/.cargo/bin, which is not on PATH. Run: . \"$HOME/.cargo/env\"" >&2
  else
    echo "setup: Rust is not installed. See https://rustup.rs, then run make again." >&2
  fi
  exit 1
fi

mapfile -t lack < <(missing <<<"$must")
mapfile -t would < <(missing <<<"$nice")
if [ ${#lack[@]} -gt 0 ] || [ ${#would[@]} -gt 0 ]; then
  if may_install; then
    [ ${#lack[@]} -eq 0 ] || install "${lack[@]}" || { echo "setup: could not install: ${lack[*]}" >&2; exit 1; }
    [ ${#would[@]} -eq 0 ] || install "${would[@]}" || echo "setup: could not install: ${would[*]} (some tests will say they were skipped)" >&2
  else
    for p in "${would[@]}"; do echo "setup: note: $p is not installed ($(why "$p")); parts of make $target will say they were skipped" >&2; done
    if [ ${#lack[@]} -gt 0 ]; then
      for p in "${lack[@]}"; do echo "setup: $p is missing: $(why "$p")" >&2; done
      echo "setup: install with: sudo apt-get install ${lack[*]} ${would[*]}" >&2
      exit 1
    fi
  fi
fi

if [ "$target" = fuzz ] && ! command -v cargo-fuzz >/dev/null 2>&1; then
  echo "setup: building cargo-fuzz (once, a minute or two)" >&2
  cargo install --quiet --locked cargo-fuzz
fi

# An S3 server to archive to, from PyPI: beside what is built, so that it goes with it.
s3_server() {
  local built=${CARGO_TARGET_DIR:-target}
  if [ -x "$built/judges/bin/moto_server" ] || python3 -c 'import moto.server, flask_cors' 2>/dev/null; then return; fi
  echo "setup: installing moto, an S3 server, into $built/judges (once)" >&2
  mkdir -p "$built" && python3 -m venv "$built/judges" && "$built/judges/bin/pip" install -q 'moto[s3,server]==5.2.1'
}
if [ "$target" = test ] && [ "${AMETHYST_NO_INSTALL:-}" = "" ]; then
  s3_server || { rm -rf "${CARGO_TARGET_DIR:-target}/judges"; echo "setup: note: moto is not installed; tests of buckets will say they were skipped" >&2; }
fi
