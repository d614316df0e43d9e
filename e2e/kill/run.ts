// node e2e/kill/run.ts [--rounds N]: as the test, as often as one likes.
import { withDirectory } from '../../agent/store/testleases.ts';
import { flags } from '../flags.ts';
import { killRounds, type Tally } from './rounds.ts';

const { rounds } = flags('node e2e/kill/run.ts [--rounds N]', { rounds: 2000 });
const started = performance.now();
const tally = await withDirectory((directory) =>
  killRounds({ rounds, directory, random: () => Math.random(), progress }),
);
const seconds = Math.round((performance.now() - started) / 1000);
console.log(`no lease lost in ${seconds} s:`, tally);

function progress({ rounds: done, told }: Tally): void {
  if (done % 100 === 0)
    console.error(`${done} of ${rounds} kills, ${told} changes told, none lost`);
}
