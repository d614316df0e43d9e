#!/bin/sh
# Prints the path of a node that is at least 24: the machine's own, or one fetched from npm into .toolchain/.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
fetched=$top/.toolchain/node/node_modules/node/bin/node
major() { "$1" -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0; }

# Not the link that is made of the answer: it would point to itself.
own=$(PATH=$(printf %s "$PATH" | tr : '\n' | grep -vxF "$top/build/bin" | paste -sd: -) && command -v node || true)
if [ -n "$own" ] && [ "$(major "$own")" -ge 24 ]; then echo "$own"; exit 0; fi
if [ -x "$fetched" ] && [ "$(major "$fetched")" -ge 24 ]; then echo "$fetched"; exit 0; fi
command -v npm >/dev/null || { echo "dhcp-operator needs Node 24 or newer, or npm to fetch it; neither is here" >&2; exit 1; }
if [ -n "$own" ]; then has="the machine's own is $("$own" --version)"; else has="the machine has none"; fi
echo "fetching Node 24 into .toolchain/ ($has)" >&2
mkdir -p "$top/.toolchain/node"
printf '{ "private": true, "allowScripts": { "node": true } }\n' > "$top/.toolchain/node/package.json"
(cd "$top/.toolchain/node" && npm install --no-audit --no-fund --loglevel=error --no-save node@24 >&2)
[ "$(major "$fetched")" -ge 24 ] || { echo "Node 24 was fetched but does not run: $fetched" >&2; exit 1; }
echo "$fetched"
