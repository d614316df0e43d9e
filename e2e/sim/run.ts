// node e2e/sim/run.ts [--seed N] [--hours H] [--mutant WHICH]: a network lives through misfortunes; says what happened, and what must
// never happen.
import { flags } from '../flags.ts';
import { MUTANTS } from './disk.ts';
import { clock, Violation } from './history.ts';
import { World } from './world.ts';

const { seed, hours, mutant } = flags(
  `node e2e/sim/run.ts [--seed N] [--hours H] [--mutant ${MUTANTS.join('|')}]`,
  { seed: Math.floor(Math.random() * 1e9), hours: 24, mutant: '' },
);
const world = new World(seed, MUTANTS.find((one) => one === mutant) ?? null);
const started = performance.now();
try {
  for (let done = 0; done < hours; done++) {
    world.run(Math.min(1, hours - done));
    if (process.stderr.isTTY) process.stderr.write(`\rhour ${done + 1} of ${hours} `);
  }
  world.settle();
} catch (error) {
  if (!(error instanceof Violation)) throw error;
  for (const line of world.history.lines()) console.log(line);
  console.error(`\nat ${clock(world.agenda.now)}: ${error.message}`);
  console.error(`again: make sim SEED=${seed} HOURS=${hours}`);
  process.exit(1);
}
const seconds = (performance.now() - started) / 1000;
for (const [what, count] of world.history.tally(''))
  console.log(`${String(count).padStart(9)}  ${what}`);
console.log(`seed ${seed}: ${hours} hours in ${seconds.toFixed(1)} s, nothing wrong`);
