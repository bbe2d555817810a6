# Everything here runs on one machine: AWS is emulated, nothing reaches a real account except
# `sam deploy` and `make acceptance`, which asks for consent.
SHELL := /bin/bash
.DEFAULT_GOAL := help
export SAM_CLI_TELEMETRY := 0

# The interpreter of this machine: the first of these between 3.11 and 3.14.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
  $$p -c 'import sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null \
  && $$p -c 'import sys; print(sys.executable)' && break; done)
ifeq ($(PYTHON),)
$(error Python 3.11 to 3.14 with venv is needed; set PYTHON=/path/to/python3)
endif
HERE := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')

# What the function is built for. Lambda: CPython 3.13 on x86_64. The emulator runs the function on its
# own interpreter, so the demo and the tests build for this machine: LAMBDA_PLATFORM=native.
LAMBDA_PYTHON ?= 3.13
LAMBDA_PLATFORM ?= manylinux2014_x86_64
BUILD_DIR ?= .aws-sam/build

VENV := .venv
SAM_VENV := .build/sam
LOCK_VENV := .build/lock
EMULATOR_VENV := .build/ministack
EMULATED_BUILD := .build/emulated

BIN := $(VENV)/bin
SAM := $(SAM_VENV)/bin/sam
SOURCES := template.yaml samconfig.toml Makefile function/requirements.txt \
  $(shell find function fallback schemas -type f ! -path '*/__pycache__/*' 2>/dev/null)

.PHONY: help
help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-19s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- set-up: each environment is made once, and again when its pins change; side by side, for they wait
# for the network and resolve on one core each ---

QUICKLY := --quiet --disable-pip-version-check --no-compile
READY := $(VENV)/.ready $(SAM_VENV)/.ready $(EMULATOR_VENV)/.ready

# Two calls of pip: one with hashes would ask for those of the tests' packages too. The second keeps what the
# first installed, and a test compares it with the lock.
$(VENV)/.ready: tests/requirements.txt function/requirements.txt
	@echo "setting up $(VENV): tools and tests, Python $(HERE)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install $(QUICKLY) --require-hashes -r function/requirements.txt
	@$(BIN)/python -m pip install $(QUICKLY) -r tests/requirements.txt
	@touch $@

$(SAM_VENV)/.ready: tests/e2e/emulator/requirements-sam.txt
	@echo "setting up $(SAM_VENV): AWS SAM CLI"
	@$(PYTHON) -m venv $(SAM_VENV)
	@$(SAM_VENV)/bin/python -m pip install $(QUICKLY) -r $<
	@touch $@

$(EMULATOR_VENV)/.ready: tests/e2e/emulator/requirements.txt
	@echo "setting up $(EMULATOR_VENV): the emulator of AWS"
	@$(PYTHON) -m venv $(EMULATOR_VENV)
	@$(EMULATOR_VENV)/bin/python -m pip install $(QUICKLY) -r $<
	@touch $@

$(LOCK_VENV)/.ready: tools/requirements.txt
	@$(PYTHON) -m venv $(LOCK_VENV)
	@$(LOCK_VENV)/bin/python -m pip install $(QUICKLY) -r $<
	@touch $@

.PHONY: setup
setup: ## Environments for everything below
	@$(MAKE) --quiet -j3 $(READY)

# --- build ---

.PHONY: build
build: $(BUILD_DIR)/template.yaml ## sam build for AWS (LAMBDA_PYTHON=3.13 LAMBDA_PLATFORM=manylinux2014_x86_64)

$(BUILD_DIR)/template.yaml: $(SOURCES) | $(SAM_VENV)/.ready
	@$(SAM) build --build-dir $(BUILD_DIR) >/dev/null
	@touch $@

.PHONY: build-emulated
build-emulated: ## sam build for the emulator, which runs the function on this machine's Python
	@$(MAKE) --quiet build BUILD_DIR=$(EMULATED_BUILD) LAMBDA_PYTHON=$(HERE) LAMBDA_PLATFORM=native

# `sam build` calls the two targets below, with ARTIFACTS_DIR set, in the repository's root.
PIP := $(or $(wildcard $(BIN)/python),$(PYTHON)) -m pip --disable-pip-version-check
PIP_TARGET := $(if $(filter native,$(LAMBDA_PLATFORM)),,\
  --platform $(LAMBDA_PLATFORM) --only-binary=:all: --implementation cp --python-version $(LAMBDA_PYTHON))

.PHONY: build-ProviderFunction build-FallbackFunction
build-ProviderFunction:
	$(PIP) install --quiet --no-compile --require-hashes --target "$(ARTIFACTS_DIR)" $(PIP_TARGET) \
	  -r function/requirements.txt
	cp -R function/app.py function/massdriver_redis schemas "$(ARTIFACTS_DIR)"
	find "$(ARTIFACTS_DIR)" -name __pycache__ -prune -exec rm -rf {} +
	rm -rf "$(ARTIFACTS_DIR)/bin"

