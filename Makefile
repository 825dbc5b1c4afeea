# Commands for users and developers. The targets only call Python, with the virtual environment `.venv`.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
# Exported, so that no quote in it can reach the shell.
export STACK ?= dev
export TEXT ?= What a wonderful day, I love it!
export FILE ?=
export FILES ?=
export OUTPUT ?=
export COMMENT ?=
export FROM ?=
export TO ?=
export YES ?=
export RUNTIME ?=
export MODEL ?=
export NAME ?=
export MOMENTS ?=
export SEED ?=
export SECONDS ?=

cache := $(or $(MODELMESH_CACHE),$(HOME)/.cache/modelmesh-stack)
run := .venv/bin/python -m

# Locations of the toolchain's programs and of the upstream source for the tests.
export MODELMESH_TOOLCHAIN_BIN ?= $(cache)/toolchain/current/bin
upstream := $(cache)/toolchain/current/modelmesh-serving-source
# Neither blanks nor quotes in a path reach the shell.
quote = '$(subst ','\'',$1)'
export MODELMESH_SERVING_SRC ?= $(if $(shell test -d $(call quote,$(upstream)) && echo yes),$(upstream))

.PHONY: help up preview promote drift check predict bench golden doctor status down clean runtime test-runtime new-runtime benchmark benchmark-stack test soak unit mutants lint docs format lock policies-env

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'
	@echo '  STACK=name picks the stack (default: dev, on the embedded cluster)'

up: .venv ## Build, deploy and serve the stack, then score a sentence (starts the embedded cluster if the stack names none; on others, YES=1 confirms the changes)
	@$(run) cli up --stack "$$STACK"

preview: .venv ## Show the changes of `make up` to the stack without making them: make preview STACK=prod COMMENT=preview.md
	@$(run) cli preview --stack "$$STACK"

promote: .venv ## Write the images that one stack runs into another's stack file: make promote FROM=dev TO=staging
	@$(run) cli promote

drift: .venv ## Check whether the cluster still matches the stack
	@$(run) cli drift --stack "$$STACK"

check: .venv ## Check YAML files and folders for values that ModelMesh would ignore or fail on: make check FILES="a.yaml folder" OUTPUT=json
	@$(run) cli check

predict: .venv ## Ask a model through ModelMesh: make predict TEXT="What a day!", or MODEL=name FILE=request.json OUTPUT=json
	@$(run) cli predict --stack "$$STACK" --text "$$TEXT"

bench: .venv ## Measure a model through ModelMesh, with a sample request or FILE=request.json: make bench MODEL=name SECONDS=10
	@$(run) cli bench --stack "$$STACK" --text "$$TEXT"

golden: .venv ## Write what the stack's golden predictions expect, from the answers of the model that serves now
	@$(run) cli golden --stack "$$STACK"

doctor: .venv ## Show how services, runtimes, stores and certificates of the stack are, and what to do: make doctor OUTPUT=json
	@$(run) cli doctor --stack "$$STACK"

status: doctor ## The same as `make doctor`

down: .venv ## Destroy the stack; the embedded cluster keeps running
	@$(run) cli down --stack "$$STACK"

clean: .venv ## Stop the embedded cluster and delete its data, including stack dev (builds stay in the cache)
	@$(run) cli clean

runtime: .venv ## Serve a model on this machine without a cluster, until Ctrl-C: make runtime RUNTIME=runtimes/mine MODEL=folder
	@exec $(run) cli runtime

test-runtime: .venv ## Run the tests of one model server, in its own environment: make test-runtime RUNTIME=runtimes/mine
	@exec $(run) project.runtime_tests "$$RUNTIME"

new-runtime: .venv ## Create a working custom model server with tests: make new-runtime NAME=keyword-counter
	@$(run) cli new-runtime

test: lint ## Run all tests: lint, types, unit, runtime, mesh, and the whole stack on a separate embedded cluster
	@$(run) embedded reset --instance test
	@$(run) embedded up --instance test --mesh solo
	@trap '$(run) embedded down --instance test' EXIT; \
	  upstream=$(call quote,$(upstream)); \
	  MODELMESH_SERVING_SRC="$${MODELMESH_SERVING_SRC:-$$upstream}" $(run) pytest --verbose --durations=30 \
	    --numprocesses=2 --no-loadscope-reorder tests

soak: .venv ## Kill a stack at many random moments of its life, and check that it recovers: make soak MOMENTS=100 SEED=7
	@$(run) embedded up --instance test --mesh solo
	@trap '$(run) embedded down --instance test' EXIT; \
	  MOMENTS="$${MOMENTS:-100}" $(run) pytest --verbose -s tests/cluster/test_killed.py tests/cluster/test_many_models.py

unit: lint ## Run the checks that only need the Python requirements: lint, types, unit tests (about two minutes)
	@$(run) pytest -q tests/unit

mutants: .venv ## Make each decision of the components and settings wrong, and list those that no unit test notices (at most 40 minutes): make mutants FILES="components/core settings"
	@rm -rf .build/mutants && mkdir -p .build/mutants
	@git ls-files -z --cached --others --exclude-standard | tar --create --null --files-from=- --ignore-failed-read \
	  | tar --extract --directory=.build/mutants
	@cd .build/mutants && exec ../../$(run) tests.mutants $$FILES

benchmark: .venv ## Measure the model server against the tutorial's template (seven minutes, on a quiet machine)
	@$(run) benchmarks.runtime

benchmark-stack: .venv ## Measure the stack against kubectl, on a separate embedded cluster that is deleted afterwards
	@$(run) benchmarks.stack

lint: .venv ## Check format, style, types, links and workflows
	@.venv/bin/ruff format --check --quiet . && .venv/bin/ruff check --quiet . && $(run) mypy
	@$(run) cli.links *.md docs/*.md examples/*.md
	@command -v go >/dev/null || { echo "✗ Go is needed: install Go 1.26 or newer, and put it on PATH"; exit 1; }
	@cd .github/actionlint && go tool actionlint -shellcheck= -pyflakes= ../workflows/*.yml # neither checker is required

docs: .venv ## Write the API reference of the components to docs/reference
	@mkdir -p .build/docs && ln -sfn "$(CURDIR)/components" .build/docs/pulumi_modelmesh
	@PYTHONPATH=.build/docs .venv/bin/python -W ignore -m pdoc --docformat google --output-directory docs/reference \
	  pulumi_modelmesh '!pulumi_modelmesh\.(core|upstream)' '!pulumi_modelmesh\.\w+\.\w+'
	@echo "▸ The reference is in docs/reference/index.html"

format: .venv ## Rewrite the code in the project's format
	@.venv/bin/ruff format --quiet . && .venv/bin/ruff check --quiet --fix .

lock: .venv ## Update the pins of the Python requirements; or add the new requirements of one model server: make lock RUNTIME=runtimes/sentiment
	@if [ -n "$$RUNTIME" ]; then exec $(run) cli lock; fi; \
	  for lock in "--group program -o requirements.txt" "--group dev -o requirements-dev.txt"; do \
	  .venv/bin/uv pip compile --quiet --upgrade --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-emit-find-links --no-annotate --no-header pyproject.toml $$lock; done

# A separate environment, since its requirements contradict those of the stack.
policies-env: .venv
	@$(run) project.environments policies/venv policies/requirements.txt

# Not a file target: the link has to follow the lock file when another branch is checked out. A folder in its place is
# used if it has what the target needs.
enough := requirements.txt
lint unit mutants test format lock benchmark benchmark-stack: enough :=
.PHONY: .venv
.venv:
	@$(PYTHON) -m project.environments .venv requirements-dev.txt $(enough)
