import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aJournal, aSnapshot, clockAt, replayFiles, type TestFile } from '../store/testfiles.ts';
import { address, aLease } from '../store/testleases.ts';
import { FRAMES_AT } from './journal.ts';
import type { Leases } from './lease/table.ts';

/** Hostnames by address, which tell versions of a lease apart. */
function names(leases: Leases): Record<number, string | null> {
  return Object.fromEntries(
    [...leases.entries()].map((lease) => [lease.address - address(0), lease.hostname]),
  );
}

const named = (n: number, hostname: string): ReturnType<typeof aLease> => aLease(n, { hostname });

test('a new store has nothing, and that is no damage', () => {
  const { leases, result } = replayFiles([]);
  assert.deepEqual(
    [leases.size, result],
    [0, { last: 0, clock: null, store: null, seed: 0, damage: [], torn: null }],
  );
});

test('the last word counts: over changes, files and forgetting', () => {
  const { leases, result } = replayFiles([
    aSnapshot(10).records(named(1, 'old'), named(2, 'gone'), named(3, 'kept')),
    aJournal(10).batch(named(1, 'newer'), address(2)),
    aJournal(13).batch(named(1, 'newest'), named(4, 'x'), address(4), named(5, 'new')),
  ]);
  assert.deepEqual(names(leases), { 1: 'newest', 3: 'kept', 5: 'new' });
  assert.equal(result.last, 17);
  assert.deepEqual([result.damage, result.torn], [[], null]);
  assert.deepEqual(result.clock, clockAt(13));
});

const THREE = 3;
const BATCHES = 5;

/** Batches of three changes, to addresses 0 to 14; frame `i` of a batch is a head when `i % 4` is 0. */
function fiveBatches(): TestFile {
  const file = aJournal(1);
  for (let batch = 0; batch < BATCHES; batch++) {
    const at = batch * THREE;
    file.batch(aLease(at), aLease(at + 1), aLease(at + 2));
  }
  return file;
}

/** Which addresses the first `frames` frames of `fiveBatches` tell of. */
function addressesIn(frames: number): number[] {
  const all = Array.from({ length: frames }, (_, i) => i).filter((i) => i % 4 !== 0);
  return all.map((i) => Math.floor(i / 4) * THREE + (i % 4) - 1);
}

test('a journal cut at any octet gives every whole frame, and a torn tail', () => {
  const whole = fiveBatches();
  const { bytes, ends } = whole;
  for (let cut = FRAMES_AT; cut <= bytes.length; cut++) {
    const { leases, result } = replayFiles([{ name: 'j', bytes: bytes.subarray(0, cut) }]);
    const frames = ends.filter((end) => end <= cut).length - 1;
    assert.deepEqual(Object.keys(names(leases)).map(Number), addressesIn(frames), `cut at ${cut}`);
    assert.deepEqual(result.damage, [], `cut at ${cut}`);
    const octets = cut - ends[frames]!;
    const torn = octets === 0 ? null : { file: 'j', octets, kept: 0 };
    assert.deepEqual(result.torn, torn, `cut at ${cut}`);
    assert.equal(result.last, frames);
  }
});

test('a journal cut at any octet, with reserved blocks of zero behind, is the same', () => {
  const { bytes, ends } = fiveBatches();
  for (let cut = FRAMES_AT; cut <= bytes.length; cut += 5) {
    const padded = Buffer.concat([bytes.subarray(0, cut), Buffer.alloc(5000)]);
    const { leases, result } = replayFiles([{ name: 'j', bytes: padded }]);
    const frames = ends.filter((end) => end <= cut).length - 1;
    assert.deepEqual(Object.keys(names(leases)).map(Number), addressesIn(frames));
    assert.deepEqual(result.damage, []);
    const sound = bytes.subarray(ends[frames]!, cut).every((octet) => octet === 0);
    assert.equal(result.torn === null, sound, `cut at ${cut}`);
  }
});

test('a journal that another follows must be whole: cut before its end, it is damaged', () => {
  const first = fiveBatches();
  const next = aJournal(first.sequence + 1).batch(aLease(99));
  for (let cut = FRAMES_AT; cut < first.bytes.length; cut += 3) {
    const { leases, result } = replayFiles([
      { name: 'first', bytes: first.bytes.subarray(0, cut) },
      next,
    ]);
    const frames = first.ends.filter((end) => end <= cut).length - 1;
    assert.equal(leases.size, addressesIn(frames).length + 1);
    const missing = first.sequence - frames;
    assert.deepEqual(result.damage, [
      { file: 'first', reason: `${missing} of its records are missing` },
    ]);
  }
});

