# Every command of the project. GNU make 3.81 (macOS) is enough; nothing outside this folder is changed.
# "make" alone lists the targets.

SHELL = /bin/sh
PORT ?= 8080
export PORT

# python -m, never the scripts in bin: their first line breaks in a folder whose path has spaces.
VENV_PYTHON = .venv/bin/python
TOX_PYTHON = .tox/.bootstrap/bin/python
TOX = $(TOX_PYTHON) -m tox
# All environments side by side, each printed when it is done; chosen ones after each other, as they run.
TOX_TEST = $(if $(ENVS),run -e $(ENVS),run-parallel --parallel auto --parallel-no-spinner)
PIP_FLAGS = --quiet --disable-pip-version-check

.PHONY: help run site test sentry-check openapi-check lint format docs bench fuzz dev clean

help:  ## list these targets
	@echo "Targets:"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile
	@echo "Variables:"
	@echo "  PORT=8080            the port of 'make run' and 'make site'"
	@echo "  PYTHON=python3.13    the interpreter to start from (default: the newest on PATH, 3.11 or later)"
	@echo "  ENVS=py313,docs      only these environments in 'make test' (default: all of tox.ini)"
	@echo "  ARGS='-k settings'   more arguments for pytest in 'make test', or of 'make bench' and 'make fuzz'"

run: .venv/.installed-run  ## start examples/projects on http://127.0.0.1:8080
	@$(VENV_PYTHON) -m examples.projects --port "$$PORT"

site: .venv/.installed-run  ## start examples/site, with components, accounts and a blog, on http://127.0.0.1:8080
	@$(VENV_PYTHON) -m examples.site --port "$$PORT"

test: .tox/.bootstrap/.installed-tox  ## run every test and check through tox; a Python that is missing is skipped
	@$(if $(ENVS),:,echo "Running the environments of tox.ini side by side; each is printed when it is done ...")
	@$(TOX) $(TOX_TEST) $(if $(ARGS),-- $(ARGS))

sentry-check: .tox/.bootstrap/.installed-tox  ## run both Sentry clients against a real server, Bugsink
	@$(TOX) run -e sentry $(if $(ARGS),-- $(ARGS))

openapi-check: .tox/.bootstrap/.installed-tox  ## judge the OpenAPI documents by other people's tools and clients
	@$(TOX) run -e openapi $(if $(ARGS),-- $(ARGS))

lint: .tox/.bootstrap/.installed-tox  ## check style, types and the layers of imports
	@$(TOX) run -e lint,typing,imports

format: .tox/.bootstrap/.installed-tox  ## format the code, and fix what ruff can fix
	@$(TOX) run -e format

docs: .tox/.bootstrap/.installed-tox  ## build the documentation in docs/_build/html and run its snippets
	@$(TOX) run -e docs

bench: .tox/.bootstrap/.installed-tox  ## measure the toolkit beside plain aiohttp and its peers (ARGS=--help)
	@$(TOX) run -e bench $(if $(ARGS),-- $(ARGS))

fuzz: .tox/.bootstrap/.installed-tox  ## send 100,000 hostile requests to a live server (ARGS=--help)
	@$(TOX) run -e fuzz $(if $(ARGS),-- $(ARGS))

dev: .venv/.installed-dev  ## make .venv with everything a contributor needs

clean:  ## remove what these commands made: .venv, .tox, builds and caches (no database)
	rm -rf .venv .tox .cache dist docs/_build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -rf fuzz-failures
	rm -f .coverage .coverage.*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# An environment whose interpreter was removed (an upgraded system) is made again.
$(shell for venv in .venv .tox/.bootstrap; do [ -x $$venv/bin/python ] || rm -f $$venv/.installed-*; done)

# An installation is repeated only when pyproject.toml is newer than its stamp.
.venv/.installed-run: pyproject.toml | $(VENV_PYTHON)
	@echo "Installing aiotoolkit and what the examples need into .venv ..."
	@$(VENV_PYTHON) -m pip install $(PIP_FLAGS) --upgrade pip
	@$(VENV_PYTHON) -m pip install $(PIP_FLAGS) --editable '.[jsl]' --group examples
	@touch $@

.venv/.installed-dev: pyproject.toml | $(VENV_PYTHON)
	@echo "Installing aiotoolkit, its extras and the tools into .venv ..."
	@$(VENV_PYTHON) -m pip install $(PIP_FLAGS) --upgrade pip
	@$(VENV_PYTHON) -m pip install $(PIP_FLAGS) --editable '.[all]' ./packages/aiotoolkit-swagger-ui --group dev
	@touch $@

.tox/.bootstrap/.installed-tox: | $(TOX_PYTHON)
	@echo "Installing tox into .tox/.bootstrap ..."
	@$(TOX_PYTHON) -m pip install $(PIP_FLAGS) --upgrade pip tox
	@touch $@

$(VENV_PYTHON):
	@python=$$(sh tools/find_python.sh) && echo "Making .venv with $$python" && "$$python" -m venv --clear .venv

$(TOX_PYTHON):
	@python=$$(sh tools/find_python.sh) && "$$python" -m venv --clear .tox/.bootstrap
