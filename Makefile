# Every target sets up .venv first, from requirements.lock, when that is due.
# Options: PYTHON=/path/to/python (3.11, 3.12 or 3.13), UI_PORT=5000, UPGRADE=1 (for lock), WORKERS=2 (processes of the
# tests, each with up to 5 GB; 1 runs them in one).

BIN := .venv/bin
READY := .venv/.ready
CANDIDATES := $(if $(PYTHON),"$(PYTHON)",python3.13 python3.12 python3.11 python3)
UI_PORT ?= 5000
WORKERS ?= 2

PATH_OUTSIDE := $(subst $(CURDIR)/.venv/bin:,,$(PATH))
export PATH := $(CURDIR)/.venv/bin:$(PATH_OUTSIDE)
export DVC_NO_ANALYTICS := 1
export DO_NOT_TRACK := 1
export MLFLOW_DISABLE_TELEMETRY := true
export TF_CPP_MIN_LOG_LEVEL := 3
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# A line that Python reads when it starts: programs of .venv find each other though nothing was activated, so that
# `.venv/bin/dvc repro` runs every stage with the Python beside it.
ACTIVE := import os, sys; here, path = os.path.join(sys.prefix, "bin"), os.environ.get("PATH", os.defpath); os.environ["PATH"] = path if path.split(os.pathsep)[0] == here else here + os.pathsep + path

.PHONY: help start repro quick test test-fast ui docs pictures results bench audit lock setup clean
.DEFAULT_GOAL := help

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

START = $(if $(DATA),"$(DATA)") $(if $(TARGET),--target "$(TARGET)") $(if $(LABELS),--labels "$(LABELS)") \
  $(if $(MINUTES),--minutes "$(MINUTES)") $(if $(PREFER),--prefer "$(PREFER)") $(OPTIONS)

start: setup ## params.yaml for your own data: make start DATA=photos (also TARGET, LABELS, MINUTES, PREFER, OPTIONS="--group tree")
	$(BIN)/python -m pipeline start $(START)

repro: setup ## the main job: everything that params.yaml names, then champions, MLflow and the report
	$(BIN)/python -m pipeline check
	$(BIN)/python -m pipeline repro
	$(BIN)/python -m pipeline enrol
	$(BIN)/python -m pipeline track
	@echo
	@echo "The answer:  comparison/report.html (open it in a browser)"
	@echo "Every run:   make ui, then the link to the ranking above"

quick: setup ## the same graph, shrunk, in workspaces/quick
	$(BIN)/python -m pipeline study quick

test: export CUDA_VISIBLE_DEVICES := -1
test: export PYTHONDONTWRITEBYTECODE :=# hundreds of processes would compile the same modules
test: setup ## formatting, types, imports, then all tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest $(if $(filter-out 0 1,$(WORKERS)),--numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder --max-worker-restart 0)

# What trains, serves, starts other programs, opens a browser or simulates at length is left to `make test`.
FAST := $(addprefix tests/, commands comparison/statistics comparison/tables comparison/verdict configuration datasets \
  evaluation/measures ground operations/planning operations/starting params scores test_architecture.py \
  test_credentials.py test_floors.py test_formats.py test_tasks.py test_trials.py)

test-fast: export CUDA_VISIBLE_DEVICES := -1
test-fast: export PYTHONDONTWRITEBYTECODE :=
test-fast: setup ## tests of units without networks or services, in a minute and a half
	$(BIN)/python -m pytest -m "not network" $(if $(filter-out 0 1,$(WORKERS)),--numprocesses $(WORKERS) --dist loadfile) \
	  --ignore tests/comparison/tables/studies $(FAST)

ui: setup ## MLflow's own pages on the results, for this machine only
	@uri="$${MLFLOW_TRACKING_URI:-sqlite:///mlflow.db}"; case "$$uri" in \
	  http://*|https://*) echo "MLflow is a server already (MLFLOW_TRACKING_URI): open $$uri" ;; \
	  *) $(BIN)/python -c 'import socket; socket.create_server(("127.0.0.1", $(UI_PORT))).close()' 2>/dev/null || { \
	       echo 'Port $(UI_PORT) is taken, perhaps by another `make ui`; name one that is free: make ui UI_PORT=5050' >&2; exit 1; }; \
	     echo "http://127.0.0.1:$(UI_PORT)/#/experiments?workflowType=machine_learning (Ctrl-C stops it)"; \
	     MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false exec $(BIN)/mlflow server --host 127.0.0.1 --port $(UI_PORT) \
	       --workers 1 --backend-store-uri "$$uri" --artifacts-destination "$(CURDIR)/mlartifacts" ;; \
	esac

