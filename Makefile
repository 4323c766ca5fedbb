# make book   everything: virtual environment, a real training run on digits, the book
# make test   everything the project promises, checked
# make readme the measured figures in README.md and its picture, after records were added
# make lock   requirements*.lock from requirements*.txt
# make lint   ruff, the rules of what may import what, and stripped notebooks
# make run    one notebook run:   make run DATASET=mnist SCHEME=one-vs-all CLASSES='[0]' SEEDS='[0]' (a name: '["cat"]')
# make grid   the whole paper at scale laptop, two runs at once; repeat at will
# make sweep  the paper's grid, or a part of it: make sweep SWEEP='--methods knn --time-limit 600'; repeat at will
# make pdf    the book's pages as one PDF, printed by an installed Chromium
# make bench  what a training step costs here, as ratios measured in one run
# make bench-gpu  nine minutes on a GPU: the same losses, speed, records at scale paper

PYTHON ?= python3
VENV ?= .venv
RUNS ?= runs
METHOD ?= adcgan
DATASET ?= digits
SCHEME ?= one-vs-all
RECIPE ?=
SCALE ?= laptop
CLASSES ?= [0]
SEEDS ?= [0]
SWEEP ?=
BIN := $(VENV)/bin
# What a user names reaches the commands through the environment, where spaces and quotes stay as they are.
override RUNS := $(if $(filter ~/%,$(RUNS)),$(RUNS:~/%=$(HOME)/%),$(RUNS))
export METHOD RECIPE SCALE DATASET SCHEME CLASSES SEEDS RUNS

.PHONY: book lock pdf readme test lint run grid sweep bench bench-gpu clean
.DELETE_ON_ERROR:
.NOTPARALLEL:
# The installation compiles nothing, so what is imported must be kept compiled: else every process compiles PyTorch again.
unexport PYTHONDONTWRITEBYTECODE

# Every package by its hash but PyTorch, whose files differ between machines. Bytecode only for what is imported:
# compiling every file of PyTorch takes longer.
PIP = PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install --quiet --no-compile
TORCH = $(PIP) -r requirements-torch.txt -c constraints.txt && $(PIP) --no-deps --editable .
PINS := requirements.lock requirements-torch.txt constraints.txt pyproject.toml

$(BIN)/python:
	$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if v >= (3, 11) else "Python %d.%d is too old: 3.11 or newer is needed; name one with make PYTHON=..." % v)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/book.stamp: $(PINS) | $(BIN)/python
	$(PIP) --no-deps --require-hashes -r requirements.lock
	$(TORCH)
	touch $@

# With what `make book` needs, so that after it `make book` installs nothing.
$(VENV)/test.stamp: $(PINS) requirements-dev.lock | $(BIN)/python
	$(PIP) --no-deps --require-hashes -r requirements-dev.lock
	$(TORCH)
	touch $(VENV)/book.stamp $@

# The newcomer's run goes to build/runs, so that it really trains even though the repository has a record of it.
book: $(VENV)/book.stamp
	$(MAKE) run RUNS=build/runs METHOD=adcgan DATASET=digits SCALE=laptop CLASSES='[0, 1]'
	$(BIN)/jupyter-book build book/
	@echo "The book: book/_build/html/index.html"

pdf: $(VENV)/test.stamp
	$(BIN)/jupyter-book build book/
	$(BIN)/python book/pdf.py

test: $(VENV)/test.stamp
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

readme: $(VENV)/book.stamp
	$(BIN)/python -m companion.readme .

lint: $(VENV)/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/nbstripout --verify book/*.ipynb

run: $(VENV)/book.stamp
	mkdir -p "$$RUNS/notebooks"
	$(BIN)/papermill --no-progress-bar --log-output book/train.ipynb "$$RUNS/notebooks/$$METHOD-$$(basename "$$DATASET")-$$SCHEME.ipynb" \
	  -r method "$$METHOD" -r recipe "$$RECIPE" -r scale "$$SCALE" -r dataset "$$DATASET" -r scheme "$$SCHEME" \
	  -r classes "$$CLASSES" -r seeds "$$SEEDS" -r runs "$$RUNS"

grid: $(VENV)/book.stamp
	$(BIN)/adcgan sweep --scale laptop --jobs 2 --runs "$$RUNS" $(SWEEP)

sweep: $(VENV)/book.stamp
	$(BIN)/adcgan sweep --runs "$$RUNS" $(SWEEP)

bench: $(VENV)/book.stamp
	$(BIN)/python benchmarks/throughput.py

bench-gpu: $(VENV)/book.stamp
	$(BIN)/python benchmarks/gpu.py --out gpu-results

# After a change of a requirements file. Needs pip-tools, which nothing else here does.
lock:
	for part in requirements requirements-dev; do \
	  pip-compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --strip-extras \
	    --unsafe-package torch --unsafe-package torchvision -c constraints.txt $$part.txt -o build/$$part.raw && \
	  { echo "# What $$part.txt needs, every file by its hash; PyTorch apart. Made by make lock."; \
	    sed -e '/^# /,$$d' -e '/^$$/d' build/$$part.raw; } > $$part.lock; done

clean:
	rm -rf build book/_build book/api
