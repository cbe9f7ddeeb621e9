#!/usr/bin/env bash
# Everything that can be proven here. The program is built first and in the same run of features as the tests, so that
# nothing is compiled twice and the suite drives exactly what was tested.
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=${JOBS:-2}
# The console first: the program carries it, and the suite walks through it in real browsers.
scripts/console.sh build
scripts/console.sh check
cargo build --workspace --locked -j "$jobs" --bin amethyst --bin amethyst-calls --test suite
target=$(cd "${CARGO_TARGET_DIR:-target}" && pwd)
export AMETHYST_PROGRAM=${AMETHYST_PROGRAM:-$target/debug/amethyst}
# The walks through the console look at clocks as a person does, so each has the machine to itself, at the end.
cargo test --workspace --locked -j "$jobs" -- --skip e2e::console
walk() { cargo test --workspace --test suite --locked -j "$jobs" -- e2e::console --test-threads=1; }
# A browser that another machine's load made late is no fault of the console: what stumbles three times is.
again() { echo 'the walk through the console stumbled; once more, from the beginning' >&2; walk; }
walk || again || again
