import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Ipv4, parseIpv4 } from '../../../codec/ipv4.ts';
import { type LinkAddress, matchesGlob, primaryAddress } from './links.ts';
import { linkOf } from './testing.ts';

const ip = (text: string): Ipv4 => parseIpv4(text)!;
const at = (text: string, prefixLength = 24, extra: Partial<LinkAddress> = {}): LinkAddress => ({
  address: ip(text),
  prefixLength,
  secondary: false,
  global: true,
  ...extra,
});

for (const { rule, addresses, want } of [
  { rule: 'the only address', addresses: [at('192.0.2.1')], want: '192.0.2.1' },
  {
    rule: 'the oldest of two subnets',
    addresses: [at('192.0.2.1'), at('198.51.100.1')],
    want: '192.0.2.1',
  },
  {
    rule: 'never a secondary one',
    addresses: [at('192.0.2.9', 24, { secondary: true }), at('192.0.2.1')],
    want: '192.0.2.1',
  },
  {
    rule: 'a floating /32 only when there is nothing else',
    addresses: [at('192.0.2.9', 32), at('192.0.2.1')],
    want: '192.0.2.1',
  },
  { rule: 'a /32 rather than none', addresses: [at('192.0.2.9', 32)], want: '192.0.2.9' },
  { rule: 'no link-local one', addresses: [at('169.254.1.1', 16, { global: false })], want: null },
]) {
  test(`primary address: ${rule}`, () => {
    const primary = primaryAddress(linkOf({ addresses }));
    assert.equal(primary?.address ?? null, want === null ? null : ip(want));
  });
}

for (const [glob, name, want] of [
  ['eth0', 'eth0', true],
  ['eth0', 'eth01', false],
  ['eth*', 'eth0', true],
  ['eth*', 'eth', true],
  ['*', 'anything', true],
  ['*', '', true],
  ['eth?', 'eth', false],
  ['eth?.30', 'eth1.30', true],
  ['*.30', 'eth1.30', true],
  ['*a*b', 'xaayb', true],
  ['*a*b', 'xaaybc', false],
  ['eth[01]', 'eth0', false],
] as const) {
  test(`glob ${glob} ${want ? 'matches' : 'does not match'} "${name}"`, () => {
    assert.equal(matchesGlob(glob, name), want);
  });
}

test('a hostile glob takes no exponential time', () => {
  assert.equal(matchesGlob(`${'*a'.repeat(30)}b`, 'a'.repeat(64)), false);
});
