# A few words: make setup | demo | check | fmt | generate | test | node | fuzz | coverage | bench | bench-full | soak
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup demo check fmt generate test node fuzz coverage bench bench-full soak lock clean

setup: .venv/.ready

.venv/.ready: requirements/dev.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "hookgate needs Python 3.11 or newer; this is " + sys.version.split()[0])'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@

demo: setup
	$(BIN)/hookgate dev --once

test: setup
	$(BIN)/python -m pytest

# A real Kubernetes API server for the tests: built once with Go, in six minutes.
cluster: setup
	$(BIN)/python -m tests.cluster

# The chart on a whole node of Kubernetes; not in CI. Root and Debian's containerd: tests/node/__init__.py.
node: setup
	$(BIN)/python -m tests.node

# Thirty times as many examples of every property test, here and beside the parts.
fuzz: setup
	$(BIN)/python -m pytest tests -m hypothesis --hypothesis-profile=fuzz --timeout=0
	FUZZ_SEEDS=60 $(BIN)/python -m pytest tests/fuzz/test_broken_http.py

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The CRDs and their reference pages, from the resource models; the dashboards, from their panels; the chart's schema
# and its table of values, from its values.yaml.
# Tests fail when they are not up to date.
generate: setup
	$(BIN)/python -m hookgate_operator.crd .
	$(BIN)/python -m generators.dashboards charts/hookgate/files/dashboards
	$(BIN)/python -m generators.chart_values charts/hookgate

# What decides is covered whole, branches included, by its own tests: verdicts, plans, statuses, parsers.
comma := ,
space := $(subst ,, )
PURE := */hookgate/signing.py */hookgate_gateway/rules/* \
	$(addprefix */hookgate_operator/,conditions.py declarations.py subscriptions/values.py cluster/told.py) \
	$(addprefix */hookgate_operator/*/,plan.py conditions.py status.py judge.py declared.py census.py) \
	$(addprefix */hookgate_operator/*/,claims.py documents.py errors.py address.py schema.py)
coverage: setup
	$(BIN)/python -m coverage run -m pytest -q tests/gateway/rules tests/sdk tests/controlplane
	$(BIN)/python -m coverage report --fail-under=100 --show-missing --include='$(subst $(space),$(comma),$(strip $(PURE)))'

bench: setup
	$(BIN)/python -m benchmarks

# A million parked, a store of 2 GB, growth: one round, a quarter of an hour, 6 GB of disk.
bench-full: setup
	$(BIN)/python -m benchmarks --full --rounds 1

# Twenty minutes; not in CI.
soak: setup
	nice -n 10 $(BIN)/python -m benchmarks.soak --minutes 20

lock: setup
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --python-version 3.11 --all-extras --group dev pyproject.toml -o requirements/dev.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --python-version 3.11 --extra gateway -c requirements/dev.txt pyproject.toml -o requirements/gateway.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --python-version 3.11 --extra all -c requirements/dev.txt pyproject.toml -o requirements/image.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --python-version 3.11 --group pyproject.toml:build -c requirements/dev.txt -o requirements/build.txt

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage htmlcov dist
