# `make demo`, `make test`, `make up`: everything is installed under this folder, nothing elsewhere.
PYTHON ?= python3
PY := .venv/bin/python
UV := UV_SYSTEM_CERTS=1 .venv/bin/uv
EXPORT := $(UV) export --quiet --frozen --no-emit-workspace --no-annotate --no-header
PROTOS = $(shell find proto -name '*.proto')
PACKAGES := sdk/python runtime services/ingest services/transcribe services/summarize services/query cli stack
SOURCES := runtime/vidmesh_runtime services/ingest/vidmesh_ingest services/transcribe/vidmesh_transcribe \
	services/summarize/vidmesh_summarize services/query/vidmesh_query cli/vidmesh_cli stack/vidmesh_stack
CLIENT := $(wildcard sdk/python/vidmesh/*.py)
MEASURED ?=
TESTS ?= tests

.DEFAULT_GOAL := help
.PHONY: help install web demo up test check lint types imports api drift pytest fuzz slow soak mutations audit sbom bench generate docs lock clean

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: .venv/installed build/proto/google ## Install vidmesh under .venv, and build its web app where Node is there
	@if $(NODE); then $(MAKE) --no-print-directory web || echo "the web app could not be built; the mesh runs without it" >&2; fi

.venv/installed: requirements.lock pyproject.toml $(PACKAGES:%=%/pyproject.toml)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "vidmesh needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Say PYTHON=/path/to/python3.11 make ...")'
	@echo "installing into .venv (about 1.5 GB, once) ..." >&2
	@test -x $(PY) || $(PYTHON) -m venv .venv
	@test -x .venv/bin/uv || $(PY) -m pip install --quiet --disable-pip-version-check "$$(sed -n 's/^\(uv==[^ ]*\).*/\1/p' requirements.lock)"
	@$(UV) pip install --quiet --python .venv --require-hashes --requirements requirements.lock
	@$(UV) pip install --quiet --python .venv --no-deps --no-build-isolation $(PACKAGES:%=--editable %)
	@touch $@

NODE = node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' 2>/dev/null
MODULES = node_modules/.package-lock.json

web: gateway/web/dist/index.html ## Build the web app; needs Node 20.19 or newer
	@:

gateway/web/dist/index.html: sdk/typescript/dist/index.js gateway/web/$(MODULES) \
		$(shell find gateway/web/src gateway/web/public -type f) gateway/web/index.html gateway/web/vite.config.ts
	@cd gateway/web && npm run --silent build -- --logLevel warn

sdk/typescript/dist/index.js: sdk/typescript/$(MODULES) $(shell find sdk/typescript/src -type f) sdk/typescript/tsconfig.build.json
	@cd sdk/typescript && npm run --silent build
	@touch $@

%/$(MODULES): %/package-lock.json %/package.json
	@$(NODE) || { echo "the web app needs Node 20.19 or newer" >&2; exit 1; }
	@echo "installing what $* is built with ..." >&2
	@cd $* && npm ci --silent && touch $(MODULES)

demo: install ## From a link or a file to a cited answer: make demo [SOURCE=... ASK="..."]
	@.venv/bin/vidmesh demo $(if $(SOURCE),"$(SOURCE)") $(if $(ASK),--ask "$(ASK)")

up: install ## Run the mesh on http://127.0.0.1:8080 until Ctrl-C
	@.venv/bin/vidmesh up

test: install check pytest ## Everything that a change must pass

check: lint types imports api drift

lint:
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .

types:
	@.venv/bin/mypy $(SOURCES) $(CLIENT) sdk/python/generate.py bench docs tests

imports:
	@.venv/bin/lint-imports --no-cache

api: build/proto/google
	@.venv/bin/buf lint
	@.venv/bin/buf format --diff --exit-code proto
	@rm -rf build/before && mkdir -p build/before
	@git archive $$(git rev-parse --verify --quiet HEAD~1 || echo HEAD) proto buf.yaml | tar -x -C build/before
	@mkdir -p build/before/build && cp -r build/proto build/before/build/
	@.venv/bin/buf breaking --against build/before

drift: build/proto/google
	@rm -rf build/generated && mkdir -p build/generated
	@$(call protoc,build/generated)
	@for package in build/generated/vidmesh/*; do diff --recursive --exclude __pycache__ $$package sdk/python/vidmesh/$$(basename $$package) \
		|| { echo "generated code is out of date: run make generate" >&2; exit 1; }; done

pytest:
	@.venv/bin/pytest -n 2 --dist loadfile $(TESTS)

# Some 2,100 files, 22,000 calls and 11,000 requests to the JSON door. A seed gives the same ones again.
SEED := $(shell date +%s)
ROUNDS := 50

fuzz: install ## Send the mesh spoilt files and calls without number: make fuzz [SEED=1 ROUNDS=50]
	@echo "SEED=$(SEED) ROUNDS=$(ROUNDS)"
	@VIDMESH_FUZZ_SEED=$(SEED) VIDMESH_FUZZ_ROUNDS=$(ROUNDS) .venv/bin/pytest --capture=no --quiet --timeout 7200 \
		tests/integration/test_ingest_mutants.py tests/e2e/test_hostile.py

MINUTES := 5
NATS_ROUNDS :=

soak: install ## Faults at random against a busy mesh: make soak [SEED=1 MINUTES=5], or NATS killed alone: make soak NATS_ROUNDS=20
	@.venv/bin/python -m tests.faults.soak --seed $(SEED) $(if $(NATS_ROUNDS),--nats-rounds $(NATS_ROUNDS),--minutes $(MINUTES))

slow: install ## What takes minutes and make test leaves out: ten hours of sound in less than a gigabyte
	@.venv/bin/pytest -m slow --capture=no tests

ROWS :=

mutations: install ## Take out what each promise rests on, and see its test fail: make mutations [ROWS="5 8"]
	@$(PY) -m tests.mutations $(ROWS)

audit: install ## Look at all licences, and for known holes where the lists of them can be reached
	@.venv/bin/pytest -q tests/unit/project/test_licences.py
	@.venv/bin/python .ci/audit

sbom: .venv/installed ## Write bills of materials (CycloneDX) of all that is pinned and run to build/sbom
	@mkdir -p build/sbom
	@$(PY) .ci/bill build/sbom/python.cdx.json
	@for folder in sdk/typescript gateway/web; do test ! -e $$folder/$(MODULES) \
		|| (cd $$folder && npm sbom --sbom-format cyclonedx --omit dev 2>/dev/null) >build/sbom/$$(basename $$folder).cdx.json; done

bench: .venv/bench ## Measure speed and size, and write docs/benchmarks.md: make bench [MEASURED="memory search"]
	@.venv/bin/vidmesh bench --write $(MEASURED)

.venv/bench: bench/requirements.lock .venv/installed
	@$(UV) pip install --quiet --python .venv --require-hashes --requirements bench/requirements.lock
	@touch $@

generate: build/proto/google ## Write the code that is made from proto/, and the blocking client, anew
	@find sdk/python/vidmesh -path '*/v1/*' -delete
	@$(call protoc,sdk/python)
	@$(PY) sdk/python/generate.py

# Protobuf's and gRPC's own generators for Python, and stubs that pass mypy --strict.
protoc = PATH=.venv/bin:$$PATH $(PY) -m grpc_tools.protoc -Iproto -Ibuild/proto --python_out=$(1) --grpc_python_out=$(1) \
	--mypy_out=quiet:$(1) --mypy_grpc_out=quiet:$(1) $(PROTOS)

build/proto/google: .venv/installed
	@mkdir -p $@/api
	@cp $$($(PY) -c 'import google.api; print(google.api.__path__[0])')/annotations.proto $@/api/
	@cp $$($(PY) -c 'import google.api; print(google.api.__path__[0])')/http.proto $@/api/

docs: install ## Write the reference pages, openapi.json and asyncapi.json anew
	@$(PY) -m docs.reference

lock: ## Choose versions anew and pin them in requirements.lock and bench/requirements.lock
	@$(UV) lock --quiet --upgrade
	@$(EXPORT) --all-packages --group dev --output-file requirements.lock >/dev/null
	@$(EXPORT) --only-group bench --output-file bench/requirements.lock >/dev/null

clean: ## Remove what was built and installed
	@rm -rf .venv build .mypy_cache .ruff_cache .pytest_cache
	@rm -rf $(foreach package,sdk/typescript gateway/web,$(package)/dist $(package)/node_modules)
