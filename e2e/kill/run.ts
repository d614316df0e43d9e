// node e2e/kill/run.ts [--rounds N]: as the test, as often as one likes.
import { parseArgs } from 'node:util';
import { withDirectory } from '../../agent/store/testleases.ts';
import { killRounds } from './rounds.ts';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '2000' } } });
const started = performance.now();
const tally = await withDirectory((directory) =>
  killRounds({ rounds: Number(values.rounds), directory, random: () => Math.random() }),
);
const seconds = Math.round((performance.now() - started) / 1000);
console.log(`no lease lost in ${seconds} s:`, tally);
