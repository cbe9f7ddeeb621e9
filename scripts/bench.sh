#!/usr/bin/env bash
# CPU, memory and speed of the release build against the yardsticks, as a table. CALLS=1000 SECS=60 ROUNDS=3.
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=${JOBS:-2}
mkdir -p "${CARGO_TARGET_DIR:-target}"
target=$(cd "${CARGO_TARGET_DIR:-target}" && pwd)
mkdir -p "$target/bench"

echo 'building release and the yardstick' >&2
cargo build --release --locked --quiet -j "$jobs" -p amethyst-server --bin amethyst
cc -O2 -o "$target/bench/floor" tests/tools/floor.c -lcrypto

/usr/bin/python3 tests/tools/bench.py --amethyst "$target/release/amethyst" --work "$target/bench" \
  --calls "${CALLS:-1000}" --secs "${SECS:-60}" --rounds "${ROUNDS:-3}"

# What one more call costs in memory.
/usr/bin/python3 tests/tools/memory.py --amethyst "$target/release/amethyst" --work "$target/bench"

# LIVE=1: the same calls over a wire (veth) at their own pace; SPEEDS="1 2 4" also faster. Needs root and two idle cores.
if [ "${LIVE:-0}" = 1 ]; then
  cc -O2 -o "$target/bench/replay" tests/tools/replay.c
  # shellcheck disable=SC2086 # several words
  /usr/bin/python3 tests/tools/live.py --amethyst "$target/release/amethyst" --replay "$target/bench/replay" \
    --pcap "$target/bench/calls-${CALLS:-1000}x${SECS:-60}.pcap" --work "$target/bench" --serve --speeds ${SPEEDS:-1}
fi

# SOUND=1: how quickly the real server gives sound: seeks and playback in a call of four hours (made once: 330 MB), live listening
# over a wire. Live needs root.
if [ "${SOUND:-0}" = 1 ]; then
  cc -O2 -o "$target/bench/replay" tests/tools/replay.c
  /usr/bin/python3 tests/tools/sound.py --amethyst "$target/release/amethyst" --replay "$target/bench/replay" --work "$target/bench"
fi

# SATELLITES=1: 500 calls at four satellites in network namespaces: CPU, lag, and a backlog of BACKLOG GB (10), which needs twice its
# size on disk. Needs root.
if [ "${SATELLITES:-0}" = 1 ]; then
  cc -O2 -o "$target/bench/replay" tests/tools/replay.c
  /usr/bin/python3 tests/tools/satellites.py --amethyst "$target/release/amethyst" --replay "$target/bench/replay" --work "$target/bench" \
    --backlog "${BACKLOG:-10}"
fi

# ARCHIVE=1: a night's archive beside cp, restic and borg, on ext4 devices of its own. Needs root for these.
if [ "${ARCHIVE:-0}" = 1 ]; then
  /usr/bin/python3 tests/tools/archive.py --amethyst "$target/release/amethyst" --work "$target/bench"
fi

# Benches of the crates that have some. The one of the catalogue makes ROWS recordings first (ten million: a quarter of an
# hour and 13 GB in BENCH_DIR, removed at the end).
export ROWS=${ROWS:-10000000}
for folder in shared/*/benches server/*/benches; do
  [ -d "$folder" ] || continue
  name=$(sed -n 's/^name = "\(.*\)"/\1/p' "${folder%/benches}/Cargo.toml" | head -n 1)
  features=()
  [ "$name" != amethyst-catalogue ] || features=(--features bench)
  echo "benches of $name" >&2
  for bench in "$folder"/*.rs; do
    cargo bench --locked --quiet -j "$jobs" -p "$name" "${features[@]}" --bench "$(basename "$bench" .rs)"
  done
done
