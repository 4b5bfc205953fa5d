# Every target sets itself up: a bare Debian with python3, venv and make is enough, a second run does no work.
# .venv holds everything for development; .venv-run only what serving needs (no torch); .venv-base that plus the tests' tools.

PYTHON ?= python3
UV := .venv-uv/bin/uv --no-config --quiet
HOST ?= 127.0.0.1
PORT ?= 8000
PAGE := src/senoscope/clinic/static/index.html
WEB := $(shell find web -type f -not -path '*/node_modules/*' -not -path '*/dist/*' 2>/dev/null)
SETUP := pyproject.toml hatch_build.py src/senoscope/core/version.py

# $(call environment,FOLDER,LOCK): a virtual environment that holds exactly the lock and this checkout, editable.
define environment
	test -x $(1)/bin/python || $(UV) venv --python $(PYTHON) $(1)
	$(UV) pip sync --python $(1)/bin/python --require-hashes $(2)
	$(UV) pip install --python $(1)/bin/python --no-deps --build-constraints requirements/dev.txt --editable .
	touch $(1)/.stamp
endef

.PHONY: help install run test test-base lint format bench lock web wheel clean
help:
	@echo 'make run        serve the page on http://$(HOST):$(PORT)'
	@echo 'make test       all tests          make test-base  those that need no torch, on the base install'
	@echo 'make lint       style, types, floors   make format  put the style right'
	@echo 'make bench      side by side with peers'
	@echo 'make install    the development environment in .venv'
	@echo 'make web        the browser app     make wheel   the distribution     make lock   renew requirements/'

install: .venv/.stamp

run: .venv-run/.stamp web
	.venv-run/bin/senoscope serve --host $(HOST) --port $(PORT)

test: .venv/.stamp web
	$(PYTHON) web/build.py test
	OMP_NUM_THREADS=1 .venv/bin/python -m pytest -m 'slow or not slow' -n auto --dist loadfile $(ARGS)

test-base: .venv-base/.stamp web
	.venv-base/bin/python -m pytest -m 'slow or not slow' -n auto --dist loadfile $(ARGS)

lint: .venv/.stamp
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

format: .venv/.stamp
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

bench: .venv/.stamp
	.venv/bin/python -m benchmarks $(ARGS)

web: $(PAGE)

wheel: .venv/.stamp web
	.venv/bin/python -m hatchling build

lock: .venv-uv/bin/uv
	for name in uv node; do \
	  $(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --upgrade \
	    requirements/$$name.in --output-file requirements/$$name.txt || exit 1; done
	$(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --upgrade \
	  --extra dev pyproject.toml --output-file requirements/dev.txt
	$(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	  --constraints requirements/dev.txt pyproject.toml --output-file requirements/base.txt
	$(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	  --constraints requirements/dev.txt --extra test pyproject.toml --output-file requirements/test-base.txt

clean:
	rm -rf .venv .venv-run .venv-base .venv-uv .venv-node build dist web/node_modules src/senoscope/clinic/static

.venv-uv/bin/uv: requirements/uv.txt
	test -x .venv-uv/bin/python || $(PYTHON) -m venv .venv-uv
	.venv-uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/uv.txt
	touch $@

.venv/.stamp: .venv-uv/bin/uv requirements/dev.txt $(SETUP)
	$(call environment,.venv,requirements/dev.txt)

.venv-run/.stamp: .venv-uv/bin/uv requirements/base.txt $(SETUP)
	$(call environment,.venv-run,requirements/base.txt)

.venv-base/.stamp: .venv-uv/bin/uv requirements/test-base.txt $(SETUP)
	$(call environment,.venv-base,requirements/test-base.txt)

$(PAGE): $(WEB)
	$(PYTHON) web/build.py
	touch $@
