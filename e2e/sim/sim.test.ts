// A network lives through a day of misfortunes, from a few seeds; `make sim` does as many as one likes. And a server that lies about
// its disk is found out.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MUTANTS } from './disk.ts';
import { Violation } from './history.ts';
import { World } from './world.ts';

const HOURS = 12;
const SEEDS = [1, 2, 3, 4, 5, 7, 8];
/** What must have happened, or nothing was tried. */
const SEEN = [
  'leases taken',
  'acknowledged',
  'kills',
  'power failures',
  'full disks',
  'paths cut',
  'edits',
  'squatters',
  'attacks',
  'packets lost',
  'packets doubled',
  'addresses found in use',
  'addresses declined',
  'a client releases',
  'a client forgets',
  'a client is refused',
  'a client runs out',
];

test('no address has two holders, no ACK runs ahead of the disk, no crash loses a lease, and in fair weather everybody has one', () => {
  const seen = new Map<string, number>();
  for (const seed of SEEDS) {
    const world = new World(seed);
    try {
      world.run(HOURS);
      world.settle();
    } catch (error) {
      const again = `make sim SEED=${seed} HOURS=${HOURS}`;
      assert.fail(`${(error as Error).message}\n${world.history.lines().join('\n')}\n${again}`);
    }
    for (const what of SEEN) seen.set(what, (seen.get(what) ?? 0) + world.history.counted(what));
  }
  for (const [what, count] of seen) assert.ok(count > 0, `never: ${what}`);
});

test('the same seed lives the same day', () => {
  const digests = [1, 2].map(() => {
    const world = new World(7);
    world.run(2);
    return world.history.digest;
  });
  assert.equal(digests[0], digests[1]);
});

for (const mutant of MUTANTS) {
  test(`a disk that lies is found out: ${mutant}`, () => {
    const world = new World(3, mutant);
    assert.throws(() => {
      world.run(HOURS);
      world.settle();
    }, Violation);
  });
}
