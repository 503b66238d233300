# Works with any make and any Python from 3.11 to 3.14; `make` alone lists what there is.
# PYTHON=python3.12 chooses an interpreter, PORT=8890 a port, ARGS="..." goes to the tool that a target starts.

MAKEFLAGS += --no-print-directory
# Where Python may not keep what it has compiled, each kernel and each test run compiles helpers/ anew.
export PYTHONDONTWRITEBYTECODE =
PYTHON ?=
PORT ?=
ARGS ?=
UPGRADE ?=

setup = @PYTHON="$(PYTHON)" sh .ci/setup.sh
python = .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help lab test test-thorough test-browser mutate bench load-test soak links check-room lint format notebooks docs cheatsheet slides handout book offline demo requirements check-requirements weigh clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' Makefile

lab: ## open the notebooks in JupyterLab (installs what is missing first)
	$(setup) lab
	@exec $(python) .ci/lab.py $(if $(PORT),--port "$(PORT)") $(ARGS)

test: ## run every test and every notebook, as `pytest --nbval`
	$(setup) lab tests
	@$(python) -m pytest --nbval $(ARGS)

test-thorough: ## the tests that `make test` leaves out because they take long: killed kernels, measured cold starts
	$(setup) lab tests class
	@$(python) -m pytest -m thorough tests $(ARGS)

test-browser: ## open every notebook in a real browser and run it, and read the book (needs Chromium or Chrome)
	$(setup) lab tests book
	@$(python) -m pytest tests/browser -m "" -n 3 --dist loadscope $(ARGS)

mutate: ## a test of the tests: change a price, a limit, a constant; something must fail (hours; ARGS="--limit 60" for a sample)
	$(setup) lab tests
	@$(python) .ci/mutate.py $(ARGS)

bench: ## one table of ratios to named baselines, compared with the run before (half an hour; ARGS="--only cloud --quick")
	$(setup) lab tests authoring
	@$(python) tests/bench/run.py $(ARGS)

load-test: ## how much of this machine a learner takes: a JupyterHub and four learners (ARGS="--learners 8")
	$(setup) lab class
	@$(python) deploy/load_test.py $(ARGS)

soak: ## leaks, lost invocations, flakes: a notebook open for an hour, the whole suite ten times (over two hours)
	$(setup) lab tests
	@for each in tests/soak/*.py; do echo "$$each"; $(python) $$each || exit 1; done

links: ## ask every address in notebooks, texts and tables whether it still leads somewhere (needs the network)
	$(setup) lab
	@$(python) .ci/links.py $(ARGS)

check-room: ## check this machine before a class: packages, memory, ports, proxy, disk
	$(setup) lab
	@$(python) -m helpers.room

lint: ## ruff: style and format, notebooks included
	$(setup) lab tests
	@$(python) -m ruff check . && $(python) -m ruff format --check .

format: ## ruff: put code and notebooks in order
	$(setup) lab tests
	@$(python) -m ruff check --fix . && $(python) -m ruff format .

notebooks: ## execute the notebooks again and store them (ARGS="06 --fresh" for one, with new measurements)
	$(setup) lab authoring
	@$(python) .ci/notebooks.py $(ARGS)

docs: ## write the pages of docs/ that follow from data: glossary, tests and answers, cheat sheet
	$(setup) lab
	@$(python) .ci/docpages.py $(ARGS)

cheatsheet: ## formulas, limits and prices on one sheet of A4, in build/ (the PDF needs Chromium or Chrome)
	$(setup) lab
	@$(python) .ci/cheatsheet.py

slides: ## slides of each notebook as one file that needs no internet, in build/slides (ARGS=06 for one)
	$(setup) lab authoring
	@$(python) .ci/slides.py $(ARGS)

handout: ## copies of the notebooks without solutions, in build/handout
	$(setup) lab
	@$(python) .ci/handout.py $(ARGS)

book: ## build the web book, from the notebooks as they are stored, in build/book
	$(setup) lab book
	@$(python) .ci/build_book.py $(ARGS)

offline: ## pack all that a room without internet needs, for this platform and Python, in build/
	$(setup) lab
	@$(python) .ci/offline.py $(ARGS)

demo: ## record the README's moving picture again (needs Chromium or Chrome)
	$(setup) lab tests
	@$(python) .ci/record.py $(ARGS)

requirements: ## pin versions as pyproject.toml asks (UPGRADE=1 for the newest)
	$(setup) lab authoring
	@$(python) .ci/lock.py $(if $(UPGRADE),--upgrade)

check-requirements: ## fail if the pins and pyproject.toml disagree
	$(setup) lab authoring
	@$(python) .ci/lock.py --check

weigh: ## the heaviest packages of a fresh installation, as CONTRIBUTING.md lists them
	$(setup) lab authoring
	@$(python) .ci/weigh.py

clean: ## remove .venv and everything that was made here
	@rm -rf .venv build .pytest_cache .ruff_cache .hypothesis .benchmarks .playwright
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@find . -name .ipynb_checkpoints -type d -prune -exec rm -rf {} +
