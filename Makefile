# Greenroom. `make run` starts the portal, `make test` checks everything; both install what they need first.

BUILD := $(CURDIR)/build
NODE_MODULES := $(BUILD)/node/node_modules
VENV := $(BUILD)/venv
TOOLS := $(BUILD)/tools
ARGS ?=

export PATH := $(TOOLS)/bin:$(PATH)
export GREENROOM_NODE_MODULES := $(NODE_MODULES)

.PHONY: help run test bench setup-run setup-test setup-bench format lint unit golden-path conformance cluster browser screenshots clean

help: ## Lists the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: setup-run ## Builds and starts the portal on http://localhost:7007 (ARGS="--port 7008")
	cargo run --release --locked -- $(ARGS)

test: setup-test ## Lints, then runs every test
	$(MAKE) lint
	$(MAKE) unit
	$(MAKE) golden-path
	$(MAKE) conformance
	$(MAKE) cluster
	$(MAKE) browser
	@echo "all checks passed"

bench: setup-bench ## Measures the bars and rewrites docs/performance.md (ARGS="--sizes 1k,10k")
	cargo build --release --locked
	cargo build --release --locked --manifest-path benches/bare/Cargo.toml --target-dir target
	python3 benches/run.py --binary target/release/greenroom --bare target/release/bare --docs docs/performance.md $(ARGS)

setup-run: ## Installs Postgres with the system's package manager where it is missing
	@.ci/setup run

setup-test: ## Installs everything the tests need: system packages when root, the rest into build/
	@.ci/setup test

setup-bench: ## Installs the load generator
	@.ci/setup bench

format: ## Formats the code
	cargo fmt

lint: ## rustfmt, clippy, rustdoc, licences and bans, unused dependencies
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items
	cargo deny --config .deny.toml --locked check bans licenses sources
	cargo machete

unit: ## Unit, database and router tests
	cargo test --locked

golden-path: ## Renders the shipped templates, checks the result with the field's own tools, and runs its tests
	cargo build --locked
	$(VENV)/bin/python tests/golden_path/run.py --greenroom target/debug/greenroom --work $(BUILD)/golden-path --node $(BUILD)/node-lts/bin

conformance: ## Calls the API with Backstage's own client, with requests made from its OpenAPI document, and tests the model of GitHub
	cargo test --locked --lib web::tests::golden -- --nocapture
	cargo build --locked
	node --test --test-concurrency=1 tests/conformance/
	node --test --test-concurrency=1 tests/github/
	$(VENV)/bin/python tests/conformance/schema.py --greenroom target/debug/greenroom

cluster: ## Tests the Kubernetes control planes, the registry, and what stands in for Argo CD and Harbor
	node --test --test-concurrency=1 tests/cluster/
	node --test --test-concurrency=1 tests/harbor/

browser: ## Walks the story in headless Chromium, with and without JavaScript
	cargo build --locked
	node --test --test-concurrency=1 tests/browser/

screenshots: setup-test ## Makes a picture of every kind of page in build/screenshots: desktop, phone, dark
	cargo build --locked
	node tests/browser/screenshots.mjs

clean: ## Removes what the targets made, the portal's data excepted
	rm -rf target $(BUILD)
