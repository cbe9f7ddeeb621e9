# AMETHYST. `make` alone lists what there is; every target sets up what it needs first.
# Options: FUZZ_SECONDS=60 (per target), CALLS=1000 SECS=60 ROWS=10000000 (sizes of the bench), JOBS=2 (parallel builds).

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
export JOBS ?= $(shell nproc 2>/dev/null || echo 2)

.PHONY: help
help: ## this list
	@printf 'AMETHYST: calls on a wire become sealed recordings, heard in a browser.\n\n'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@printf '\nNew here? make demo. Then README.md and ARCHITECTURE.md.\n'

.PHONY: demo
demo: ## a whole site on this machine: real calls are recorded, and heard in the browser
	@scripts/setup.sh demo
	@scripts/demo.sh

.PHONY: test
test: ## everything that can be proven here: unit, property, vectors, the suite on real sockets
	@scripts/setup.sh test
	@scripts/test.sh

.PHONY: lint
lint: ## format, clippy, licences, documents: what a change must pass
	@scripts/setup.sh lint
	@scripts/lint.sh

.PHONY: bench
bench: ## CPU, memory and speed against the yardsticks, as a table (CALLS=1000 SECS=60)
	@scripts/setup.sh bench
	@scripts/bench.sh

.PHONY: shares
shares: ## an archive on shares of real kernels (CIFS and smbd, NFS 4.2 and knfsd) in a virtual machine; as root
	@cargo build --release --locked --quiet -j "$(JOBS)" -p amethyst-server --bin amethyst
	@tests/tools/shares.sh "$${CARGO_TARGET_DIR:-target}/release/amethyst" "$${CARGO_TARGET_DIR:-target}/shares"

.PHONY: fuzz
fuzz: ## each fuzz target for FUZZ_SECONDS (60)
	@scripts/setup.sh fuzz
	@scripts/fuzz.sh

.PHONY: installers
installers: ## Debian package and Windows setup: not here yet
	@echo 'installers: not here yet. The packages come with the issue "Installers"; until then README.md says how to run from source.' >&2
	@exit 2
