# The commands a newcomer needs. Each does its own set-up; nothing has to be installed by hand.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: year help demo studio test format chaos mutants coverage bench lock release clean setup setup-dev packages

help:
	@echo "make demo    run the whole job on the sample workspace, about 20 seconds after the first install"
	@echo "make studio  open what the demo made in your browser: write an appeal, and send it to the outbox"
	@echo "make test    lint, types, layers, sizes and the whole test suite"
	@echo "make format  format the code, and fix what lint can fix by itself"
	@echo "make chaos   kill, cut off and fill up whatever a send needs, and compare what arrived with the ledger"
	@echo "make year    a year of a group of 20,000 people on a fast clock: nobody twice, nobody over the cap"
	@echo "make mutants put faults into the modules that decide who is mailed, and say which ones no test noticed"
	@echo "make coverage says which lines and branches of mailer/ no test reaches"
	@echo "make bench   measure, and write the tables under benchmarks/"
	@echo "make lock    renew the locked versions from pyproject.toml"
	@echo "make release build wheel, source distribution and SBOM into dist/, and try the wheel"
	@echo "make clean   remove the virtual environment and what the demo left"

setup: $(VENV)/.runtime

setup-dev: $(VENV)/.dev

$(VENV)/.runtime: requirements.lock pyproject.toml
	@PYTHON="$(PYTHON)" scripts/install requirements.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml
	@PYTHON="$(PYTHON)" scripts/install requirements-dev.lock --no-compile # the tests compile what they use
	@touch $@ $(VENV)/.runtime

demo: setup
	@$(BIN)/python scripts/demo.py

studio: setup
	@$(BIN)/python scripts/demo.py studio

packages:
	@scripts/system-packages

# What is installed by pip and by the system comes from two places, so it comes at the same time.
test:
	@$(MAKE) --no-print-directory -j 2 setup-dev packages
	@scripts/test

format: setup-dev
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

year: setup-dev
	@$(BIN)/pytest --year $(or $(PEOPLE),20000) tests/year

chaos: setup-dev packages
	@scripts/chaos $(if $(SEED),--chaos-seed $(SEED)) $(if $(WORKERS),--workers $(WORKERS))

mutants: setup-dev
	@$(BIN)/pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip install --quiet --group mutants
	@nice -n 10 $(BIN)/python -m scripts.mutants $(MUTANTS)

coverage: setup-dev packages
	@$(BIN)/pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip install --quiet --group coverage
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest -n 4 --dist worksteal
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report --show-missing --skip-covered

bench: setup-dev packages
	@$(BIN)/python -m benchmarks

lock: setup-dev
	@$(BIN)/pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
	  --custom-compile-command "make lock" --all-extras --group build pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
	  --custom-compile-command "make lock" --all-extras --group dev pyproject.toml -o requirements-dev.lock

release: setup-dev
	@$(BIN)/pip install --quiet --disable-pip-version-check cyclonedx-bom
	@$(BIN)/python scripts/release.py

clean:
	rm -rf $(VENV) demo dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
