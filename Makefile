# Every verb a developer needs. A verb does its own set-up: `make test` in a fresh clone is enough.
SHELL := /bin/bash -o pipefail
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

BUILD   := build
export PATH := $(CURDIR)/$(BUILD)/bin:$(CURDIR)/node_modules/.bin:$(PATH)
STAMP   := $(BUILD)/.dependencies
ADDON   := $(BUILD)/packet.node

.PHONY: help
help: ## List the verbs
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- set-up --------------------------------------------------------------------------------------

.PHONY: setup
setup: $(STAMP) $(ADDON) ## Fetch Node 24 if needed, the npm packages, and build the native addon

$(BUILD)/bin/node: scripts/toolchain.sh
	@mkdir -p $(BUILD)/bin && node=$$(sh scripts/toolchain.sh) && ln -sf "$$node" $@ && touch -h $@

$(STAMP): package.json package-lock.json $(BUILD)/bin/node
	@nodedir=$$(node scripts/headers.ts) && npm_config_nodedir=$$nodedir npm install --no-audit --no-fund --loglevel=error && touch $@

$(ADDON): agent/native/*.c agent/native/*.h $(BUILD)/bin/node
	@cc -std=c17 -O2 -g -fPIC -shared -Wall -Wextra -Werror -fvisibility=hidden \
	  -I"$$(node scripts/headers.ts)/include/node" -o $@.new agent/native/*.c && mv $@.new $@

# --- checks --------------------------------------------------------------------------------------

.PHONY: check
check: setup ## Format, lint, types, architecture, generated files: seconds, needs nothing
	@biome ci --error-on-warnings . && tsc --noEmit -p . && \
	  node --test --test-reporter=./scripts/reporter.ts e2e/tidy.test.ts && \
	  node crds/generate.ts --check && node scripts/chart.ts --check

.PHONY: format
format: setup ## Let the formatter have its way
	@biome check --write .

.PHONY: generate
generate: setup ## Write CRDs, schemas, the reference and what the chart has of them anew
	@node crds/generate.ts && node scripts/chart.ts

# --- tests ---------------------------------------------------------------------------------------

# Two at a time would leave the processors idle, as the network labs mostly wait; four make them late.
# A failed test may leave sockets open and its file never end, hence the timeout. With --test-force-exit files end at once,
# and a tenth of the results is lost on the way.
TEST := timeout 900 node --test --test-concurrency=3 --test-reporter=./scripts/reporter.ts
UNIT := $(wildcard codec/*.test.ts codec/*/*.test.ts crds/*.test.ts crds/*/*.test.ts agent/*.test.ts \
  agent/*/*.test.ts agent/*/*/*.test.ts operator/*.test.ts operator/*/*.test.ts e2e/*.test.ts)
LABS := $(wildcard e2e/netns/*.test.ts e2e/kill/*.test.ts e2e/sim/*.test.ts)

.PHONY: test
test: setup peers ## Everything that this machine can run; as root that includes the network labs
	@$(TEST) $(UNIT) $(LABS)

.PHONY: unit
unit: setup ## The tests that need neither root nor peers
	@$(TEST) $(UNIT)

.PHONY: netns
netns: setup peers ## The network-namespace labs alone (root)
	@$(TEST) e2e/netns/*.test.ts

.PHONY: test-vm
test-vm: setup peers ## What this kernel may lack (VLANs, vrf, ipvlan, netem) in a Debian kernel under qemu (root)
	@e2e/vm/test.sh

.PHONY: test-native
test-native: setup ## The packet plane under the address and undefined-behaviour sanitizers (root)
	@agent/native/sanitize.sh

.PHONY: fuzz
fuzz: setup ## Mutate the corpus of real captures: SECONDS=60 SEED=1
	@node e2e/fuzz.ts --seconds $(or $(SECONDS),60) $(if $(SEED),--seed $(SEED))

.PHONY: peers
peers: ## Install the foreign clients, servers and relays that the labs use (root), or name them
	@e2e/peers.sh

# --- Kubernetes ----------------------------------------------------------------------------------

.PHONY: kube
kube: setup ## Build etcd, Kubernetes, helm and containerd once, into ~/.cache (needs Go; ten minutes, later nothing)
	@node e2e/cluster/up.ts --build

.PHONY: cluster
cluster: kube ## A control plane to play with, until Ctrl-C; prints its KUBECONFIG
	@node e2e/cluster/up.ts

.PHONY: e2e
e2e: kube images peers ## The operator, agents and a real node against a real Kubernetes (root, Go or KUBEBUILDER_ASSETS)
	@E2E=1 timeout 3600 node --test --test-concurrency=1 --test-reporter=./scripts/reporter.ts \
	  e2e/chart.test.ts e2e/cluster/*.e2e.ts

.PHONY: demo-cluster
demo-cluster: kube images peers ## A cluster, the chart, a DhcpServer, clients, and their DhcpLeases as they arrive (root)
	@node e2e/cluster/demo.ts

.PHONY: manifests
manifests: setup ## The chart with its defaults as one plain YAML for kubectl: build/manifests.yaml
	@node scripts/manifests.ts

# --- running -------------------------------------------------------------------------------------

.PHONY: sim
sim: setup ## A simulated network through HOURS=24 of misfortunes, from SEED= or any
	@node e2e/sim/run.ts --hours $(or $(HOURS),24) $(if $(SEED),--seed $(SEED))

.PHONY: kill
kill: setup ## Kill -9 the lease store ROUNDS= times under load (2000) and look for what it had acknowledged
	@node e2e/kill/run.ts --rounds $(or $(ROUNDS),2000)

.PHONY: demo
demo: setup peers ## A client LAN, our relay and a server in namespaces: real clients get leases
	@node e2e/demo.ts

.PHONY: bench
bench: build peers ## Our relay beside dhcrelay and dnsmasq, our server beside Kea, dhcpd and dnsmasq: 12 minutes (root)
	@$(TEST) e2e/bench/*.test.ts && node e2e/bench/relay.ts && node e2e/bench/server.ts

.PHONY: test-bench
test-bench: setup peers ## That the load generator tells right from wrong (root; a busy machine makes it late)
	@$(TEST) e2e/bench/*.test.ts

.PHONY: build
build: setup ## Bundle agent and operator into build/agent and build/operator
	@node scripts/build.ts

.PHONY: images
images: build ## Both images as archives for docker load, podman load and ctr import, made without a registry: build/images
	@node scripts/image.ts

.PHONY: clean
clean: ## Remove what was built; fetched tools stay
	@rm -rf $(BUILD) node_modules
