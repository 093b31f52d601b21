# `make run` and `make test` each do all the set-up first, into .venv; nothing else is needed.
# `make help` lists every target.

PYTHON ?= python3
PHOTOS ?=
BIN := .venv/bin
NATIVE := $(shell find native -path native/database/target -prune -o -type f \
	\( -name '*.rs' -o -name '*.cpp' -o -name '*.h' -o -name '*.inc' -o -name 'Cargo.*' \
	-o -name CMakeLists.txt \) -print)
SEARCH_TESTS := build/search-tests
SANITIZED_TESTS := build/search-sanitized
THREAD_TESTS := build/search-threads
CONFIGURE = $(BIN)/cmake -S native/search -G Ninja -DCMAKE_MAKE_PROGRAM="$(CURDIR)/$(BIN)/ninja" \
	-DCMAKE_BUILD_TYPE=RelWithDebInfo -DPICTURERAIL_TESTS=ON \
	-DCMAKE_CXX_FLAGS_RELWITHDEBINFO="-O2 -g1 -DNDEBUG"
# What sanitizers add takes the compiler long to optimise: half of that, and the stacks stay as good.
SANITIZED = -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="-O1 -g1 -DNDEBUG"

.DEFAULT_GOAL := help
.PHONY: help run test test-python test-database test-search build-search sanitize \
	sanitize-database sanitize-search sanitize-threads lint wheel bench bench-daemon bench-database bench-describe \
	bench-search bench-search-updates bench-search-vectors bench-site bench-site-browser \
	bench-browser clean screenshots validate-html

help: ## Say what each target does
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-16s %s\n", $$1, $$2}'

run: .venv/ready ## Set up, mirror real photographs (or PHOTOS=~/Pictures) and export their gallery
	$(BIN)/python daemon/tools/demo.py $(if $(PHOTOS),"$(PHOTOS)")

test: test-python test-database test-search ## Set up and run every test

test-python: .venv/ready build/photographs/ready
	$(BIN)/python -m pytest --numprocesses=auto --maxprocesses=4 --dist=loadfile

build/photographs/ready: tests/photographs/collect.py | .venv/ready
	$(BIN)/python tests/photographs/collect.py build/photographs
	@touch $@

test-database:
	cargo test --quiet --locked --manifest-path native/database/Cargo.toml

test-search: build-search
	$(BIN)/ctest --test-dir $(SEARCH_TESTS) --output-on-failure

build-search: .venv/ready
	$(CONFIGURE) -B $(SEARCH_TESTS) -DPICTURERAIL_WERROR=ON
	$(BIN)/cmake --build $(SEARCH_TESTS)

sanitize: sanitize-database sanitize-search sanitize-threads ## Run the engines' tests under ASan, UBSan and TSan

sanitize-database:
	cargo build --release --quiet --locked --manifest-path native/database/Cargo.toml
	mkdir -p build/database-sanitized
	$(CC) -std=c11 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Werror -g -O1 \
		-fsanitize=address,undefined -Inative/database/include \
		native/database/tests/c/interface.c \
		native/database/target/release/libpicturerail_database.a -lpthread -lm -ldl \
		-o build/database-sanitized/interface
	folder=$$(mktemp -d) && build/database-sanitized/interface "$$folder/store" && rm -r "$$folder"

sanitize-search: .venv/ready
	$(CONFIGURE) -B $(SANITIZED_TESTS) $(SANITIZED) -DPICTURERAIL_SANITIZE=address,undefined
	$(BIN)/cmake --build $(SANITIZED_TESTS)
	$(BIN)/ctest --test-dir $(SANITIZED_TESTS) --output-on-failure

sanitize-threads: .venv/ready
	$(CONFIGURE) -B $(THREAD_TESTS) $(SANITIZED) -DPICTURERAIL_SANITIZE=thread
	$(BIN)/cmake --build $(THREAD_TESTS) --target engine_test
	TSAN_OPTIONS=halt_on_error=1 $(THREAD_TESTS)/tests/engine_test \
		--gtest_filter='Concurrency.*:Merge.TheThreadsWorkIsTaken'

lint: .venv/ready build-search ## Formatting, linters, types, import rules, compiler warnings as errors
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m mypy.stubtest picturerail_native._database picturerail_native._search
	npx --yes -p typescript@5 tsc -p exporter/tsconfig.json
	cargo fmt --manifest-path native/database/Cargo.toml --check
	cargo clippy --quiet --locked --manifest-path native/database/Cargo.toml --all-targets -- -D warnings

wheel: .venv/ready ## Build a manylinux wheel into wheelhouse/, and try it where nothing else is
	$(BIN)/python -m pip install --quiet --group wheel
	rm -rf dist wheelhouse
	$(BIN)/python -m build --outdir dist
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/auditwheel repair --wheel-dir wheelhouse dist/*.whl
	tests/packaging/wheel.sh

bench: bench-daemon bench-database bench-describe bench-search bench-site ## All benchmarks

bench-daemon: .venv/ready ## The daemon beside find, raw inotify and bare decoding
	$(BIN)/python tests/bench/bench_daemon.py $(ARGS)

bench-database: .venv/ready ## The database beside SQLite, LMDB and the disk's floor
	$(BIN)/python -m pip install --quiet --group bench
	$(BIN)/python tests/bench/bench_database.py $(ARGS)

bench-describe: .venv/ready ## Models and words: what they cost and what the gate is worth
	$(BIN)/python tests/bench/bench_describe.py $(ARGS)

bench-search: .venv/ready ## The search engine beside tantivy, Xapian and SQLite FTS5
	$(BIN)/python -m pip install --quiet --group bench
	$(BIN)/python tests/bench/bench_search.py $(ARGS)

bench-search-updates: .venv/ready ## What one change of an index costs, by how much is in it
	$(BIN)/python tests/bench/bench_search_updates.py $(ARGS)

bench-search-vectors: .venv/ready ## The nearest of a million vectors, beside usearch
	$(BIN)/python -m pip install --quiet --group bench
	$(BIN)/python tests/bench/bench_search_vectors.py $(ARGS)

bench-site: .venv/ready ## The gallery beside sigal, thumbsup and vipsthumbnail
	$(BIN)/python -m pip install --quiet --group bench
	$(BIN)/python tests/bench/bench_site.py $(ARGS)

bench-site-browser: .venv/ready ## Lighthouse, and scrolling 100,000 pictures with a slow processor
	$(BIN)/python tests/bench/bench_site_browser.py $(ARGS)

bench-browser: .venv/ready ## The search in the browser (ARGS=--peers: beside Pagefind, MiniSearch)
	$(BIN)/python tests/bench/bench_search_browser.py $(ARGS)

screenshots: .venv/ready ## Pictures of every view of SITE into FOLDER (build/screenshots)
	$(BIN)/python exporter/screenshots.py $(SITE) $(or $(FOLDER),build/screenshots)

validate-html: ## Check the pages of SITE with html-validate
	npx --yes html-validate@10 --config exporter/.htmlvalidate.json --ext html "$(SITE)"

.venv/ready: pyproject.toml $(NATIVE)
	@$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info < (3, 14) or sys.exit("picturerail needs Python 3.11 to 3.13")'
	@echo "Setting up .venv: the first time this takes a minute or two"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable . --group dev
	touch $@

clean: ## Remove everything that was built
	rm -rf build dist wheelhouse .venv native/database/target
