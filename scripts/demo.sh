#!/usr/bin/env bash
# Records three real calls on this machine's loopback, in a throw-away site, and shows what came of them.
# Nothing leaves the machine and nothing outside one temporary folder is written.
set -euo pipefail
cd "$(dirname "$0")/.."

bold='' dim='' good='' bad='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  bold=$'\e[1m' dim=$'\e[2m' good=$'\e[32m' bad=$'\e[31m' plain=$'\e[0m'
fi
step() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }
note() { printf '%s%s%s\n' "$dim" "$1" "$plain"; }
fail() { printf '%s%s%s\n' "$bad" "$1" "$plain" >&2; [ ! -s "${2:-}" ] || tail -n 20 "$2" >&2; exit 1; }
indent() { sed 's/^/  /'; }

step '1. Building (the first time takes some minutes, after that seconds)'
# The profile of the tests: it builds sooner than --release, is fast enough for a hundred calls (ciphers are optimised in it
# too), and what was compiled here need not be compiled again for `make test`.
build=(cargo build --locked -j "${JOBS:-2}" -p amethyst-server -p amethyst-tests --bin amethyst --bin amethyst-calls)
[ -t 2 ] || build+=(--quiet) # on a terminal cargo's own progress bar says how far it is
"${build[@]}"
target=$(cd "${CARGO_TARGET_DIR:-target}" && pwd)
amethyst=$target/debug/amethyst calls=$target/debug/amethyst-calls

home=$(mktemp -d "${TMPDIR:-/tmp}/amethyst-demo.XXXXXX")
site=$home/site
recorder=
stop() { if [ -n "$recorder" ]; then kill -INT "$recorder" 2>/dev/null || true; wait "$recorder" 2>/dev/null || true; recorder=; fi; }
trap stop EXIT

step '2. A site: keys, data folder, encrypted database'
zone=$(readlink /etc/localtime 2>/dev/null | sed -n 's#.*/zoneinfo/##p')
case $zone in */*) ;; *) zone=Etc/UTC ;; esac
"$amethyst" init --data "$site" --site-name 'Demonstration' --zone "$zone" >"$home/init.txt" 2>&1 || fail 'init failed:' "$home/init.txt"
note "in $site; the three recovery shares are in $home/init.txt (on a real site they go on paper)"

step '3. Recording three calls'
"$amethyst" record --data "$site" --interface lo >"$home/record.json" 2>"$home/record.log" &
recorder=$!
live=no
for _ in $(seq 150); do
  if grep -q 'recording on lo' "$home/record.log"; then live=yes; break; fi
  kill -0 "$recorder" 2>/dev/null || break
  sleep 0.1
done
if [ $live = yes ]; then
  note 'live, from the wire (interface lo); two telephones talk, six seconds each call'
  sealed='sealed while they were spoken'
  "$calls" --calls 3 --seconds 6 --rate 2 --digits 42 | indent
  sleep 1 # the last packets are still on their way through the ring
  kill -INT "$recorder"
  status=0; wait "$recorder" || status=$?
  recorder=
  [ $status = 0 ] || fail "the recorder ended with status $status:" "$home/record.log"
else
  status=0; wait "$recorder" || status=$?
  recorder=
  [ $status = 4 ] || grep -qi 'permi' "$home/record.log" || fail "the recorder ended with status $status:" "$home/record.log"
  note 'this user may not open a raw socket (root or CAP_NET_RAW may), so the same calls are replayed from a capture'
  sealed='sealed as they were read'
  "$calls" --calls 3 --seconds 6 --rate 2 --digits 42 --to-pcap "$home/calls.pcap" | indent
  "$amethyst" record --data "$site" --pcap "$home/calls.pcap" >"$home/record.json" 2>"$home/record.log" ||
    fail 'recording failed:' "$home/record.log"
fi

step '4. What was recorded, and the account of every call that was signalled'
"$amethyst" list --data "$site" | tee "$home/list.txt" | indent
"$amethyst" ledger --data "$site" >"$home/ledger.txt" || fail 'the ledger has holes:' "$home/ledger.txt"
tail -n 2 "$home/ledger.txt" | indent
reference=$(grep -oE '\b[A-Z][0-9]{6}-[0-9]{6}\b' "$home/list.txt" | sort | head -n 1)
[ -n "$reference" ] || fail 'no recording is listed:' "$home/record.log"

step '5. Is it whole and unaltered? (no key needed)'
"$amethyst" verify "$site" >"$home/verify.txt" 2>&1 || fail 'a sealed file is not whole:' "$home/verify.txt"
sed "s#$site/##" "$home/verify.txt" | tail -n 4 | indent

step "6. One call as a WAV file ($reference)"
"$amethyst" export --data "$site" --out "$home/out" --id "$reference" >"$home/export.txt" 2>&1 || fail 'export failed:' "$home/export.txt"
wav=$(find "$home/out" -name '*.wav' | sort | head -n 1)
[ -n "$wav" ] || fail 'no WAV file was written:' "$home/export.txt"
(cd "$home/out" && ls -1) | indent

player=
for p in aplay ffplay play; do if command -v $p >/dev/null 2>&1; then player=$p; break; fi; done
[ "$player" != ffplay ] || player='ffplay -nodisp -autoexit'
printf '\n%sDone: 3 calls were placed, %s, verified, and one exported.%s\n' "$good" "$sealed" "$plain"
cat <<NEXT

${bold}What next${plain}
  hear it      ${player:-any player} $wav
  its proof    less ${wav%.wav}.json
  to go on     export AMETHYST_DATA=$site PATH=$target/debug:\$PATH   then:
  one call     amethyst show $reference
  all as FLAC  amethyst export --all --format flac --out $home/flac
  more calls   amethyst record --interface lo      and, in another terminal:  amethyst-calls --calls 10
  every call   amethyst ledger
  try to read  strings -n 12 $site/live/*/*/*.amx | head      (no number, name or word of them is there)
  throw away   rm -r $home
  a real site  docs/guide/install.md
NEXT
