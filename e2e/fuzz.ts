// `node e2e/fuzz.ts [--seconds N] [--seed N]`: mutants of the corpus through every decoder, for a while.
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { formatSample } from '../codec/corpus.ts';
import { type Finding, fuzz, Random } from '../codec/fuzz.ts';
import { TARGETS } from '../codec/targets.ts';
import { CORPUS, readCorpus } from './corpus.ts';
import { flags } from './flags.ts';

/** Inputs between two looks at the clock. */
const BATCH = 500;

const { seconds, seed } = flags('node e2e/fuzz.ts [--seconds N] [--seed N]', {
  seconds: 10,
  seed: Date.now() % 1_000_000_007,
});

process.exitCode = run(seconds, seed) ? 0 : 1;

function run(seconds: number, seed: number): boolean {
  const corpus = readCorpus();
  const random = new Random(seed);
  const started = performance.now();
  let inputs = 0;
  let finding: Finding | null = null;
  let elapsed = 0;
  console.log(`${corpus.length} messages, ${TARGETS.length} targets, ${seconds} s, seed ${seed}`);
  while (finding === null && elapsed < seconds * 1000) {
    finding = fuzz(corpus, TARGETS, random, BATCH);
    inputs += BATCH;
    elapsed = performance.now() - started;
  }
  if (finding !== null) {
    keep(finding, seed);
    return false;
  }
  const rate = Math.round((inputs / elapsed) * 1000);
  console.log(`${inputs} inputs, ${rate} inputs/s, each through all targets; nothing found`);
  return true;
}

/** A finding stays in the corpus: from then on it is a test. */
function keep({ target, bytes, error }: Finding, seed: number): void {
  const digest = createHash('sha256').update(bytes).digest('hex').slice(0, 8);
  const file = `${CORPUS}/found-${target}-${digest}.hex`;
  writeFileSync(file, formatSample({ title: `found by fuzzing ${target}, seed ${seed}`, bytes }));
  console.log(inspect(error));
  console.log(
    `FOUND: ${target} failed on ${file}; UPDATE=1 node --test codec/ writes its golden line`,
  );
}
