#!/usr/bin/env bash
# A whole site on this machine's loopback, in a throw-away folder: the server records real calls that keep coming, and its
# console is open in the browser. Runs until Ctrl-C. Nothing leaves the machine.
#
# DEMO_SECONDS=N ends it by itself after N seconds (for tests); DEMO_PORT chooses another port than 8443.
set -euo pipefail
cd "$(dirname "$0")/.."

bold='' dim='' good='' bad='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  bold=$'\e[1m' dim=$'\e[2m' good=$'\e[32m' bad=$'\e[31m' plain=$'\e[0m'
fi
step() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }
note() { printf '%s%s%s\n' "$dim" "$1" "$plain"; }
fail() { printf '%s%s%s\n' "$bad" "$1" "$plain" >&2; [ ! -s "${2:-}" ] || tail -n 20 "$2" >&2; exit 1; }

step '1. Building (the first time takes some minutes, after that seconds)'
scripts/console.sh build
# The profile of the tests: it builds sooner than --release, is fast enough for a hundred calls (ciphers are optimised in it
# too), and what was compiled here need not be compiled again for `make test`.
build=(cargo build --locked -j "${JOBS:-2}" -p amethyst-server -p amethyst-tests --bin amethyst --bin amethyst-calls)
[ -t 2 ] || build+=(--quiet) # on a terminal cargo's own progress bar says how far it is
"${build[@]}"
target=$(cd "${CARGO_TARGET_DIR:-target}" && pwd)
amethyst=$target/debug/amethyst calls=$target/debug/amethyst-calls

home=$(mktemp -d "${TMPDIR:-/tmp}/amethyst-demo.XXXXXX")
site=$home/site
server='' caller=''
stop() {
  trap - EXIT INT TERM
  [ -z "$caller" ] || kill "$caller" 2>/dev/null || true
  if [ -n "$server" ]; then
    note 'closing all recordings ...'
    kill -TERM "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  printf '\nThe demonstration is in %s: remove it with  rm -r %s\n' "$home" "$home"
}
trap stop EXIT
trap 'exit 0' INT TERM

step '2. A site: keys, data folder, encrypted database'
zone=$(readlink /etc/localtime 2>/dev/null | sed -n 's#.*/zoneinfo/##p')
case $zone in */*) ;; *) zone=Etc/UTC ;; esac
"$amethyst" init --data "$site" --site-name 'Demonstration' --zone "$zone" >"$home/init.txt" 2>&1 || fail 'init failed:' "$home/init.txt"
# The calls come from 1xxxxx to our own 2xxxxx; an authenticator is offered, not demanded.
sed -i -e 's/^internal_numbers = .*/internal_numbers = ["2*****"]/' -e 's/^totp = .*/totp = "optional"/' "$site/amethyst.toml"
printf '\n[[tap]]\nname = "demonstration"\ninterface = "lo"\nside = "trunk"\n' >>"$site/amethyst.toml"
note "in $site; the three recovery shares are in $home/init.txt (on a real site they go on paper)"

step '3. The server: it records, seals, and serves the console'
port=${DEMO_PORT:-8443}
while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
"$amethyst" serve --data "$site" --listen "127.0.0.1:$port" --demo 2>"$home/server.log" >&2 &
server=$!
for _ in $(seq 300); do
  grep -q 'first sign-in' "$home/server.log" && break
  kill -0 "$server" 2>/dev/null || fail 'the server ended:' "$home/server.log"
  sleep 0.1
done
link=$(sed -n 's/^first sign-in[^:]*: *//p' "$home/server.log" | head -n 1)
print=$(sed -n 's/^certificate, SHA-256: //p' "$home/server.log" | head -n 1)
[ -n "$link" ] || fail 'the server gave no link:' "$home/server.log"

place() { # calls keep coming, each of another length
  local n=1
  while sleep 2; do
    "$calls" --quiet --calls 2 --rate 1 --first "$n" --seconds $((8 + (n * 7) % 23)) --digits 42 >>"$home/calls.log" 2>&1 || true
    n=$((n + 2))
    sleep 4
  done
}
sleep 1
if grep -q 'recording on lo' "$home/server.log"; then
  place &
  caller=$!
  note 'live, from the wire (interface lo): two telephones after the other talk, all the time'
else
  note 'this user may not open a raw socket (root or CAP_NET_RAW may), so the server places its built-in test call every half minute'
fi

cat <<NEXT

${good}${bold}Open this page in a browser on this machine:${plain}

    $link

${bold}It signs you in once${plain} as the administrator and asks for a password of your own. The browser warns about the certificate,
which this server made for itself; it is the right one if its SHA-256 fingerprint is
    $print

There: search for a number, click a call, hear it; ${bold}Live${plain} shows the calls that go on now, click one to listen.
On the command line, in another terminal:
    export AMETHYST_DATA=$site PATH=$target/debug:\$PATH
    amethyst list;  amethyst ledger;  amethyst verify $site

Ctrl-C ends the demonstration.
NEXT
if [ -n "${DEMO_SECONDS:-}" ]; then
  sleep "$DEMO_SECONDS" &
  wait $! || true
else
  while kill -0 "$server" 2>/dev/null; do sleep 1; done
  fail 'the server ended:' "$home/server.log"
fi
