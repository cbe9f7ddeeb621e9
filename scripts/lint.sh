#!/usr/bin/env bash
# What a change must pass before it is read by a person. Each step says its name; the first that fails stops.
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=${JOBS:-2}
step() { printf '== %s\n' "$1" >&2; }

step 'format'
cargo fmt --all --check

step 'clippy'
cargo clippy --workspace --all-targets --locked -j "$jobs" -- -D warnings

step 'documents (rustdoc)'
RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --locked --quiet -j "$jobs"

step 'licences, bans, sources'
# The suite holds the same lists against `cargo metadata` (tests/suite/licences.rs); cargo-deny reads the texts as well.
if command -v cargo-deny >/dev/null 2>&1; then
  cargo deny --log-level error check licenses bans sources
else
  echo 'skipped here: cargo-deny is not installed; make test holds the lists' >&2
fi

step 'captures'
# Captures carry other people's calls: only those that our own generators made, and that are listed, are kept.
captures=$(git ls-files | grep -E '\.(pcap|pcapng|cap|rtp|erf|snoop)(\.gz)?$' || true)
for f in $captures; do
  grep -qxF "${f#tests/vectors/}" tests/vectors/captures.txt 2>/dev/null && continue
  echo "$f: a capture that tests/vectors/captures.txt does not list as made by our own generator" >&2
  exit 1
done

step 'scripts'
scripts=(scripts/*.sh .ci/run tests/tools/*.sh)
for s in "${scripts[@]}"; do bash -n "$s"; done
if command -v shellcheck >/dev/null 2>&1; then
  shellcheck --severity=warning "${scripts[@]}"
else
  echo 'skipped: shellcheck is not installed' >&2
fi
for s in tests/tools/*.py; do /usr/bin/python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read(), sys.argv[1])' "$s"; done
step 'clean'