docs: setup ## the documentation: pages that follow from the code, then the site in build/site
	$(BIN)/python -m publishing
	$(BIN)/mkdocs build --strict

pictures: setup ## the pictures of the documentation, of the last run here (needs chromium)
	$(BIN)/python -m publishing.pictures

results: setup ## what finished runs here found, kept for the documentation, and the pages that tell it
	$(BIN)/python -m publishing.runs
	$(BIN)/python -m publishing

bench: setup ## what keeping activations saves, against the plain Keras way
	$(BIN)/python -m pipeline check
	$(BIN)/dvc repro prepare weights
	$(BIN)/python -m benchmarks.against_keras_guide

# Strict: a package that the service of known vulnerabilities does not have fails the audit, since it was not audited.
audit: setup ## a bill of materials (build/sbom.json, CycloneDX), and known vulnerabilities of what requirements.lock names
	@mkdir -p build
	@$(BIN)/uv tool run --from cyclonedx-bom==7.5.0 cyclonedx-py environment .venv --pyproject pyproject.toml \
	  --output-reproducible --of JSON --output-file build/sbom.json
	@$(BIN)/uv tool run --from pip-audit==2.10.1 pip-audit --strict --disable-pip --require-hashes \
	  --requirement requirements.lock --progress-spinner off

lock: setup ## write requirements.lock anew from pyproject.toml
	$(BIN)/uv pip compile pyproject.toml --extra cpu --extra scale --extra hub --extra dev --quiet --no-config \
	  --override overrides.txt --universal --fork-strategy fewest --generate-hashes $(if $(UPGRADE),--upgrade) \
	  --custom-compile-command 'make lock                (newer versions of everything: make lock UPGRADE=1)' \
	  --output-file requirements.lock

setup: $(READY) ## the environment in .venv
	@for folder in .venv/lib/python3.*/site-packages; do echo '$(ACTIVE)' > "$$folder/kiyas.pth"; done
ifneq ($(filter setup,$(MAKECMDGOALS)),)
	@echo 'Ready. Once in each shell: . .venv/bin/activate (then `python -m pipeline` lists the commands)'
endif

# Without dependencies, since the lock holds all of them: pip would refuse one that another package asks for with an extra
# (`pydantic[email]`) as soon as a newer version of it is out. With PEP 517, since the older way, which Python 3.11's pip
# would take for one of them, ends in a warning that no user can heed. Without compiling, which takes half of the time that
# pip works: Python compiles what it imports when it first does, a fraction of all that there is.
$(READY): requirements.lock
	@if [ -L .venv ]; then \
	  echo '.venv is a link, and setting it up anew would empty what it leads to. Remove the link (rm .venv), then try again.' >&2; \
	  exit 1; fi
	@base=; for candidate in $(CANDIDATES); do \
	  base=$$(PATH="$(PATH_OUTSIDE)" "$$candidate" -c 'import sys; (3, 11) <= sys.version_info < (3, 14) or sys.exit(1); print(sys._base_executable)' \
	    2>/dev/null) && break; base=; done; \
	if [ -z "$$base" ]; then \
	  echo 'No usable Python among: $(CANDIDATES). Kıyas needs 3.11, 3.12 or 3.13.' >&2; \
	  echo 'Install one (Debian, Ubuntu: apt-get install python3 python3-venv), or name it: make PYTHON=/path/to/python3.12' >&2; \
	  exit 1; fi; \
	echo "Set-up: $$base, requirements.lock -> .venv: $$(grep -c '^[a-z].*==' requirements.lock) packages, 3.4 GB; 3 to 10 minutes, in which nothing is shown"; \
	"$$base" -m venv --clear .venv || { [ $$? -gt 128 ] || \
	  echo 'That Python cannot make environments (Debian, Ubuntu: apt-get install python3-venv; or name another: make PYTHON=...)' >&2; \
	  exit 1; }
	@$(BIN)/python -m pip install --quiet --use-pep517 --no-deps --no-compile --require-hashes --requirement requirements.lock || { \
	  echo 'requirements.lock could not be installed; the reason stands above. Without a network: name your mirror (pip config set' >&2; \
	  echo 'global.index-url ...). A hash that differs: the mirror serves another file than the public registry; do not go on with it.' >&2; \
	  exit 1; }
	@touch $(READY)

clean: ## remove .venv, caches and workspaces; data, results, DVC's cache and MLflow's store stay
	rm -rf .venv workspaces .kiyas/activations build dist *.egg-info .grimp_cache .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find pipeline tests $(wildcard benchmarks) -name __pycache__ -type d -prune -exec rm -rf {} +
