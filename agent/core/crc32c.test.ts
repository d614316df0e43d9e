import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32c } from './crc32c.ts';

/** RFC 3720 appendix B.4, the vectors of iSCSI. */
for (const [name, bytes, want] of [
  ['32 octets of zero', new Uint8Array(32), 0x8a9136aa],
  ['32 octets of ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
  ['0 to 31', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
  ['31 to 0', Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
  ['123456789', Uint8Array.from('123456789', (d) => d.charCodeAt(0)), 0xe3069283],
] as const) {
  test(`CRC-32C of ${name}`, () => {
    assert.equal(crc32c(bytes, 0, bytes.length, 0), want);
    const inside = Uint8Array.of(1, 2, 3, ...bytes, 4);
    assert.equal(crc32c(inside, 3, 3 + bytes.length, 0), want, 'anywhere in memory');
  });
}

test('a checksum goes on where another ended, and depends on its seed', () => {
  const bytes = Uint8Array.from({ length: 99 }, (_, i) => i);
  const whole = crc32c(bytes, 0, 99, 7);
  for (let cut = 0; cut <= 99; cut++) {
    assert.equal(crc32c(bytes, cut, 99, crc32c(bytes, 0, cut, 7)), whole);
  }
  assert.notEqual(whole, crc32c(bytes, 0, 99, 8));
});
