# What people type. Each target says what is missing before it begins.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo demo-servers test chaos faults bench lint licences tools

help: ## Show these lines
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 22

demo: tools ## Build, make a workspace in demo/, run its campaign, and leave the interface and the sandbox open (ONCE=1: end after the summary)
	@scripts/demo

demo-servers: tools ## The same, with copies of the lists on real S3, GCS, Azure and SFTP servers on this machine
	@tests/servers/all.sh run -- scripts/demo --servers

test: tools ## Run all tests, with real servers and the vendors' SDKs where they can be had
	@scripts/test

faults: tools ## Try what happens when something goes wrong at each platform, and print it as a table
	@cargo test --locked --workspace --test delivery -- faults --nocapture

chaos: tools ## Kill runs at requests, named points and any instant, resume them, and compare (CONSIGN_KILLS=200; a good quarter of an hour)
	@CONSIGN_KILLS=$${CONSIGN_KILLS:-200} tests/servers/all.sh run s3 gcs azure sftp clock -- \
	  cargo test --locked --workspace --test cli -- chaos --nocapture

bench: tools ## Measure with 1 M and 10 M customers (CUSTOMERS="1000000 10000000"), beside DuckDB where Python has it
	@scripts/bench

lint: tools licences ## Check formatting, clippy and the documentation, warnings denied
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps

licences: tools ## Check the licences and origins of all dependencies
	@scripts/licences

tools:
	@scripts/tools
