# Thin: everything here is a command you can type yourself.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo tour picture test unit integration chaos lint type bench pythons holidays lock clean help

help:            ## this list
	@grep -hE '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed -E 's/: .*## /\t/' | expand -t 14

$(VENV)/local: deploy/requirements-local.lock pyproject.toml
	@echo "installing into $(VENV) (first time only)"
	@$(PYTHON) deploy/check_python.py
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r deploy/requirements-local.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

$(VENV)/dev: $(VENV)/local deploy/requirements-dev.lock
	@echo "installing what the tests need"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r deploy/requirements-dev.lock
	@touch $@

$(VENV)-bench/ready: pyproject.toml
	@echo "installing the peers of the benchmark into $(VENV)-bench (first time only)"
	@$(PYTHON) -m venv $(VENV)-bench
	@$(VENV)-bench/bin/pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@touch $@

demo: $(VENV)/local  ## everything on this machine, with a simulated year flowing in; Ctrl-C ends it
	@exec $(BIN)/lotrinh up --demo --fresh --state-dir .demo

tour: $(VENV)/dev  ## every kind of alert on a running system, as an official meets it; some minutes
	$(BIN)/python -m tests.tour --out docs/alerts-tour.md

COMPUTING := models tests/unit tests/property tests/oracle tests/engine $(wildcard tests/test_*.py)
QUICK := -m "not process and not long"
LATER := $(wildcard tests/unit/[e-z]*/)
EARLIER := $(wildcard tests/unit/[a-d]*/) $(wildcard tests/unit/*.py)
ASIDE := $(COMPUTING) tests/board tests/chaos $(wildcard tests/integration/test_up*.py) tests/integration/test_tour.py

# $(call sides,ONE,OTHER): both at once; the other's output comes when the one has ended. It fails where either does.
sides = mkdir -p build; $(BIN)/pytest $(2) >build/tests.log 2>&1 & other=$$!; $(BIN)/pytest $(1); failed=$$?; \
  wait $$other || failed=$$?; cat build/tests.log; exit $$failed

# What one side leaves out is the other side, so that nothing is left out.
picture: $(VENV)/dev  ## docs/rooms.md: which room imports which, from the sources
	$(BIN)/python -m tests.picture

test: $(VENV)/dev  ## the whole test suite, in two sides at once, for one of them mostly waits
	@$(call sides,tests $(addprefix --ignore=,$(ASIDE)),$(ASIDE))

unit: export LOTRINH_TESTS = quick
unit: $(VENV)/dev  ## what needs no process, with a tenth of the examples of each law: a minute and a half
	@$(call sides,$(QUICK) $(LATER),$(QUICK) $(EARLIER) $(filter-out tests/unit,$(COMPUTING)))

integration: $(VENV)/dev  ## real Kafka, Valkey, browser; without the faults that take minutes
	$(BIN)/pytest -m "not chaos" tests/integration tests/board

chaos: $(VENV)/dev  ## random faults on real processes: SEED=7 MINUTES=30; or named ones: FAULTS=a,b REPEAT=20 RIGS=3 OUT=FILE
	$(BIN)/python -m tests.chaos.run $(if $(SEED),--seed $(SEED)) $(if $(MINUTES),--minutes $(MINUTES)) \
	  $(if $(FAULTS),--faults $(FAULTS)) $(if $(REPEAT),--repeat $(REPEAT)) $(if $(RIGS),--rigs $(RIGS)) $(if $(OUT),--out $(OUT))

lint: $(VENV)/dev  ## ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

type: $(VENV)/dev  ## mypy, strict
	$(BIN)/mypy

bench: $(VENV)-bench/ready  ## side by side in one run; results as JSON and tables: some 20 minutes, or PEERS=plain,tally
	$(VENV)-bench/bin/python -m bench.run $(if $(PEERS),--peers $(PEERS)) $(if $(ROUNDS),--rounds $(ROUNDS))
	$(VENV)-bench/bin/python -m bench.latency
	$(VENV)-bench/bin/python -m bench.recovery
	$(VENV)-bench/bin/python -m bench.two_workers

pythons: $(VENV)/dev  ## which Pythons install from wheels alone; nothing is installed
	@$(BIN)/pip install --quiet uv
	@mkdir -p build; for version in 3.10 3.11 3.12 3.13 3.14 3.15; do \
	  $(BIN)/uv pip install --quiet --dry-run --require-hashes --only-binary :all: --python-version $$version \
	    --python-platform x86_64-manylinux_2_28 --target build/none -r deploy/requirements-dev.lock >build/pythons.log 2>&1 \
	    && echo "$$version: installs from wheels" || echo "$$version: $$(grep -o 'Because [^,]*' build/pythons.log | head -1)"; \
	done

holidays: $(VENV)/dev  ## ask the package `holidays` again about Việt Nam, for the test of our table
	$(BIN)/pip install --quiet uv
	$(BIN)/uv run --quiet --no-project --with holidays tests/data/holidays_vn.py > tests/data/holidays-vn.csv

lock: $(VENV)/dev  ## pin every dependency by hash again
	$(BIN)/pip install --quiet uv
	for extra in "" local dev; do \
	  $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --upgrade \
	    $${extra:+--extra $$extra} --no-emit-package lotrinh --custom-compile-command "make lock" pyproject.toml \
	    -o deploy/requirements$${extra:+-$$extra}.lock || exit 1; \
	done

clean:           ## forget the virtual environment and the demo's state
	rm -rf $(VENV) $(VENV)-bench .demo build *.egg-info
