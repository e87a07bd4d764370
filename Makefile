# `make help` lists the commands. Each target first installs what it needs into this checkout.

SHELL := /bin/sh
PYTHON ?= python3
ENV ?= dev
PIPENV_VERSION := 2026.10.3
CHECKOV_VERSION := 3.3.30

RUN := .venv/bin/python
export ENV
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 20

# A variable as one word of the shell: make leaves its `$` as they are, and the shell its quotes.
quoted = '$(subst ','\'',$(value $(1)))'
# An option with the value of a variable; nothing if that is empty.
option = $(if $(value $(2)),--$(1) $(call quoted,$(2)))

.DEFAULT_GOAL := help
.PHONY: help demo demo-stop probe try test unit check format synth plan deploy invoke send redrive replay status logs dead destroy bootstrap plan-role scan bench wheel module release migration docs env setup clean prerequisites

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { \
	  line = sprintf("  make %-12s", $$1); words = split($$2, word, " "); \
	  for (i = 1; i <= words; i++) { \
	    if (length(line " " word[i]) > 80) { print line; line = sprintf("%19s", "") } \
	    line = line " " word[i] } \
	  print line }' $(MAKEFILE_LIST)

demo: .venv/.ready ## Deploy to a local AWS, ingest real data, show it, clean up (URL=…, PACKING=gzip, KEEP=1)
	@keep=$$($(RUN) -m tools.ground.switches KEEP --keep) && $(RUN) -m local_aws.demo $(call option,url,URL) $(call option,packing,PACKING) $$keep

demo-stop: .venv/.ready ## Stop what `make demo KEEP=1` left running
	@$(RUN) -m local_aws.demo --stop

probe: .venv/.ready ## Look at a source and propose its settings, or check a configured one (URL=… HEADERS='Name: value' BODY='{…}', SOURCE=…, FORMAT=hcl)
	@$(RUN) -m tools.probe $(call option,source,SOURCE) $(call option,url,URL) $(call option,header,HEADERS) \
	  $(call option,method,METHOD) $(call option,body,BODY) $(call option,format,FORMAT)

try: .venv/.ready ## Ingest a source into a file on this machine, without AWS (SOURCE=… and/or URL=…, MAX=…)
	@$(RUN) -m tools.operate.try_source $(call option,source,SOURCE) $(call option,url,URL) $(call option,max,MAX)

test: .venv/.ready node_modules/.ready ## Every test
	@$(RUN) -m pytest -n 6 --dist loadfile --no-loadscope-reorder $(ARGS)

unit: .venv/.ready ## The tests that need no Terraform, in under a minute
	@$(RUN) -m pytest -n 3 --dist loadfile --no-loadscope-reorder -m 'not e2e and not terraform' $(ARGS)

check: .venv/.ready ## Format, lint, types, imports, workflows
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@PYTHONPATH=constructs:lambda:. .venv/bin/lint-imports --cache-dir build/import-linter > build/imports.log || { cat build/imports.log; exit 1; }
	@.venv/bin/zizmor --offline --quiet .github/workflows
	@.venv/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml

format: .venv/.ready ## Format the code and fix what the linter can fix
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

synth: .venv/.ready ## Write Terraform JSON to cdktf.out (ENV=dev|prod|local)
	@$(RUN) main.py

plan: .venv/.ready ## Show what a deploy would change (ENV=…)
	@$(RUN) -m tools.deploy.stack plan

deploy: .venv/.ready ## Create or change the pipeline (ENV=…, AUTO_APPROVE=1)
	@$(RUN) -m tools.deploy.stack deploy

status: .venv/.ready ## Show how the pipeline is; 1 if it is not healthy (ENV=…)
	@$(RUN) -m tools.operate.status

logs: .venv/.ready ## Show what failed and why (ENV=…, SOURCE=…, SINCE=1h, MAX=…, FOLLOW=1)
	@follow=$$($(RUN) -m tools.ground.switches FOLLOW --follow) && \
	  $(RUN) -m tools.operate.logs $(call option,source,SOURCE) $(call option,since,SINCE) $(call option,max,MAX) $$follow

dead: .venv/.ready ## Look at dead events and dead records, and take none (ENV=…, EVENTS=1 or RECORDS=1, MAX=…)
	@events=$$($(RUN) -m tools.ground.switches EVENTS --events) && records=$$($(RUN) -m tools.ground.switches RECORDS --records) && \
	  $(RUN) -m tools.operate.dead $(call option,max,MAX) $$events $$records

invoke: .venv/.ready ## Invoke the deployed function (ENV=…, SOURCE=…, URL=…, RESUME='{…}')
	@$(RUN) -m tools.operate.invoke $(call option,source,SOURCE) $(call option,url,URL) $(call option,resume,RESUME)

send: .venv/.ready ## Put an event on the work queue (ENV=…, SOURCE=… or URL=… with RESUME='{…}', or URLS=FILE, WATCH=1)
	@watch=$$($(RUN) -m tools.ground.switches WATCH --watch) && \
	  $(RUN) -m tools.operate.send $(call option,source,SOURCE) $(call option,url,URL) $(call option,urls,URLS) \
	  $(call option,resume,RESUME) $$watch

redrive: .venv/.ready ## Send dead letters to the work queue again (ENV=…, SOURCE=…, MAX=…, DRY_RUN=1)
	@dry=$$($(RUN) -m tools.ground.switches DRY_RUN --dry-run) && \
	  $(RUN) -m tools.operate.redrive $(call option,source,SOURCE) $(call option,max,MAX) $$dry

