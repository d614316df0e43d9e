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
  ['eth*', 'eth?', true],
  ['eth*', 'eth*', true],
  ['*', 'eth*', true],
  ['*', '', true],
  ['eth?', 'eth0', true],
  ['e*0', 'eth*0', true],
  ['eth', 'eth0', false],
  ['a*b*c', 'a*c*b*c', true],
] as const) {
  test(`${glob} ${want ? 'takes' : 'does not take'} all of ${other || 'nothing'}`, () => {
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
  let covered = 0;
  fc.assert(
    fc.property(globs, globs, (glob, other) => {
      if (!covers(glob, other)) return;
      covered++;
      const taken = names(glob);
      assert.ok([...names(other)].every((name) => taken.has(name)));
    }),
    { numRuns: 2000 },
  );
  assert.ok(covered > 100, `${covered} were compared`);
});

test('of a plain name it is known for certain', () => {
  fc.assert(
    fc.property(globs, fc.constantFrom(...NAMES), (glob, name) => {
      assert.equal(covers(glob, name), names(glob).has(name));
    }),
    { numRuns: 2000 },
  );
});
