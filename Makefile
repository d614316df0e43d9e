# Every verb a developer needs. A verb does its own set-up: `make test` in a fresh clone is enough.
SHELL := /bin/bash -o pipefail
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

BUILD   := build
NODE_BIN = $(shell cat $(BUILD)/node 2>/dev/null)
export PATH := $(CURDIR)/$(BUILD)/bin:$(CURDIR)/node_modules/.bin:$(PATH)
STAMP   := $(BUILD)/.dependencies
ADDON   := $(BUILD)/packet.node

.PHONY: help
help: ## List the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- set-up --------------------------------------------------------------------------------------

.PHONY: setup
setup: $(STAMP) $(ADDON) ## Fetch Node 24 if needed, the npm packages, and build the native addon

$(BUILD)/bin/node: scripts/toolchain.sh
	@mkdir -p $(BUILD)/bin && node=$$(sh scripts/toolchain.sh) && ln -sf "$$node" $@ && touch -h $@

$(STAMP): package.json package-lock.json $(BUILD)/bin/node
	@nodedir=$$(node scripts/headers.ts) && npm_config_nodedir=$$nodedir npm ci --no-audit --no-fund --loglevel=error && touch $@

$(ADDON): agent/native/*.c agent/native/*.h $(BUILD)/bin/node
	@cc -std=c17 -O2 -g -fPIC -shared -Wall -Wextra -Werror -fvisibility=hidden \
	  -I"$$(node scripts/headers.ts)/include/node" -o $@.new agent/native/*.c && mv $@.new $@
