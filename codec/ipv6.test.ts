import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { hex } from './hardware.ts';
import { formatIpv6, parseIpv6 } from './ipv6.ts';

describe('parse', () => {
  for (const [text, want] of [
    ['::', '00000000000000000000000000000000'],
    ['::1', '00000000000000000000000000000001'],
    ['1::', '00010000000000000000000000000000'],
    ['2001:DB8::a:1', '20010db80000000000000000000a0001'],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
    ['1:2:3:4:5:6:7::', '00010002000300040005000600070000'],
    ['::ffff:192.0.2.1', '00000000000000000000ffffc0000201'],
    ['', null],
    [':', null],
    [':::', null],
    ['1::2::3', null],
    ['1:2:3:4:5:6:7', null],
    ['1:2:3:4:5:6:7:8:9', null],
    ['1:2:3:4:5:6:7:8::', null],
    ['12345::', null],
    ['::g', null],
    ['::1%eth0', null],
    ['::192.0.2.256', null],
    ['192.0.2.1', null],
  ] as const) {
    test(`'${text}' is ${want ?? 'none'}`, () => {
      const bytes = parseIpv6(text);
      assert.equal(bytes && hex(bytes), want);
    });
  }
});

describe('format', () => {
  for (const [rule, text] of [
    ['RFC 5952 §4.1: no leading zeros', '2001:db8:1:2:3:4:5:6'],
    ['RFC 5952 §4.2.2: one zero is not shortened', '2001:db8:0:1:1:1:1:1'],
    ['RFC 5952 §4.2.3: the first of two equal runs', '2001:db8::1:0:0:1'],
    ['RFC 5952 §4.2.3: the longest run', '2001:0:0:1::1'],
    ['a run at the end', 'fe80::'],
    ['a run at the start', '::1'],
    ['nothing but zeros', '::'],
  ] as const) {
    test(rule, () => assert.equal(formatIpv6(parseIpv6(text)!), text));
  }

  test('parse undoes format', () => {
    const groups = fc.array(fc.constantFrom(0, 0, 1, 0xabcd), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(groups, (values) => {
        const bytes = Uint8Array.from(values.flatMap((value) => [value >>> 8, value & 0xff]));
        assert.deepEqual(parseIpv6(formatIpv6(bytes)), bytes);
      }),
    );
  });
});
