import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  broadcastOf,
  contains,
  formatIpv4,
  formatPrefix,
  type Ipv4,
  LIMITED_BROADCAST,
  maskOf,
  networkOf,
  overlaps,
  parseIpv4,
  parsePrefix,
  readIpv4,
  UNSPECIFIED,
  writeIpv4,
} from './ipv4.ts';

const addresses = fc.integer({ min: 0, max: 0xffffffff }) as fc.Arbitrary<Ipv4>;
const lengths = fc.integer({ min: 0, max: 32 });

test('an address survives being text and being octets, and stays an unsigned number', () => {
  fc.assert(
    fc.property(addresses, (address) => {
      assert.equal(parseIpv4(formatIpv4(address)), address);
      const octets = new Uint8Array(6).fill(0xee);
      writeIpv4(octets, 1, address);
      assert.equal(readIpv4(octets, 1), address);
      assert.deepEqual([octets[0], octets[5]], [0xee, 0xee]);
      assert.equal([...octets.subarray(1, 5)].join('.'), formatIpv4(address));
    }),
  );
});

for (const text of [
  '',
  '1.2.3',
  '1.2.3.4.5',
  '1.2.3.256',
  '1.2.3.04',
  '01.2.3.4',
  '1.2.3.-4',
  '1.2.3.4 ',
  ' 1.2.3.4',
  '1.2.3.4\n',
  '0x1.2.3.4',
  '1.2.3.1000',
  '1..2.3',
  '16909060',
  '१.2.3.4',
]) {
  test(`${JSON.stringify(text)} is no address`, () => assert.equal(parseIpv4(text), null));
}

test('the first address and the last have names', () => {
  assert.equal(UNSPECIFIED, parseIpv4('0.0.0.0'));
  assert.equal(LIMITED_BROADCAST, parseIpv4('255.255.255.255'));
});

// [length, mask, network and last address of 203.0.113.201]
for (const [length, mask, network, last] of [
  [0, '0.0.0.0', '0.0.0.0', '255.255.255.255'],
  [1, '128.0.0.0', '128.0.0.0', '255.255.255.255'],
  [8, '255.0.0.0', '203.0.0.0', '203.255.255.255'],
  [23, '255.255.254.0', '203.0.112.0', '203.0.113.255'],
  [24, '255.255.255.0', '203.0.113.0', '203.0.113.255'],
  [25, '255.255.255.128', '203.0.113.128', '203.0.113.255'],
  [31, '255.255.255.254', '203.0.113.200', '203.0.113.201'],
  [32, '255.255.255.255', '203.0.113.201', '203.0.113.201'],
] as const) {
  test(`203.0.113.201/${length} is in ${network}, which ends with ${last}`, () => {
    const address = parseIpv4('203.0.113.201')!;
    assert.equal(formatIpv4(maskOf(length)), mask);
    assert.equal(formatIpv4(networkOf(address, length)), network);
    assert.equal(formatIpv4(broadcastOf({ address, length })), last);
  });
}

test('a network contains its addresses from the first to the last, and no other', () => {
  fc.assert(
    fc.property(addresses, lengths, addresses, (address, length, other) => {
      const first = networkOf(address, length);
      const last = broadcastOf({ address, length });
      assert.ok(first <= address && address <= last);
      assert.equal(last - first + 1, 2 ** (32 - length));
      const isInside = first <= other && other <= last;
      assert.equal(contains({ address, length }, other), isInside);
      assert.ok(contains({ address, length }, first) && contains({ address, length }, last));
    }),
  );
});

test('a prefix survives being text', () => {
  fc.assert(
    fc.property(addresses, lengths, (address, length) => {
      const prefix = { address: networkOf(address, length), length };
      assert.deepEqual(parsePrefix(formatPrefix(prefix)), prefix);
    }),
  );
});

for (const text of [
  '192.0.2.0',
  '192.0.2.0/',
  '192.0.2.0/33',
  '192.0.2.0/024',
  '192.0.2.0/-1',
  '192.0.2.1/24',
  '192.0.2/24',
  '192.0.2.0/24/24',
  '/24',
]) {
  test(`${text} is no network`, () => assert.equal(parsePrefix(text), null));
}

test('two networks overlap when one contains the other', () => {
  for (const [one, other, want] of [
    ['192.0.2.0/24', '192.0.2.128/25', true],
    ['192.0.2.0/25', '192.0.2.128/25', false],
    ['0.0.0.0/0', '203.0.113.7/32', true],
    ['192.0.2.0/24', '192.0.2.0/24', true],
    ['192.0.2.0/24', '192.0.3.0/24', false],
  ] as const) {
    const [a, b] = [parsePrefix(one)!, parsePrefix(other)!];
    assert.deepEqual([overlaps(a, b), overlaps(b, a)], [want, want], `${one} and ${other}`);
  }
});
