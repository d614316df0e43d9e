// How the bundled agent is started, by its launcher and in its image. Together 12 MB less under load, measured with
// e2e/bench/relay.ts.

/** For node. What is allocated while it works is next to nothing, so collections need no threads and a small nursery will do; a second optimizing compiler costs 5 MB and pays in the first second only. */
export const NODE_FLAGS = [
  '--optimize-for-size',
  '--max-semi-space-size=4',
  '--single-threaded-gc',
  '--v8-pool-size=1',
  '--no-maglev',
];

/** For malloc, which then gives back at once what loading the manifests took. */
export const ENVIRONMENT = [
  'MALLOC_ARENA_MAX=1',
  'MALLOC_TRIM_THRESHOLD_=65536',
  'MALLOC_MMAP_THRESHOLD_=32768',
  'MALLOC_TOP_PAD_=0',
];
