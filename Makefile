# Seismic Atlas: every task by name. Needs git, make and Python 3.12; everything else is installed into .venv.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup serve demo test test-fast fuzz check format train bench openapi settings client-models docs pins sbom licenses advisories clean

BIN := .venv/bin
PY := $(BIN)/python
GROUPS := setup api worker gpu training dev
GROUP ?=
PORT ?=
DATA ?=
WORKERS ?=
ARGS ?=
CORES := $(shell env -u OMP_NUM_THREADS nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)
JOBS ?= $(shell expr $(CORES) + 1)
ARCHIVE ?=
SBOM_TOOL := cyclonedx-bom==7.5.0

# Bytecode is kept: without it every process compiles torch, ObsPy and the rest again at its start, which takes longer than many tests.
unexport PYTHONDONTWRITEBYTECODE

# Not every benchmark imports ONNX Runtime through models.registry.inference, which switches its reports to its makers off.
export ORT_DISABLE_TELEMETRY := 1

# One thread a process, because threads that wait for each other take the time of other tests; one process more than cores, up to five,
# because tests that start services or meet faults wait for a quarter of the time.
PYTEST := env OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(PY) -m pytest -n $(JOBS) --maxprocesses 5 --dist loadfile --no-loadscope-reorder

# One environment serves all: the stamp of a bigger group satisfies the smaller one.
SETUP := .venv/.setup
DEV := .venv/.dev
TRAINING := $(firstword $(wildcard $(DEV)) .venv/.training)
COMPILED := $(foreach group,worker gpu training dev,.venv/.$(group)-compiled)
WORKER := $(firstword $(wildcard $(DEV) .venv/.training .venv/.gpu) .venv/.worker)

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(if $(GROUP),.venv/.$(GROUP),$(WORKER))-compiled ## install what the service needs into .venv (GROUP=gpu with CUDA, training, dev)

serve: $(WORKER)-compiled ## run the service (PORT=8000 DATA=data WORKERS=1)
	@exec env $(if $(PORT),ATLAS_PORT=$(PORT)) $(if $(DATA),ATLAS_DATA_DIR=$(DATA)) $(if $(WORKERS),ATLAS_WORKERS=$(WORKERS)) $(PY) -m app

demo: $(WORKER)-compiled ## run the service once on the shipped synthetic bundles and print the answers
	@exec $(PY) -m app.demo

# A file's tests stay in one process: its services and stores are started once.
test: $(DEV)-compiled ## the tests, in one process more than there are cores (JOBS=2; ARGS="tests/models -k geodesy")
	$(PYTEST) $(ARGS)

test-fast: $(DEV)-compiled ## the tests but for those that start services or train
	$(PYTEST) -m "not slow" $(ARGS)

fuzz: $(DEV) ## fuzz bundle reading and the HTTP contract for hours (reports in build/fuzz; docs/explanation/security.md)
	$(PY) -W ignore -m tests.fuzz.fuzz_bundle $(ARGS)
	$(PY) -m tests.fuzz.fuzz_contract

check: $(DEV) ## format, lint, types, import contracts
	$(BIN)/ruff format --no-cache --check .
	$(BIN)/ruff check --no-cache .
	$(BIN)/mypy
	$(BIN)/mypy --python-version 3.10 -p seismic_atlas_client
	$(BIN)/lint-imports

format: $(DEV) ## rewrite in the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --no-cache --fix .

train: $(TRAINING)-compiled ## train, evaluate and document every model (ARGS="all --version 10"; ARGS="train offset --version 10" for one)
	$(PY) -m training $(or $(ARGS),all)

bench: $(DEV)-compiled ## the serving path against the usual script, in one run
	$(PY) -m benchmarks.classify_bundle $(ARGS)

openapi: $(DEV) ## write openapi.json from the code, and the models of the client from it
	$(PY) -m app openapi > openapi.json
	$(PY) client/generate_models.py

client-models: $(DEV) ## write the models of the client from openapi.json, and its half with awaited calls
	$(PY) client/generate_models.py
	$(PY) client/generate_async_client.py

