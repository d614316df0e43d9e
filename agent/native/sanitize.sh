#!/bin/bash
# Runs the tests of the addon with AddressSanitizer, LeakSanitizer and UndefinedBehaviorSanitizer in it.
# Node is not instrumented, so the runtime is preloaded; the tree is copied, so that its build is left alone.
# Exit status: 0 all passed and nothing found, 1 otherwise. Needs root; takes about half a minute.
set -euo pipefail
if [ "$(id -u)" != 0 ]; then
  echo 'sanitizers: skipped, the tests need root for network namespaces' >&2
  [ "${CI:-}" != true ]
  exit
fi
cd "$(dirname "$0")/../.."
export PATH="$PWD/build/bin:$PATH"

copy=$(mktemp -d "${TMPDIR:-/tmp}/sanitize.XXXXXX")
trap 'rm -rf "$copy"' EXIT
mkdir "$copy/build"
cp -r agent codec crds package.json "$copy"
ln -s "$PWD/node_modules" "$copy/node_modules"
rm -f "$copy"/agent/net/*.bench.ts

headers=$(node scripts/headers.ts)/include/node
cc -std=c17 -O1 -g -fPIC -shared -Wall -Wextra -Werror -fvisibility=hidden \
  -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer \
  -I"$headers" -o "$copy/build/packet.node" agent/native/*.c

# Every process of a test writes what it finds to a file of its own. Leaks in Node and bash are theirs.
export LD_PRELOAD
LD_PRELOAD=$(cc -print-file-name=libasan.so)
export ASAN_OPTIONS="log_path=$copy/found:detect_leaks=1:fast_unwind_on_malloc=0:detect_stack_use_after_return=1"
export LSAN_OPTIONS="exitcode=0:max_leaks=0:report_objects=0:print_suppressions=0"
export UBSAN_OPTIONS="log_path=$copy/found:print_stacktrace=1"

status=0
cd "$copy"
node --test --test-concurrency=2 agent/net/{packet,misuse,lifetime,rawip,links}.test.ts agent/store/durable.test.ts || status=1

found=$(grep -ls -e 'runtime error' -e 'ERROR: AddressSanitizer' "$copy"/found.* || true)
leaks=$(grep -ls 'agent/native/' "$copy"/found.* || true)
if [ -n "$found$leaks" ]; then
  # shellcheck disable=SC2086
  cat $found $leaks >&2
  status=1
fi
[ $status = 0 ] && echo 'sanitizers: nothing found'
exit $status
