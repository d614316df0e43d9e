import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withDirectory } from '../../agent/store/testleases.ts';
import { killRounds } from './rounds.ts';

// `make kill` does thousands.
const ROUNDS = 15;
const LANES = 2;

test(`a server killed ${ROUNDS * LANES} times under load has every lease that it told of`, async () => {
  const lanes = Array.from({ length: LANES }, () =>
    withDirectory((directory) =>
      killRounds({ rounds: ROUNDS, directory, random: () => Math.random() }),
    ),
  );
  for (const tally of await Promise.all(lanes)) {
    assert.equal(tally.rounds, ROUNDS);
    assert.ok(tally.told > ROUNDS * 50, `it was killed at work: ${JSON.stringify(tally)}`);
  }
});
