import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Ipv4, parseIpv4 } from '../../../codec/ipv4.ts';
import type { Link } from '../../../codec/link/rtnetlink.ts';
import { type LinkAddress, matchesGlob, primaryAddress, relayLinks } from './links.ts';
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
  ['ab*bx', 'abx', false],
  ['ab*bx', 'abbx', true],
] as const) {
  test(`glob ${glob} ${want ? 'matches' : 'does not match'} "${name}"`, () => {
    assert.equal(matchesGlob(glob, name), want);
  });
}

test('a hostile glob takes no exponential time', () => {
  assert.equal(matchesGlob(`${'*a'.repeat(30)}b`, 'a'.repeat(64)), false);
});

const kernelLink = (index: number, kind: string, master: number | null): Link => ({
  index,
  name: `if${index}`,
  kind,
  master,
  up: true,
  running: true,
  broadcast: true,
  loopback: false,
  pointToPoint: false,
  hardwareType: 1,
  mtu: 1500,
  vrfTable: null,
  parentIndex: null,
  parentNamespace: null,
  hardwareAddress: Uint8Array.of(2, 0, 0, 0, 0, index),
  vlanId: null,
});

for (const [kind, enslaved] of [
  ['bridge', true],
  ['bond', true],
  ['team', true],
  ['vrf', false],
] as const) {
  test(`the traffic of a ${kind}'s member is seen on ${enslaved ? `the ${kind}` : 'the member'}`, () => {
    const links = [kernelLink(1, kind, null), kernelLink(2, 'veth', 1), kernelLink(3, '', null)];
    const found = relayLinks(links.map((link) => ({ ...link, addresses: [] })));
    assert.deepEqual(
      found.map((link) => link.enslaved),
      [false, enslaved, false],
    );
  });
}

test('addresses keep their order, and global ones reach beyond host and link', () => {
  const address = (local: string, scope: number, secondary: boolean) => ({
    ifindex: 1,
    local: ip(local),
    address: ip(local),
    prefixLength: 24,
    secondary,
    scope,
    broadcast: null,
    label: 'if1',
    permanent: true,
  });
  const addresses = [
    address('192.0.2.9', 0, false),
    address('192.0.2.1', 0, true),
    address('169.254.0.1', 253, false),
  ];
  const [link] = relayLinks([{ ...kernelLink(1, '', null), addresses }]);
  assert.deepEqual(link?.addresses, [
    { address: ip('192.0.2.9'), prefixLength: 24, secondary: false, global: true },
    { address: ip('192.0.2.1'), prefixLength: 24, secondary: true, global: true },
    { address: ip('169.254.0.1'), prefixLength: 24, secondary: false, global: false },
  ]);
});
