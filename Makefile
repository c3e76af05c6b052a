# make run    the conference bridge with its control page (ARGS="--sip-port 5070 …" passes arguments on)
# make test   everything that must be true, in under 15 minutes; installs what it needs
# make proof  what takes longer than that
# make bench  figures: pieces by criterion, then the whole server over loopback
# make lint   formatting, lints and types alone
# make docs   the documentation, as pages in build/docs
# make wheel  one abi3 wheel and an sdist in dist/

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
ARGS ?=

export VIRTUAL_ENV := $(CURDIR)/$(VENV)
export PATH := $(VIRTUAL_ENV)/bin:$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# What Python has compiled is kept, since tests start it hundreds of times, but not in the tree: cargo looks at apps/.
export PYTHONPYCACHEPREFIX := $(VIRTUAL_ENV)/pycache
# Of what is installed a small part is ever imported: it is compiled then, and not all of it before.
export PIP_COMPILE := 0

CORE_SOURCES := $(shell find rust -name '*.rs' -o -name Cargo.toml) Cargo.toml Cargo.lock pyproject.toml

# Debian packages of the peers and tools that the tests use: command=package.
PEERS := kamailio=kamailio dnsmasq=dnsmasq-base sipp=sip-tester baresip=baresip linphonec=linphone-cli openssl=openssl chromium=chromium sox=sox curl=curl tcpdump=tcpdump espeak-ng=espeak-ng pg_createcluster=postgresql

.PHONY: help run test test-peers test-beside test-rust test-sound test-python test-wheel test-interop test-browser proof bench docs lint lint-rust lint-python wheel clean peers

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

run: $(VENV)/.core
	@exec $(BIN)/sems run $(ARGS)

# Builds and tests that wait for nobody go two at a time. Real peers and browsers need the machine at the moment
# they ask for it, and leave a good part of it idle: what goes on beside them takes that and no more. What a target
# printed appears when it ends, in one piece.
test:
	@$(MAKE) --no-print-directory -j2 --output-sync=target lint-python test-rust test-python test-wheel
	@$(MAKE) --no-print-directory -j2 --output-sync=target test-peers test-beside
	@echo "All tests passed."

test-peers:
	@$(MAKE) --no-print-directory test-interop
	@$(MAKE) --no-print-directory test-browser

test-beside:
	@nice -n 19 $(MAKE) --no-print-directory lint-rust test-sound docs

lint: lint-rust lint-python

lint-rust: $(VENV)/.venv
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

lint-python: $(VENV)/.core $(VENV)/.tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest sems._core --mypy-config-file pyproject.toml --allowlist tests/stubtest-allowlist.txt --ignore-unused-allowlist

test-rust: $(VENV)/.venv
	MAKEFLAGS= cargo test --workspace --locked

test-sound: $(VENV)/.tools
	$(BIN)/pytest tests/sound

test-python: $(VENV)/.core $(VENV)/.tools peers
	$(BIN)/pytest tests/py -n 2 --dist worksteal

test-wheel: wheel $(VENV)/.tools
	$(BIN)/pytest tests/wheel

test-interop: $(VENV)/.core $(VENV)/.tools peers
	$(BIN)/pytest tests/interop -n 4 --dist worksteal

test-browser: $(VENV)/.core $(VENV)/.tools peers
	$(BIN)/pytest tests/browser -n 2 --dist worksteal

# What takes longer: the fuzz targets for a minute each, many more seeds of the simulation, hours of sound, and
# the tests without Opus.
FUZZ_SECONDS ?= 60
proof: $(VENV)/.core $(VENV)/.tools
	cargo clippy -p sems-audio -p sems-engine --no-default-features --all-targets --locked -- -D warnings
	SEMS_SIM_SEEDS=5000 cargo test --release --locked -p sems-sim
	SEMS_CROWD=100 SEMS_CROWD_SECONDS=180 $(BIN)/pytest tests/py/apps/test_conference_crowd.py tests/browser/test_crowd_agrees.py
	SEMS_ALL_PROMPTS=1 $(BIN)/pytest tests/py/testing/test_recognising.py
	SEMS_API_EXAMPLES=200 $(BIN)/pytest tests/py/control/test_fuzz.py
	SEMS_API_EXAMPLES=20 $(BIN)/pytest tests/interop/test_api_fuzz.py --timeout 1800
	SEMS_SOUND_LONG=1 cargo test --release --locked -p sems-sound
	cargo test --locked -p sems-audio -p sems-engine --no-default-features
	command -v cargo-fuzz >/dev/null || cargo install --locked cargo-fuzz
	for target in $$(cargo +nightly fuzz list --fuzz-dir tests/fuzz); do \
	  mkdir -p tests/fuzz/corpus/$$target tests/fuzz/seeds/$$target; \
	  cargo +nightly fuzz run --fuzz-dir tests/fuzz $$target tests/fuzz/corpus/$$target tests/fuzz/seeds/$$target \
	    -- -max_total_time=$(FUZZ_SECONDS) -rss_limit_mb=2048; done

bench: $(VENV)/.core
	cargo bench --locked -p sems-benches
	cargo run --release --locked -p sems-benches --bin load -- --sems $(BIN)/sems --json benches/results/load.json

docs: $(VENV)/.tools
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going docs build/docs
	@echo "open build/docs/index.html"

wheel: $(VENV)/.venv
	rm -rf dist
	$(BIN)/maturin build --release --locked --out dist
	$(BIN)/maturin sdist --out dist

clean:
	rm -rf $(VENV) target dist python/sems/_core*.so python/sems/apps python/sems/web

# A virtual environment with the build tools alone: maturin, and cmake for libopus where there is none.
$(VENV)/.venv: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "SEMS needs Python 3.11 or newer; set PYTHON=")'
	@command -v cargo >/dev/null || { echo "SEMS needs Rust (cargo); see https://rustup.rs" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { [ "$$(id -u)" = 0 ] && apt-get install -y -q python3-venv && $(PYTHON) -m venv $(VENV); }
	$(BIN)/pip install -q 'maturin>=1.16,<2' $$(command -v cmake >/dev/null || echo cmake)
	@touch $@

# The core, built for speed and installed so that Python finds apps/, web/ and python/ in this tree.
$(VENV)/.core: $(VENV)/.venv $(CORE_SOURCES)
	$(BIN)/maturin develop --release --locked --quiet
	@rm -rf python/sems/apps python/sems/web
	@touch $@

# What only tests, lints and the documentation need: the groups of dependencies. After the core, as pip installs one thing at a time.
$(VENV)/.tools: pyproject.toml | $(VENV)/.core
	$(BIN)/python -c 'import tomllib; print(*sum(tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"].values(), []), sep="\n")' > $(VENV)/groups.txt
	$(BIN)/pip install -q -r $(VENV)/groups.txt
	@touch $@

peers:
	@missing=(); for peer in $(PEERS); do command -v "$${peer%%=*}" >/dev/null || missing+=("$${peer#*=}"); done; \
	compgen -G '/usr/lib/*/kamailio/modules/tls.so' >/dev/null || missing+=(kamailio-tls-modules); \
	compgen -G '/usr/include/gsm*/gsm.h' >/dev/null || missing+=(libgsm1-dev); \
	if [ "$${#missing[@]}" -gt 0 ]; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$${missing[@]}"; \
	  else echo "The tests need these peers: $${missing[*]} (Debian package names)" >&2; exit 1; fi; \
	fi
