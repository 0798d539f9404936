# make demo   train digits, export, verify and synthesise them into build/digits/
# make test   ruff, mypy and the whole test suite
# Both do their own set-up in .venv; set PYTHON to choose the interpreter (3.10 or newer).
PYTHON ?= python3
# One known version of torch: an open range would pick up several GB of GPU packages where none are needed.
TORCH ?= torch==2.13.0
BIN := .venv/bin

.PHONY: demo test setup clean

demo: .venv/ready
	$(BIN)/sctorch run recipes/digits.yaml

test: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

setup: .venv/ready

.venv/ready: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "sctorch needs Python 3.10 or newer; set PYTHON=...")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check '$(TORCH)'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[eda,dev]'
	touch $@

clean:
	rm -rf .venv build
