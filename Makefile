# make: set up and do the main job. make test: set up and pass all tests. Both start from an empty clone.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# No question is asked and no release of pip is looked for, so that both run without a terminal.
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input install --quiet --constraint constraints.txt

.PHONY: all test lint benchmark clean

all: $(VENV)/installed
	$(BIN)/torchstone --profile quick

test: $(VENV)/installed-for-tests lint
	$(BIN)/python -m pytest -n 2 --dist loadfile --benchmark-disable

lint: $(VENV)/installed-for-tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Speed as ratios, measured in one run: pytest-benchmark's own tables.
benchmark: $(VENV)/installed-for-tests
	$(BIN)/python -m pytest tests/performance --benchmark-only

# An installation that was cut short leaves no stamp and is made again.
$(VENV)/installed: pyproject.toml constraints.txt
	@echo "setting up $(VENV): torch and what else is needed, a few minutes"
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) --editable .
	touch $@

$(VENV)/installed-for-tests: $(VENV)/installed
	$(PIP) --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) .asv build torchstone-results *.egg-info
