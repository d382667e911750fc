# Bare `make` lists the targets. Settings are given either way:
#   make up WEATHER_SOURCE=replay REPLAY_FILE=readings.csv
#   WEATHER_SOURCE=replay REPLAY_FILE=readings.csv make up

VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/installed-runtime
DEV := $(VENV)/installed-dev
MAKEFLAGS += --no-print-directory

.DEFAULT_GOAL := help
.PHONY: help install up demo down status env test check faults eval-quality eval-anomalies docs lock

help: ## list the targets
	@sed -n 's/^\([a-z%-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-18s %s\n", $$1, $$2}'

install: $(RUNTIME) ## install what the pipeline needs into .venv

up: $(RUNTIME) ## start the whole pipeline; Ctrl-C stops it
	@$(BIN)/citywx up

demo: $(RUNTIME) ## the same with simulated weather, in a home of its own
	@HOME_NAME=demo WEATHER_SOURCE=simulate $(BIN)/citywx up

down: $(RUNTIME) ## stop the pipeline
	@$(BIN)/citywx down

status: $(RUNTIME) ## show how each service is doing
	@$(BIN)/citywx status

env: $(RUNTIME) ## write .env with random passwords, for Compose
	@$(BIN)/citywx env

test: $(DEV) ## run all tests
	$(BIN)/python -m pytest -n 2 --dist loadfile $(PYTEST_ARGS)

check: $(DEV) ## format, lint, types and locks, as CI does
	$(BIN)/ruff format --check .
	$(BIN)/ruff check --no-cache .
	$(BIN)/mypy
	$(BIN)/python -m tests.support.locks

faults: $(DEV) ## all fault tests, up to 2 hours; what has a result is not run again [QUICK=1] [FRESH=1]
	$(BIN)/python -m tests.faults

faults-%: $(DEV) ## one fault test, e.g. make faults-kills [QUICK=1] [SEED=20] [VICTIMS=bridge,broker]
	$(BIN)/python -m tests.faults $*

bench-%: $(DEV) ## run one benchmark, e.g. make bench-streaming [QUICK=1]
	$(BIN)/python -m benchmarks.$*

eval-quality: $(DEV) ## plant faults into your readings and count what is found, FILES="a.csv b.csv.gz"
	$(BIN)/python -m evaluations.quality $(FILES)

eval-anomalies: $(DEV) ## plant faults inside the ordinary ranges and count what the anomaly score finds, FILES="a.csv.gz"
	$(BIN)/python -m evaluations.anomalies $(FILES)

docs: $(RUNTIME) ## write .env.example and docs/settings.md from the settings
	$(BIN)/python -m citywx.settings_reference

lock: ## resolve the dependencies anew (needs uv)
	uv pip compile $(LOCK_OPTIONS) --extra local -o requirements.lock pyproject.toml
	uv pip compile $(LOCK_OPTIONS) --extra local --extra dev -c requirements.lock -o requirements-dev.lock pyproject.toml

# pip needs the extras of a requirement to stand in the lock; nobody needs an index address there.
LOCK_OPTIONS := --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras \
	--no-header --no-annotate --no-emit-index-url

$(RUNTIME): requirements.lock pyproject.toml
	@sh deploy/install.sh $(VENV) requirements.lock
	@touch $@

$(DEV): requirements-dev.lock pyproject.toml
	@sh deploy/install.sh $(VENV) requirements-dev.lock
	@touch $(RUNTIME) $@
