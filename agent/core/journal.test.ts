import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { aJournal, clockAt, replayFiles } from '../store/testfiles.ts';
import { aLease } from '../store/testleases.ts';
import { crc32c } from './crc32c.ts';
import {
  FILE_KIND,
  type FileHeader,
  FRAMES_AT,
  FrameScanner,
  HEADER_BYTES,
  readHeader,
  VERSION,
  writeHeader,
} from './journal.ts';
import { memoryOf } from './lease/record.ts';

const header: FileHeader = {
  kind: FILE_KIND.JOURNAL,
  seed: 0xdeadbeef,
  first: 2 ** 40 + 5,
  durable: 2 ** 40 + 4,
  store: Uint8Array.from({ length: 16 }, (_, i) => i),
  clock: clockAt(3),
};

function headerBytes(): ReturnType<typeof memoryOf> {
  const memory = memoryOf(Buffer.alloc(FRAMES_AT));
  writeHeader(memory, header);
  return memory;
}

test('a header says what was written', () => {
  assert.deepEqual(readHeader(headerBytes(), FRAMES_AT), { header, spoilt: false });
});

test('a header survives any octet of it being damaged, and says so', () => {
  for (let at = 0; at < FRAMES_AT; at++) {
    const memory = headerBytes();
    memory.bytes[at]! ^= 0x10;
    assert.deepEqual(readHeader(memory, FRAMES_AT), { header, spoilt: true }, `octet ${at}`);
  }
});

test('a header that is cut off, or damaged twice, is told', () => {
  for (let length = 0; length < FRAMES_AT; length++) {
    assert.equal(readHeader(headerBytes(), length), 'short');
  }
  const memory = headerBytes();
  memory.bytes[20]! ^= 1;
  memory.bytes[HEADER_BYTES + 90]! ^= 1;
  assert.equal(readHeader(memory, FRAMES_AT), 'damaged');
});

test('a sound header of a version that is not ours is newer, not damaged', () => {
  const memory = headerBytes();
  for (const at of [0, HEADER_BYTES]) {
    memory.view.setUint16(at + 8, VERSION + 1, true);
    memory.view.setUint32(at + 124, crc32c(memory.bytes, at, at + 124, 0), true);
  }
  assert.equal(readHeader(memory, FRAMES_AT), 'newer');
});

test('frames are found whatever the pieces that a file is read in', () => {
  const file = aJournal(1);
  for (let n = 0; n < 40; n++) file.batch(aLease(n, { hostname: 'h'.repeat(n * 7) }), n);
  const { bytes } = file;
  bytes[FRAMES_AT + 70]! ^= 1; // rubbish near the front
  const whole = replayFiles([{ name: 'j', bytes }]);
  for (const piece of [1, 2, 3, 7, 16, 100, 1000, 4096]) {
    const inPieces = replayFiles([{ name: 'j', bytes }], piece);
    assert.deepEqual(inPieces.result, whole.result, `pieces of ${piece}`);
    assert.equal(inPieces.leases.size, whole.leases.size);
  }
});

test('no octets at all make the scanner throw, loop or find a frame', () => {
  const seen: unknown[] = [];
  const sink = { frame: () => seen.push('frame'), rubbish: () => {} };
  const marks = fc.constantFrom(0xa5, 0x1e, 0x10, 0x00, 0x01);
  fc.assert(
    fc.property(
      fc.array(fc.oneof(marks, fc.nat(255)), { maxLength: 300 }),
      fc.boolean(),
      (octets, last) => {
        const memory = memoryOf(Buffer.from(octets));
        const done = new FrameScanner(5, sink).scan(memory, 0, octets.length, FRAMES_AT, last);
        assert.ok(last ? done === octets.length : done <= octets.length);
      },
    ),
    { numRuns: 3000 },
  );
  assert.deepEqual(seen, []);
});

test('a hostname that is a frame of its own is not taken for one', () => {
  // An attacker knows the format but not the seed.
  const inner = aJournal(1).batch(aLease(66));
  const frames = inner.bytes.subarray(FRAMES_AT);
  const forged = Buffer.from(frames);
  forged.writeUInt32LE(crc32c(forged, 4, inner.ends[1]! - FRAMES_AT, 1), 0);
  forged.writeUInt32LE(
    crc32c(forged, inner.ends[1]! - FRAMES_AT + 4, forged.length, 1),
    inner.ends[1]! - FRAMES_AT,
  );
  const file = aJournal(1).batch(aLease(1, { userClass: forged }), aLease(2));
  const { bytes } = file;
  bytes[file.ends[1]! + 30]! ^= 1; // so that the scanner looks inside
  const { leases } = replayFiles([{ name: 'j', bytes }]);
  assert.deepEqual([leases.size, leases.get(aLease(2).address)], [1, aLease(2)]);
});
