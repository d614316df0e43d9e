import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Ipv4 } from '../ipv4.ts';
import { checksumOf, pseudoHeaderSum, sumOf, verifies } from './checksum.ts';

const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));

describe('checksum', () => {
  for (const [rule, hex, want] of [
    [
      'RFC 1071 §3 the worked example, 00 01 f2 03 f4 f5 f6 f7, sums to ddf2',
      '0001f203f4f5f6f7',
      0x220d,
    ],
    ['RFC 1071 §1 (2) an odd last octet counts as the high half of a word', '0001f2', 0x0dfe],
    ['nothing sums to nothing', '', 0xffff],
    ['all ones are minus zero', 'ffffffff', 0],
    ['a carry out of the carry is folded in again', 'ffffffff0001', 0xfffe],
  ] as const) {
    test(rule, () => {
      const bytes = bytesOf(hex);
      assert.equal(checksumOf(sumOf(bytes, 0, bytes.length, 0)), want);
    });
  }

  test('RFC 1071 §1 what holds its own checksum verifies, and not with a bit changed', () => {
    const header = bytesOf('4500003c1c4640004006b1e6ac100a63ac100a0c');
    assert.ok(verifies(header, 0, header.length));
    for (let bit = 0; bit < header.length * 8; bit++) {
      const changed = Uint8Array.from(header);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      assert.ok(!verifies(changed, 0, changed.length), `bit ${bit}`);
    }
  });

  test('the largest packet of all ones loses no carry', () => {
    const bytes = new Uint8Array(65535).fill(255);
    assert.equal(sumOf(bytes, 0, 65535, 0xffff), 32767 * 0xffff + 0xff00 + 0xffff);
  });

  test('property: it is the sum of 16-bit words, wherever the range begins and ends', () => {
    const range = fc.record({
      bytes: fc.uint8Array({ minLength: 1, maxLength: 80 }),
      offset: fc.nat(9),
      start: fc.nat(80),
      end: fc.nat(80),
    });
    fc.assert(
      fc.property(range, ({ bytes, offset, start, end }) => {
        // A view into a larger buffer, as Buffers are: its own offset must count.
        const whole = new Uint8Array(offset + bytes.length + 7).fill(0xa5);
        whole.set(bytes, offset);
        const inner = whole.subarray(offset, offset + bytes.length);
        const to = Math.min(end, bytes.length);
        const from = Math.min(start, to);
        let plain = 5;
        for (let at = from; at < to; at++) plain += bytes[at]! * ((at - from) % 2 === 0 ? 256 : 1);
        assert.equal(sumOf(inner, from, to, 5), plain);
      }),
    );
  });

  test('property: bytes of two buffers in turn are not confused', () => {
    const [one, two] = [Uint8Array.of(1, 2), Uint8Array.of(3, 4)];
    for (let turn = 0; turn < 3; turn++) {
      assert.equal(sumOf(one, 0, 2, 0), 0x0102);
      assert.equal(sumOf(two, 0, 2, 0), 0x0304);
    }
  });

  test('property: RFC 768 the pseudo header from numbers is the one from octets', () => {
    const u32 = fc.nat(0xffffffff);
    fc.assert(
      fc.property(u32, u32, fc.nat(255), fc.nat(65535), (source, destination, protocol, length) => {
        const octets = Buffer.alloc(12);
        octets.writeUInt32BE(source, 0);
        octets.writeUInt32BE(destination, 4);
        octets[9] = protocol;
        octets.writeUInt16BE(length, 10);
        const sum = pseudoHeaderSum(source as Ipv4, destination as Ipv4, protocol, length);
        assert.equal(sum, sumOf(octets, 0, 12, 0));
      }),
    );
  });
});