client-transcript: $(DEV)-compiled ## install the client into a clean environment, fetch, locate and read a catalog with it (ARGS="--python python3.10")
	$(PY) -m tests.client.new_user $(ARGS)

settings: $(WORKER) ## write docs/reference/configuration.md from workers/settings.py
	$(PY) -m app.settings_doc > docs/reference/configuration.md

docs: .venv/.docs ## build the documentation as a website in build/site; a broken link is an error (ARGS="serve" to edit)
	NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs $(or $(ARGS),build -q)

pins: $(SETUP) ## compile requirements/*.txt again (ARGS=--upgrade for newer versions)
	for group in $(GROUPS); do \
	  $(BIN)/uv pip compile -q $(ARGS) --universal --python-version 3.12 --group $$group --generate-hashes --no-emit-index-url \
	    --no-header --no-annotate -o requirements/$$group.txt || exit 1; \
	done
	for group in docs telemetry; do \
	  $(BIN)/uv pip compile -q $(ARGS) --universal --python-version 3.12 --group $$group --constraint requirements/dev.txt --generate-hashes \
	    --no-emit-index-url --no-header --no-annotate -o requirements/$$group.txt || exit 1; \
	done

# The tool is fetched into a cache of uv and does not enter .venv.
sbom: $(SETUP) ## write a bill of materials (CycloneDX 1.6) for each image to build/sbom
	@mkdir -p build/sbom
	for group in api worker gpu training; do \
	  $(BIN)/uv tool run --quiet --from $(SBOM_TOOL) cyclonedx-py requirements --sv 1.6 --of JSON --output-reproducible \
	    -o build/sbom/$$group.cdx.json requirements/$$group.txt || exit 1; \
	done

licenses: $(DEV) ## write docs/reference/licenses.md; fails where a license is refused
	$(PY) docker/supply_chain/licenses.py requirements/api.txt requirements/worker.txt > docs/reference/licenses.md

advisories: $(DEV) ## look up the pinned packages in a file of advisories, offline (ARCHIVE=all.zip; docs/how-to/deploy.md)
	$(PY) docker/supply_chain/advisories.py $(ARCHIVE) requirements/api.txt requirements/worker.txt requirements/gpu.txt

clean: ## remove .venv, build and caches (data stays)
	rm -rf .venv build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find app models workers training tests benchmarks client -name __pycache__ -type d -prune -exec rm -rf {} +

$(SETUP): requirements/setup.txt
	@python=""; for name in python3.12 python3 python; do \
	  if $$name -c 'import sys; sys.exit(sys.version_info[:2] != (3, 12))' 2>/dev/null; then python=$$name; break; fi; \
	done; \
	if [ -z "$$python" ]; then echo "Python 3.12 is needed, as python3.12 or python3 on the path." >&2; exit 1; fi; \
	test -x $(PY) || $$python -m venv .venv
	$(PY) -m pip install -q --disable-pip-version-check --require-hashes -r requirements/setup.txt
	@touch $@

# uv fetches in parallel; hashes are checked.
.venv/.worker .venv/.gpu .venv/.training .venv/.dev .venv/.docs: .venv/.%: requirements/%.txt $(SETUP)
	$(BIN)/uv pip install -q --python $(PY) --require-hashes -r $<
	@touch $@

# What every test process imports beside the service, in two halves: the installer leaves it without bytecode, and all processes would
# compile it at the same time.
$(DEV)-compiled: IMPORTED := torch.utils.tensorboard,torchvision,lightning_fabric moto.server,onnxscript,sklearn.ensemble,sklearn.mixture,sympy

# The numerical loops are compiled once here rather than in the first request. `make check` needs none, so both may run side by side.
$(COMPILED): %-compiled: %
	$(foreach modules,$(IMPORTED),$(PY) -W ignore -c 'import $(modules)' &) $(PY) -c 'from models.warm_up import warm_up; warm_up()' && wait
	@touch $@
