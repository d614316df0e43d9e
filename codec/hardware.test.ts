import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatHardwareAddress, hex, parseHardwareAddress, unhex } from './hardware.ts';

test('octets survive being hex, with colons, with dashes and with neither', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (octets) => {
      assert.equal(hex(octets), Buffer.from(octets).toString('hex'));
      assert.deepEqual(unhex(hex(octets)), octets);
      const colons = formatHardwareAddress(octets);
      assert.deepEqual(unhex(colons), octets);
      assert.deepEqual(unhex(colons.toUpperCase().replaceAll(':', '-')), octets);
      const fits = octets.length >= 1 && octets.length <= 16;
      assert.deepEqual(parseHardwareAddress(colons), fits ? octets : null);
    }),
  );
});

for (const text of ['0', '012', '01:', ':01', '01::02', '01 02', '0x01', 'zz', '01:0', '01\n']) {
  test(`${JSON.stringify(text)} is no hex of whole octets`, () => assert.equal(unhex(text), null));
}

for (const text of [
  '',
  '020000000001',
  '02:00:00:00:00:1',
  '02.00.00.00.00.01',
  '02:00:00:00:00:01:',
  Array(17).fill('02').join(':'),
]) {
  test(`"${text}" is no hardware address`, () => assert.equal(parseHardwareAddress(text), null));
}
