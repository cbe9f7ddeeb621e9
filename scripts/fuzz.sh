#!/usr/bin/env bash
# Runs each fuzz target for FUZZ_SECONDS (60). A finding ends the run and says how to repeat it.
# TARGETS='seal_header sip_message' runs only those.
set -euo pipefail
cd "$(dirname "$0")/../tests/fuzz"
seconds=${FUZZ_SECONDS:-60}

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
cargo "${toolchain[@]}" fuzz build >&2
for target in "${targets[@]}"; do
  printf '== %-28s ' "$target"
  mkdir -p "corpus/$target"
  seeds=()
  [ ! -d "seeds/$target" ] || seeds=("seeds/$target")
  log=$(mktemp)
  if cargo "${toolchain[@]}" fuzz run "$target" "corpus/$target" "${seeds[@]}" -- \
      -max_total_time="$seconds" -max_len=65536 -rss_limit_mb=2048 -timeout=10 -print_final_stats=1 >"$log" 2>&1; then
    awk '/stat::number_of_executed_units/ { n = $2 } /cov:/ { for (i = 1; i < NF; i++) if ($i == "cov:") c = $(i + 1) }
         END { printf "%s inputs, coverage %s, no finding\n", n, c }' "$log"
    rm -f "$log"
  else
    echo 'FINDING'
    tail -n 40 "$log" >&2
    echo "fuzz: repeat with: cd tests/fuzz && cargo ${toolchain[*]} fuzz run $target artifacts/$target/<file named above>" >&2
    exit 1
  fi
done