test('any octet damaged costs one frame at most, and is damage when a later batch promised it', () => {
  const { bytes, ends } = fiveBatches();
  for (let at = FRAMES_AT; at < bytes.length; at++) {
    for (const mask of at % 8 === 0 ? [0x01, 0x80, 0xff] : [1 << (at % 8)]) {
      const hit = ends.findIndex((end) => end > at) - 1;
      const copy = Buffer.from(bytes);
      copy[at]! ^= mask;
      const { leases, result } = replayFiles([{ name: 'j', bytes: copy }]);
      const want = addressesIn(4 * BATCHES).filter(
        (n) => hit % 4 === 0 || n !== addressesIn(hit + 1).at(-1),
      );
      assert.deepEqual(Object.keys(names(leases)).map(Number), want, `octet ${at}`);
      const promised = hit < 4 * (BATCHES - 1);
      const damage = promised ? [{ file: 'j', reason: '1 of its records are missing' }] : [];
      assert.deepEqual(result.damage, damage, `octet ${at}`);
      assert.equal(result.torn === null, promised, `octet ${at}`);
    }
  }
});

test('a snapshot with any octet damaged or cut off is damaged, and gives all the rest', () => {
  const snapshot = aSnapshot(1).records(...[0, 1, 2, 3].map((n) => aLease(n)));
  const { bytes, ends } = snapshot;
  for (let at = FRAMES_AT; at < bytes.length; at++) {
    const copy = Buffer.from(bytes);
    copy[at]! ^= 0x20;
    const hit = ends.findIndex((end) => end > at) - 1;
    const flipped = replayFiles([{ name: 's', bytes: copy }]);
    assert.equal(flipped.result.damage.length, 1, `octet ${at}`);
    assert.equal(flipped.leases.size, hit < 4 ? 3 : 4);
    const cut = replayFiles([{ name: 's', bytes: bytes.subarray(0, at) }]);
    assert.equal(cut.result.damage.length, 1, `cut at ${at}`);
    assert.equal(cut.leases.size, Math.min(hit, 4));
  }
});

test('what failed to become durable may be missing, does not count if it is there, and what was promised must be there', () => {
  const before = aJournal(1).batch(aLease(1)).batch(aLease(2), aLease(3));
  // Sequences 3 to 5 were given up; those after them begin at 9.
  const after = aJournal(9, { durable: 2 }).batch(aLease(4));
  for (const cut of before.ends.slice(2)) {
    const { leases, result } = replayFiles([
      { name: 'b', bytes: before.bytes.subarray(0, cut) },
      after,
    ]);
    assert.deepEqual([result.damage, result.last], [[], 10], `cut at ${cut}`);
    assert.deepEqual(Object.keys(names(leases)), ['1', '4'], `cut at ${cut}`);
  }
  const { result } = replayFiles([
    { name: 'b', bytes: before.bytes.subarray(0, before.ends[1]!) },
    after,
  ]);
  assert.deepEqual(result.damage, [{ file: 'b', reason: '1 of its records are missing' }]);
});

test('a journal begun ahead of its first batch goes on where the one before it ended', () => {
  // Rotation: the file was made when 2 was durable, and used after 4.
  const files = [
    aJournal(1).batch(aLease(1)).batch(aLease(2)),
    Object.assign(aJournal(3), { sequence: 4 }).batch(aLease(3)),
  ];
  assert.deepEqual(replayFiles(files).result.damage, []);
  const cut = { name: 'first', bytes: files[0]!.bytes.subarray(0, files[0]!.ends[3]!) };
  assert.deepEqual(replayFiles([cut, files[1]!]).result.damage, [
    { file: 'first', reason: '1 of its records are missing' },
  ]);
});

test('a journal that is gone is missed, by the one before it', () => {
  const files = [aJournal(1), aJournal(3), aJournal(5)].map((file, n) => file.batch(aLease(n)));
  assert.deepEqual(replayFiles([files[0]!, files[2]!]).result.damage, [
    { file: 'journal-1', reason: '2 of its records are missing' },
  ]);
  assert.deepEqual(replayFiles([files[1]!, files[2]!]).result.damage, [
    { file: 'a journal that is not there', reason: '2 of its records are missing' },
  ]);
});

test('a file of another store is left out and reported', () => {
  const foreign = aJournal(3, { store: new Uint8Array(16) }).batch(aLease(2));
  const { leases, result } = replayFiles([aJournal(1).batch(aLease(1)), foreign]);
  assert.equal(leases.size, 1);
  assert.deepEqual(result.damage, [{ file: 'journal-3', reason: 'it belongs to another store' }]);
});

test('a file whose header is damaged is reported, and what follows is taken in', () => {
  const bytes = aJournal(1).batch(aLease(1)).bytes.fill(0x77, 0, FRAMES_AT);
  const broken = { name: 'journal-1', bytes };
  const { leases, result } = replayFiles([broken, aJournal(3).batch(aLease(2))]);
  assert.deepEqual(names(leases), { 2: 'workstation-2' });
  assert.deepEqual(
    result.damage.map(({ file }) => file),
    ['journal-1', 'journal-1'],
  );
});
