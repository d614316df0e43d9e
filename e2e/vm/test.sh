#!/bin/bash
# The labs of this folder inside a Debian kernel under qemu, in one call. Needs root only to install what is missing.
set -euo pipefail
cd "$(dirname "$0")/../.."
make -s build
export PATH=$PWD/build/bin:$PATH
SECONDS_MAX=${SECONDS_MAX:-1200} exec e2e/vm/run.sh env DHCP_AGENT="$PWD/build/agent/dhcp-agent" \
  node --test --test-reporter=./scripts/reporter.ts e2e/vm/relay.vm.ts