replay: .venv/.ready ## Put undeliverable records on the stream again (ENV=…, PREFIX=…, FROM=…, TO=…, DRY_RUN=1)
	@dry=$$($(RUN) -m tools.ground.switches DRY_RUN --dry-run) && \
	  $(RUN) -m tools.operate.replay $(call option,prefix,PREFIX) $(call option,from,FROM) $(call option,to,TO) $$dry

destroy: .venv/.ready ## Remove the pipeline (ENV=…, KEEP_DATA=1: all but the bucket, AUTO_APPROVE=1)
	@$(RUN) -m tools.deploy.stack destroy

bootstrap: .venv/.ready ## Create the bucket of Terraform's state, once (ENV=…)
	@$(RUN) -m tools.deploy.bootstrap

plan-role: .venv/.ready ## Write the policies of a role that may only plan (ENV=…, GITHUB=ORG/REPO, GITLAB=HOST/GROUP/PROJECT)
	@$(RUN) -m tools.plan.role $(call option,github,GITHUB) $(call option,gitlab,GITLAB)

scan: .venv/.ready build/checkov/.ready ## Check with checkov what prod would deploy, and the module
	@ENV=prod CDKTF_OUTDIR=build/scan $(RUN) main.py
	@$(RUN) -m tools.module --output build/scan/module
	@build/checkov/bin/python -m checkov.main --config-file .checkov.yaml --directory build/scan --skip-path examples --skip-path tests

bench: .venv/.ready ## Measure speed and memory, and compare with other tools (QUICK=1)
	@quick=$$($(RUN) -m tools.ground.switches QUICK --quick) && $(RUN) -m benchmarks.ingest $$quick && \
	  $(RUN) -m benchmarks.synth $$quick && $(RUN) -m benchmarks.fuzz_formats $${quick:+--cases 400} && \
	  $(RUN) -m benchmarks.histories $${quick:+--count 40}

wheel: .venv/.ready ## Build dist/*.whl: the constructs with the function's code, for apps of CDKTF and of CDK Terrain
	@$(RUN) -m tools.build.wheel

module: .venv/.ready ## Write dist/terraform-aws-ingestion-pipeline (TARGET=host: for this machine)
	@$(RUN) -m tools.module $(call option,target,TARGET)

release: .venv/.ready ## Build dist/: the module's archive and the wheel of this version, with checksums
	@$(RUN) -m tools.build.release

migration: .venv/.ready ## Write dist/migration-…: a root module that takes over a deployed stack (ENV=…)
	@$(RUN) -m tools.module.migration

docs: .venv/.ready ## Write the generated documents and files
	@$(RUN) -m tools.docs.generate
	@$(RUN) -m tools.module.provider_schema

env: ## Print the variables that cdktf and terraform need: eval "$(make env)"
	@$(MAKE) --silent --no-print-directory .venv/.ready node_modules/.ready >&2
	@$(RUN) -m tools.ground.terraform

setup: .venv/.ready node_modules/.ready ## Install what the other targets need

clean: ## Remove everything that the targets have written
	rm -rf .venv node_modules build dist cdktf.out .mypy_cache .pytest_cache .ruff_cache .hypothesis

# The one target that needs no Terraform.
prerequisites:
	@$(PYTHON) tools/ground/prerequisites.py $(if $(filter unit,$(MAKECMDGOALS)),--without terraform)

.venv/.ready: .venv/.installed constructs/ingestion_pipeline/bindings.py constructs/ingestion_pipeline/synth_speed/trim.py
	@$(RUN) tools/build/warm_synthesis.py
	@touch $@

.venv/.installed: Pipfile.lock | prerequisites
	@echo "Installing the Python packages of Pipfile.lock into .venv …"
	@test -x build/pipenv/bin/pipenv || $(PYTHON) -m venv build/pipenv
	@build/pipenv/bin/python -m pip install --quiet --disable-pip-version-check pipenv==$(PIPENV_VERSION) 2> build/pip.log || { cat build/pip.log; exit 1; }
	@PIPENV_VENV_IN_PROJECT=1 PIPENV_IGNORE_VIRTUALENVS=1 PIP_COMPILE=0 \
	  build/pipenv/bin/pipenv sync --dev --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" > build/pipenv.log 2>&1 \
	  || { cat build/pipenv.log; exit 1; }
	@touch $@

# A link into the user's cache: installing it takes a minute, so that all checkouts share it. What is not
# finished lies beside it, for another checkout may look there at the same time.
build/checkov/.ready: Makefile
	@mkdir -p build
	@kept="$${XDG_CACHE_HOME:-$$HOME/.cache}/ingestion-pipeline/checkov-$(CHECKOV_VERSION)"; new="$$kept.$$$$"; \
	  "$$kept/bin/python" -c "import checkov" 2> build/pip.log || { rm -rf "$$kept" && $(PYTHON) -m venv "$$new" && \
	  "$$new/bin/python" -m pip install --no-compile --quiet --disable-pip-version-check checkov==$(CHECKOV_VERSION) 2> build/pip.log && \
	  mv "$$new" "$$kept"; } || { cat build/pip.log; exit 1; }; \
	  rm -rf build/checkov && ln -s "$$kept" build/checkov
	@touch $@

node_modules/.ready: package-lock.json | prerequisites
	@echo "Installing the cdktf command line into node_modules …"
	@mkdir -p build
	@npm ci --no-audit --no-fund --loglevel=error > build/npm.log 2>&1 || { cat build/npm.log; exit 1; }
	@touch $@
