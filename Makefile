# Everything a newcomer needs. `make` alone lists the targets.

PYTHON ?= python3
VENV ?= .venv
TASK ?= walk
ARGS ?=
PYTEST_ARGS ?= -q -n auto --dist loadfile --no-loadscope-reorder

# Python keeps what it compiles of a module: each command that a test starts would do it anew.
unexport PYTHONDONTWRITEBYTECODE

BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install run quick play test test-slow test-zoo test-adapters coverage check format schemas man docs docs-serve train bench dist clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo "  make run TASK=cartpole ARGS='--seed 3'       another task, options of ksim-run"
	@echo "  make test PYTEST_ARGS='-q -k gae'            options of pytest"
	@echo "  make PYTHON=python3.12 ...                   the Python that .venv is made with"

install: $(STAMP) ## make .venv and install the packages in it

run: $(STAMP) ## compile tasks/walk.yaml and train it
	$(BIN)/ksim-compile tasks/$(TASK).yaml
	$(BIN)/ksim-run build/$(TASK).ksim --video $(ARGS)

quick: TASK = cartpole
quick: run ## the same with tasks/cartpole.yaml, in about a minute

play: $(STAMP) ## show a robot that walks, which needs no training: in a window, or as build/walk.mp4
	@mkdir -p build
	$(BIN)/ksim-play pretrained:$(TASK) --show -o build/$(TASK).mp4 $(ARGS)

test: $(STAMP) ## run the tests, without the slow ones
	$(BIN)/python -m pytest $(PYTEST_ARGS)

test-slow: $(STAMP) ## run the slow tests only
	$(BIN)/python -m pytest -m slow $(PYTEST_ARGS)

test-zoo: $(STAMP) ## run the tests on robots of others: dm_control, gymnasium, MENAGERIE_ROOT
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[zoo]'
	$(BIN)/python -m pytest -m "zoo or not zoo" $(PYTEST_ARGS) -n 0 tests/zoo

TORCH ?= torch==2.13.0
TESTING := beartype hypothesis pytest

test-adapters: $(STAMP) ## train with learners of others, in environments of their own under build/
	$(BIN)/python -m venv build/adapters
	build/adapters/bin/python -m pip install -q $(TORCH)
	build/adapters/bin/python -m pip install -q -e '.[adapters]' $(TESTING)
	build/adapters/bin/python -m pytest -q -s -m adapters tests/adapters
	$(BIN)/python -m venv build/brax
	build/brax/bin/python -m pip install -q -e '.[brax]' $(TESTING)
	build/brax/bin/python -m pytest -q -s -m adapters tests/adapters -k brax

coverage: $(STAMP) ## run the tests and say which lines none of them runs; pages in build/coverage
	$(BIN)/python -m pytest --cov --cov-report term --cov-report html $(PYTEST_ARGS)

check: $(STAMP) ## lint, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

format: $(STAMP) ## format the code and apply the safe fixes
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

schemas: $(STAMP) ## regenerate schemas/task.schema.json from the vocabulary
	$(BIN)/python -m ksim_schema.exchange.json_schema

man: $(STAMP) ## write the commands' pages for man: build/man
	$(BIN)/python -m ksim_compiler man build/man

docs: $(STAMP) ## build the documentation site: build/docs/index.html
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build

docs-serve: docs ## the same, and show it at http://127.0.0.1:8000
	cd build/docs && $(abspath $(BIN))/python -m http.server --bind 127.0.0.1 8000

train: $(STAMP) ## train and judge all tasks as promised, in about 100 minutes; ARGS='walk:1' for one
	$(BIN)/python -m benchmarks.trainings $(ARGS)

bench: $(STAMP) ## measure what the README claims
	@set -e; for script in benchmarks/bench_*.py; do \
	  echo "$$script"; $(BIN)/python $$script $(ARGS); \
	done

dist: $(STAMP) ## build the wheel and the source distribution, and try the wheel in an environment of its own
	rm -rf dist build/dist
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[dist]'
	$(BIN)/python -m build --outdir dist .
	$(BIN)/python -m venv build/dist
	build/dist/bin/python -m pip install -q -c constraints.txt dist/*.whl
	cd build && dist/bin/ksim-compile --check dist/lib/python3*/site-packages/ksim_schema/_tasks

clean: ## remove build outputs and caches; keeps .venv and runs
	rm -rf build dist .pytest_cache .ruff_cache .hypothesis
	find . -path ./$(VENV) -prune -o -type d -name __pycache__ -exec rm -rf {} +

# The stamp holds a checksum of what was installed and from where: a checkout that only changes
# file times needs no network, and a moved folder is installed anew.
$(STAMP): pyproject.toml constraints.txt
	@set -eu; \
	sum="$$({ pwd; cat pyproject.toml constraints.txt; } | cksum)"; \
	if [ "$$(cat $@ 2>/dev/null)" = "$$sum" ]; then touch $@; exit 0; fi; \
	if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
	  python="$$(command -v $(PYTHON) || true)"; \
	  for candidate in "$$python" python3.13 python3.12 python3.11; do \
	    [ -n "$$candidate" ] || continue; \
	    if $$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	    then found="$$candidate"; break; fi; \
	  done; \
	  if [ -z "$${found:-}" ]; then \
	    echo "error: ksim-schema needs Python 3.11 or newer, and '$(PYTHON)' is not." >&2; \
	    echo "  On Debian or Ubuntu: apt-get install python3 python3-venv" >&2; \
	    echo "  If it is elsewhere:  make PYTHON=/path/to/python3.11 ..." >&2; exit 1; \
	  fi; \
	  if ! $$found -c 'import ensurepip, venv' 2>/dev/null; then \
	    version="$$($$found -c 'import sys; print("%d.%d" % sys.version_info[:2])')"; \
	    echo "error: $$found cannot make virtual environments." >&2; \
	    echo "  On Debian or Ubuntu: apt-get install python$$version-venv" >&2; exit 1; \
	  fi; \
	  echo "Making $(VENV) with $$found"; \
	  $$found -m venv $(VENV); \
	fi; \
	echo "Installing ksim-schema in $(VENV) (the first time takes a few minutes)"; \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  --constraint constraints.txt --editable '.[dev]'; \
	echo "$$sum" > $@