# The one module of the provider that the fallback shares; its packages stay without an __init__.py.
SHARED := massdriver_redis/cloudformation/genuine.py

build-FallbackFunction:
	cp fallback/*.py "$(ARTIFACTS_DIR)"
	mkdir -p "$(ARTIFACTS_DIR)/$(dir $(SHARED))"
	cp function/$(SHARED) "$(ARTIFACTS_DIR)/$(SHARED)"

# --- checks ---

IN_PROCESS := not deployed and not full

.PHONY: check
check: $(VENV)/.ready $(SAM_VENV)/.ready ## Lint, types, complexity and layers
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy --strict function
	@$(BIN)/mypy --strict fallback
	@$(BIN)/mypy --strict tools
	@$(BIN)/mypy --strict tests/mutation
	@$(BIN)/xenon --max-absolute B function fallback
	@PYTHONPATH=function $(BIN)/lint-imports --no-logo
	@$(BIN)/cfn-lint template.yaml examples/*.yaml
	@$(SAM) validate --lint

.PHONY: unit
unit: $(VENV)/.ready ## Tests in process, no emulator
	@$(BIN)/pytest -m "$(IN_PROCESS)" -n auto

.PHONY: coverage
coverage: $(VENV)/.ready ## The same with branch coverage of function/
	@$(BIN)/pytest -m "$(IN_PROCESS)" -n auto --cov --cov-report=term:skip-covered

.PHONY: deployed
deployed: $(READY) build-emulated ## The deployed scenario: four emulated AWS side by side
	@echo "AWS is emulated (MiniStack and a simulator of ElastiCache); the function is built for Python $(HERE)."
	@$(BIN)/pytest -m "deployed and not full" -n 4 --dist loadfile

# The deployed tests mostly wait, those in process never do, so they run side by side; where make can,
# it prints the output of each in one piece.
.PHONY: test
test: setup check build-emulated ## Everything: lint, types, tests with coverage, the deployed scenario
	@echo "tests in process and deployed, side by side: some minutes; each prints when it is done"
	@$(MAKE) --quiet -j2 $(if $(filter output-sync,$(.FEATURES)),-Otarget) coverage deployed

.PHONY: full full-unit full-deployed
full: test ## The same and the longer checks
	@echo "the longer checks, in process and deployed, side by side: about a quarter of an hour"
	@$(MAKE) --quiet -j2 $(if $(filter output-sync,$(.FEATURES)),-Otarget) full-unit full-deployed

full-unit: $(VENV)/.ready
	@$(BIN)/pytest -m "full and not deployed" -n auto --maxschedchunk 1

full-deployed: $(READY) build-emulated
	@$(BIN)/pytest -m "full and deployed" -n 2 --dist loadfile

.PHONY: faults
faults: $(VENV)/.ready ## Every fault at every AWS call of every operation, in process (about 20 minutes)
	@PYTHONPATH=function $(BIN)/python -m tests.faults

.PHONY: mutants
mutants: $(VENV)/.ready ## Bugs planted one at a time, each of which a test must find (about 5 minutes)
	@$(BIN)/python -m tests.mutation

.PHONY: docs
docs: $(VENV)/.ready ## Write the tables of properties and attributes from schemas/
	@$(BIN)/python tools/generate.py
	@PYTHONPATH=function $(BIN)/python -m tools.preview.page

# For every Python that the project supports; LOCK=--upgrade takes the newest of what the pins leave open.
.PHONY: lock
lock: $(LOCK_VENV)/.ready ## Pin and hash all that the Lambda ships, from function/requirements.in
	@$(LOCK_VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(LOCK) \
	  --output-file function/requirements.txt function/requirements.in

.PHONY: plan
plan: $(VENV)/.ready ## The steps of an update before you make it (OLD=file NEW=file)
	@PYTHONPATH=function $(BIN)/python -m tools.preview "$(OLD)" "$(NEW)"

.PHONY: demo
demo: setup build-emulated ## Deploy, create, PING, scale and delete a cluster, on an emulated AWS
	@$(BIN)/python -m tests.e2e.emulator.demo

# On a real account, with the settings that tools/acceptance/settings.py reads: docs/acceptance.md.
ACCEPTANCE := PYTHONPATH=function TEMPLATE=$(BUILD_DIR)/template.yaml SAM=$(SAM) $(BIN)/python -m tools.acceptance

.PHONY: acceptance acceptance-emulated
acceptance: $(VENV)/.ready $(SAM_VENV)/.ready ## One life of a cluster on your AWS account; asks for consent first
	@$(ACCEPTANCE) --check
	@$(MAKE) --quiet build
	@$(ACCEPTANCE)

acceptance-emulated: setup build-emulated ## The same on an emulated AWS
	@$(BIN)/python -m tests.e2e.emulator.acceptance

.PHONY: clean
clean: ## Remove every environment and build
	rm -rf $(VENV) .build .aws-sam .import_linter_cache .pytest_cache .mypy_cache .ruff_cache .coverage
