# "make" lists the targets. Everything runs from .venv, which "make setup" makes.

VENV := .venv
BIN := $(VENV)/bin
# The folders that together are the package "matahari"; some tools look at the path, not at the installation.
PORTIONS := core:rpcagent:clients:ruby-backend
PYTEST_ARGS ?=
ARGS ?=

.DEFAULT_GOAL := help
# Each step of "make test" needs the one before it, but for those that it starts side by side.
ifndef SIDE_BY_SIDE
.NOTPARALLEL:
endif
.PHONY: help setup demo up test check bench format format-check lint types imports test-fast test-all test-programs test-alone \
	test-together test-others test-rabbitmq clean distclean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what is missing and make .venv
	@bash .ci/setup

demo: setup ## play the main job with visible output
	@$(BIN)/python examples/demo/run.py $(ARGS)

up: setup ## run one node in the foreground, watching plugins/ (ARGS=... for options)
	@exec $(BIN)/matahari up $(ARGS)

test: setup format-check lint types imports test-programs test-alone ## set up, check, and run all tests
	@# What computes and what waits share the processors well; tests that measure, or wait for what must come soon, have them alone.
	@$(MAKE) SIDE_BY_SIDE=1 --no-print-directory --jobs=2 --output-sync=target test-together test-others test-rabbitmq

check: setup format-check lint types imports test-fast ## the quick part: style, types, layers, unit and property tests

bench: setup ## print speeds; a measurement, not a test
	@$(BIN)/python -m tests.bench.run $(ARGS)

format: setup ## format the code and sort imports
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --quiet --fix .

format-check:
	@$(BIN)/ruff format --check --quiet . || { echo 'not formatted: run "make format"'; exit 1; }

lint:
	@$(BIN)/ruff check --quiet .

types:
	@$(BIN)/mypy --no-error-summary

imports:
	@PYTHONPATH=$(PORTIONS) $(BIN)/lint-imports > $(VENV)/imports.log 2>&1 || { cat $(VENV)/imports.log; exit 1; }

test-fast:
	@$(BIN)/pytest -q tests/unit tests/property $(PYTEST_ARGS)

test-all: test-programs test-alone test-together test-others

test-programs:
	@bash .ci/rpm
	@bash .ci/shells

test-alone:
	@$(BIN)/pytest -m 'not together' tests/integration $(PYTEST_ARGS)

test-together:
	@$(BIN)/pytest -m together tests/integration $(PYTEST_ARGS)

test-others:
	@$(BIN)/pytest --ignore=tests/integration $(PYTEST_ARGS)

test-rabbitmq: ## run the integration tests again, on a RabbitMQ that they start
	@bash .ci/rabbitmq
	@$(BIN)/pytest --bus rabbitmq3 tests/integration $(PYTEST_ARGS)

clean: ## remove caches and build output, keep .venv
	@rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage
	@find core rpcagent clients ruby-backend plugins examples tests -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

distclean: clean ## remove .venv too
	@rm -rf $(VENV)
