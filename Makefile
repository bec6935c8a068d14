# Everything here works on a machine with Python 3.11+, Node.js and npm, and nothing else.
PYTHON ?= python3
UV_VERSION := 0.13.8
UV := $(or $(shell command -v uv),.local/uv/bin/uv)
RUN := .venv/bin/python
export PATH := $(CURDIR)/.local/uv/bin:$(PATH)
NAME ?=
TENANT ?=
FOR ?=
QUEUE ?=
MOST ?=
DRY ?=
CHECK ?=
MINUTES ?= 30
PART ?=
SEED ?=
# Compiled modules are kept: each of the many processes that tests start would compile them anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo dev test soak check audit bench deploy tenant consents replay adopt release docs clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-14s %s\n", $$1, $$2}'

setup: .venv/.installed node_modules/.installed ## installs what the rest needs, once

demo: setup ## from a file of contacts to the results of a campaign, on the local stack
	@$(RUN) -m infra.local.demo

dev: setup ## keeps the local stack running (TIME_SCALE=1 for real time, FOR=60 to end after a minute)
	@$(RUN) -m infra.local up $(if $(FOR),--for $(FOR))

# The tests of the stack come first and wait much, so there is one process more than there are processors. What takes
# longest comes early, so that nobody waits for it at the end.
test: setup ## everything that the build server runs
	$(RUN) -m pytest -n $$($(RUN) -c "import os; print((os.cpu_count() or 1) + 1)") --no-loadscope-reorder \
	  tests/stack tests/simulation tests/unit/test_main_job.py tests/unit/test_event_files.py tests/unit/system tests/infra tests/unit

soak: setup ## what does not fit into the tests, by seeds: make soak MINUTES=30 [PART=simulation] [SEED=1]
	$(RUN) -m tests.soak $(PART) --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

check: setup ## lint, types, import contracts, and the rules for templates
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/bandit -q -c pyproject.toml -r layers/drumbeat functions infra
	.venv/bin/mypy .
	PYTHONPATH=layers/drumbeat/python .venv/bin/lint-imports
	$(RUN) -m infra.nag

audit: setup ## known vulnerabilities of what ships and what builds it; says so when an index does not answer
	@$(RUN) -m infra.audit

bench: setup ## costs and times against their budgets
	$(RUN) -m tests.bench

deploy: setup ## to the AWS account of the shell
	$(RUN) -m infra.deploy

tenant: setup ## makes a tenant in the AWS account of the shell: make tenant NAME=acme
	$(if $(NAME),,$(error make tenant NAME=acme))
	$(RUN) -m infra.tenant $(NAME)

consents: setup ## verifies a tenant's ledger of consent: make consents TENANT=ten_01JD...
	$(if $(TENANT),,$(error make consents TENANT=ten_...))
	$(RUN) -m infra.consents $(TENANT)

replay: setup ## lists what lies dead, or puts it back: make replay QUEUE=deliver [MOST=100] [DRY=1]
	@$(RUN) -m infra.replay $(QUEUE) $(if $(MOST),--most $(MOST)) $(if $(DRY),--dry)

adopt: setup ## lets this deployment send from data that was restored from a backup (CHECK=1 only says whose it is)
	@$(RUN) -m infra.adopt $(if $(CHECK),--check)

release: setup ## notes what the next release must keep
	$(RUN) -m infra.release

docs: setup ## writes the generated tables anew
	$(RUN) -m infra.docs

clean: ## removes all that was made, and keeps the sources
	-@test ! -x $(RUN) || $(RUN) -m infra.local down
	rm -rf .venv .local .build cdk.out node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.local/uv/bin/uv:
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --root-user-action ignore --target .local/uv uv==$(UV_VERSION) \
	  || { rm -rf .local/uv && $(PYTHON) -m venv .local/uv && .local/uv/bin/pip install --quiet uv==$(UV_VERSION); }

.venv/bin/python: | $(UV)
	@$(PYTHON) -c 'import sys; sys.exit("Drumbeat needs Python 3.11 or newer" if sys.version_info < (3, 11) else 0)'
	@$(UV) venv --quiet --allow-existing --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" .venv

.venv/.installed: pyproject.toml layers/vendor/requirements.txt | .venv/bin/python $(UV)
	@$(UV) pip install --quiet --python $(RUN) --group infra --group check --group test \
	  --requirement layers/vendor/requirements.txt
	@touch $@

node_modules/.installed: package.json package-lock.json
	@npm ci --silent --no-audit --no-fund
	@touch $@
