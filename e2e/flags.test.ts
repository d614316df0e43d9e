import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readFlags, Usage } from './flags.ts';

const USAGE = 'node thing.ts [--rounds N] [--quick] [--into DIR]';
const DEFAULTS = { rounds: 3, quick: false, into: '' };

function refused(...argv: string[]): Usage {
  try {
    readFlags(argv, USAGE, DEFAULTS);
  } catch (error) {
    if (error instanceof Usage) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

test('options have the types of their defaults', () => {
  assert.deepEqual(readFlags([], USAGE, DEFAULTS), DEFAULTS);
  const given = readFlags(['--rounds', '5', '--quick', '--into=here'], USAGE, DEFAULTS);
  assert.deepEqual(given, { rounds: 5, quick: true, into: 'here' });
});

for (const argv of [
  ['--rounds', 'many'],
  ['--rounds', ''],
  ['--rounds=-1'],
  ['--round', '2'],
  ['two'],
]) {
  test(`${JSON.stringify(argv)} is refused in one line that says how it is used`, () => {
    const { message, asked } = refused(...argv);
    assert.equal(asked, false);
    assert.doesNotMatch(message, /\n/);
    assert.ok(message.endsWith(`; usage: ${USAGE}`), message);
  });
}

test('--help is an answer, not a mistake', () => {
  assert.deepEqual(refused('--help').message, `usage: ${USAGE}`);
  assert.equal(refused('-h').asked, true);
});
