import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { aLease, anyLease } from '../../store/testleases.ts';
import { decodeLease, encodeLease, isRecord, memoryOf, RECORD_MAX } from './record.ts';

const memory = memoryOf(Buffer.alloc(2 * RECORD_MAX));

test('a lease survives being bytes, wherever they lie', () => {
  fc.assert(
    fc.property(anyLease(50, 1000), fc.integer({ min: 0, max: 99 }), (lease, at) => {
      memory.bytes.fill(0xff);
      const end = encodeLease(lease, memory, at);
      assert.ok(isRecord(memory.bytes, at, end));
      assert.deepEqual(decodeLease(memory, at), lease);
    }),
  );
});

for (const length of [1, 126, 127, 128, 129, 255, 256, 257, 1472]) {
  test(`fields of ${length} octets survive being bytes`, () => {
    const octets = Uint8Array.from({ length }, (_, i) => i + 1);
    const text = 'x'.repeat(length - 1);
    for (const lease of [
      aLease(1, { clientId: octets, vendorClass: octets, hostname: `${text}y` }),
      aLease(1, { hostname: length > 1 ? `${text.slice(1)}ü` : 'ü', relayInformation: octets }),
    ]) {
      const end = encodeLease(lease, memory, 3);
      assert.ok(isRecord(memory.bytes, 3, end));
      assert.equal(isRecord(memory.bytes, 3, end - 1), false);
      assert.deepEqual(decodeLease(memory, 3), lease);
    }
  });
}

test('a state that nobody knows makes no record', () => {
  const end = encodeLease(aLease(7), memory, 0);
  memory.bytes[44] = 4;
  assert.equal(isRecord(memory.bytes, 0, end), false);
});

test('what is cut off is no record, and what a later version appends does not matter', () => {
  const end = encodeLease(aLease(7), memory, 0);
  for (let cut = 0; cut < end; cut++) assert.equal(isRecord(memory.bytes, 0, cut), false, `${cut}`);
  memory.bytes.fill(0x55, end, end + 9);
  assert.ok(isRecord(memory.bytes, 0, end + 9));
  assert.deepEqual(decodeLease(memory, 0), aLease(7));
});

test('no bytes at all make isRecord read beyond them or throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const record = isRecord(bytes, 0, bytes.length);
      if (record) decodeLease(memoryOf(Buffer.from(bytes)), 0);
    }),
    { numRuns: 2000 },
  );
});

test('an empty identifier is recorded as absent', () => {
  encodeLease(aLease(1, { clientId: new Uint8Array(0), hostname: '' }), memory, 0);
  const { clientId, hostname } = decodeLease(memory, 0);
  assert.deepEqual([clientId, hostname], [null, null]);
});

test('the layout is what files on disks have', () => {
  const end = encodeLease(aLease(0x010203), memory, 0);
  assert.deepEqual(
    memory.bytes.toString('hex', 0, end),
    [
      '000080aa6db77942', // starts
      '000080aa6db77942', // lastTransaction
      '0000681971b77942', // expires
      '0302010a', // address
      '100e0000', // leaseSeconds
      '0100000a', // serverIdentifier
      '0100000a', // giaddr
      '00000000', // epoch
      '00', // bound
      '00', // neither reserved nor bootp
      '0106020000010203', // hardware type, length, address
      '0701020000010203', // clientId
      '0a31302e302e302e302f38', // subnet
      '0e0104657468300206020000010203', // relayInformation
      '11776f726b73746174696f6e2d3636303531', // hostname
      '00', // no fqdn
      '084d53465420352e30', // vendorClass
      '00', // no userClass
      '00', // no architecture
      '0465746830', // interfaceName
    ].join(''),
  );
});
