import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { covers } from './glob.ts';

// [glob, other, whether the first takes all that the second takes]
for (const [glob, other, want] of [
  ['eth*', 'eth1', true],
  ['eth*', 'eth', true],
  ['eth1', 'eth*', false],
  ['*', '?', true],
  ['?', '*', false],
  ['?', '?', true],
  ['eth?', 'eth12', false],
  ['eth?', 'eth*', false],
  ['e*h*', 'e?h1*', true],
  ['*1', 'eth*', false],
  ['ab*bx', 'abx', false],
  ['a', 'a?', false],
] as const) {
  test(`${glob} ${want ? 'takes' : 'does not take'} all of ${other}`, () => {
    assert.equal(covers(glob, other), want);
  });
}

/** The names of up to four letters that a glob matches, by a regular expression. */
function names(glob: string): ReadonlySet<string> {
  const pattern = new RegExp(`^${glob.replaceAll('*', '.*').replaceAll('?', '.')}$`);
  return new Set(NAMES.filter((name) => pattern.test(name)));
}

const LETTERS = ['a', 'b', 'c'];
const longer = (shorter: string[]): string[] =>
  shorter.flatMap((name) => LETTERS.map((letter) => name + letter));
const TWO = longer(LETTERS);
const NAMES = ['', ...LETTERS, ...TWO, ...longer(TWO), ...longer(longer(TWO))];

const globs = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 5 });

test('a glob that is said to take all of another takes every name that the other does', () => {
  fc.assert(
    fc.property(globs, globs, (glob, other) => {
      const taken = names(glob);
      if (covers(glob, other)) assert.ok([...names(other)].every((name) => taken.has(name)));
    }),
    { numRuns: 2000 },
  );
});

test('of a plain name it is known for certain', () => {
  fc.assert(
    fc.property(globs, fc.constantFrom(...NAMES), (glob, name) => {
      assert.equal(covers(glob, name), names(glob).has(name));
    }),
    { numRuns: 2000 },
  );
});
