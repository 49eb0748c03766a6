# The only commands a newcomer or CI needs: make demo, make test.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SAMPLE := sample_data/hospital/audit.yaml
LOCK := uv pip compile pyproject.toml .ci/locks/build.in --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate -q
INSTALL := $(BIN)/python -m pip install -q --disable-pip-version-check

.PHONY: help demo test test-all lint docs bench lock packages kerberos npm clean

help:
	@echo "make demo      install what is needed and audit the sample hospital"
	@echo "make test      install what the tests need (Samba, slapd, Chromium) and run them"
	@echo "make test-all  also the long suites"
	@echo "make lint      ruff, mypy, import-linter, documentation checks"
	@echo "make docs      rewrite the generated parts of the documentation"
	@echo "make bench     performance, as ratios"

$(VENV)/run.stamp: .ci/locks/run.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 …")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(INSTALL) --require-hashes -r .ci/locks/run.txt
	$(INSTALL) --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/dev.stamp: .ci/locks/dev.txt $(VENV)/run.stamp
	$(INSTALL) --require-hashes -r .ci/locks/dev.txt
	touch $@

demo: $(VENV)/run.stamp
	@# 1 means findings: for a hospital full of planted faults that is the expected end of the demonstration.
	@$(BIN)/audit run --config $(SAMPLE) --output audit-output || test $$? -eq 1
	@echo "audit-output/report.html"

packages:
	.ci/packages

# gssapi is built from source: where that is not possible the two Kerberos tests are skipped and say so.
kerberos: packages $(VENV)/dev.stamp
	@$(BIN)/python -c 'import gssapi' 2>/dev/null || $(INSTALL) --require-hashes -r .ci/locks/kerberos.txt || echo "No gssapi: Kerberos is not tested."

# What npm publishes: the property lists of Microsoft Graph, axe-core, the SARIF validator. Versions and hashes are in the lock file.
npm: packages
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory $(VENV)/npm.stamp; \
	else echo "No npm: the tests that need what it publishes are skipped and say so."; fi

$(VENV)/npm.stamp: .ci/locks/npm/package-lock.json | $(VENV)/dev.stamp
	@mkdir -p $(VENV)/npm
	@cp .ci/locks/npm/package.json .ci/locks/npm/package-lock.json $(VENV)/npm/
	@npm ci --prefix $(VENV)/npm --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

test: kerberos npm
	$(BIN)/python -m pytest -n 2 -m "not slow"

test-all: kerberos npm
	$(BIN)/python -m pytest -n 2

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/cog --check README.md docs/tables.md rules/README.md

docs: $(VENV)/dev.stamp
	$(BIN)/cog -r README.md docs/tables.md rules/README.md

bench: kerberos
	$(BIN)/python -m tests.bench

lock:
	npm install --prefix .ci/locks/npm --package-lock-only --omit-lockfile-registry-resolved --ignore-scripts --no-audit --no-fund
	$(LOCK) -o .ci/locks/run.txt
	$(LOCK) --extra dev -o .ci/locks/dev.txt
	$(LOCK) --extra kerberos -o .ci/locks/kerberos.txt

clean:
	rm -rf $(VENV) audit-output .lab
