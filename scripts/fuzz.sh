#!/usr/bin/env bash
# Runs each fuzz target for FUZZ_SECONDS (60), FUZZ_JOBS (one a core) at a time, and prints a line for each. Findings end
# the run with 1 and say how to repeat them.
#
#   TARGETS='seal_header sip_message'   only those
#   FUZZ_SANITIZER=address              watches memory too. Left off by default: our code forbids `unsafe`, so what is
#                                       looked for are panics, overflows and broken promises; without it twice as many
#                                       inputs are tried. Worth its price for audio_decode, behind which stands libopus.
set -euo pipefail
cd "$(dirname "$0")/../tests/fuzz"
export seconds=${FUZZ_SECONDS:-60}

# Sanitizer flags are for nightly compilers; without one the stable compiler is told to take them.
toolchain=()
if command -v rustup >/dev/null 2>&1 && rustup toolchain list 2>/dev/null | grep -q '^nightly'; then
  toolchain=(+nightly)
else
  export RUSTC_BOOTSTRAP=1
fi
mapfile -t all < <(cargo "${toolchain[@]}" fuzz list)
[ ${#all[@]} -gt 0 ] || { echo 'fuzz: tests/fuzz lists no targets' >&2; exit 1; }
read -ra targets <<<"${TARGETS:-${all[*]}}"
only=()
[ ${#targets[@]} -ne 1 ] || only=("${targets[0]}")
cargo "${toolchain[@]}" fuzz build --sanitizer "${FUZZ_SANITIZER:-none}" "${only[@]}" >&2
host=$(rustc "${toolchain[@]}" -vV | sed -n 's/^host: //p')
export programs=${CARGO_TARGET_DIR:-target}/$host/release

# Where a target's mutations begin: its own folder in seeds/, and the golden files of what it reads.
seeds_of() {
  case $1 in
    seal_header) echo ../vectors/seal/good ../vectors/seal/broken ;;
    seal_keystore) echo ../vectors/keystore ;;
  esac
  [ ! -d "seeds/$1" ] || echo "seeds/$1"
}
fuzz_one() {
  local target=$1 log line seeds=() found=0
  mkdir -p "corpus/$target" "artifacts/$target"
  mapfile -t seeds < <(seeds_of "$target" | tr ' ' '\n')
  log=$(mktemp)
  "$programs/$target" -max_total_time="$seconds" -max_len=65536 -rss_limit_mb=2048 -timeout=10 -print_final_stats=1 \
    -artifact_prefix="artifacts/$target/" "corpus/$target" "${seeds[@]}" >"$log" 2>&1 || found=1
  line=$(awk '/stat::number_of_executed_units/ { n = $2 } /cov:/ { for (i = 1; i < NF; i++) if ($i == "cov:") c = $(i + 1) }
              END { printf "%11d inputs, coverage %5d", n, c }' "$log")
  if [ "$found" = 0 ]; then
    printf '%-16s %s, no finding\n' "$target" "$line"
  else
    printf '%-16s %s, FINDING\n' "$target" "$line"
    { echo "-- $target:"; tail -n 40 "$log"; echo "fuzz: repeat with: cd tests/fuzz && $programs/$target artifacts/$target/<file named above>"; } >&2
  fi
  rm -f "$log"
  return "$found"
}
export -f seeds_of fuzz_one
printf '%s\n' "${targets[@]}" | xargs -P "${FUZZ_JOBS:-$(nproc)}" -I{} bash -c 'fuzz_one {}' || {
  echo 'fuzz: findings, see above' >&2
  exit 1
}
