import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseHardwareAddress, unhex } from '../../../codec/hardware.ts';
import { parseIpv4 } from '../../../codec/ipv4.ts';
import type { Millis, WallMillis } from '../../../codec/machine.ts';
import { utf8 } from '../../../codec/v4/kind.ts';
import type { DhcpLease } from '../../../crds/types/dhcplease.ts';
import type { Lease } from '../lease.ts';
import { isLater, leaseFromObject } from './adopt.ts';
import { type LeaseOwner, leaseObject } from './object.ts';

/** The lease clock of who wrote was ahead of the wall by this, that of who reads is behind. */
const AHEAD = 500_000;
const WALL = 1_800_000_000_000;
const OWNER: LeaseOwner = {
  server: 'dhcp/campus',
  node: 'n1',
  epoch: 7,
  terms: null,
  wallAt: (time) => (time - AHEAD) as WallMillis,
};
const CLOCK = { leaseAt: (wall: WallMillis): Millis => wall - 1000 };
const LEASE: Lease = {
  address: parseIpv4('192.0.2.12')!,
  state: 'bound',
  hardwareType: 1,
  hardwareAddress: parseHardwareAddress('02:00:00:00:00:0c')!,
  clientId: unhex('0102000000000c')!,
  subnet: '192.0.2.0/24',
  starts: WALL + AHEAD - 3_600_000,
  lastTransaction: WALL + AHEAD,
  expires: WALL + AHEAD + 1_000_000,
  leaseSeconds: 1000,
  serverIdentifier: parseIpv4('192.0.2.1')!,
  giaddr: parseIpv4('192.0.2.254')!,
  relayInformation: unhex('0104657468300206020000000001970400767266')!,
  interfaceName: 'eth1',
  hostname: 'door',
  fqdn: 'door.example',
  vendorClass: utf8('PXEClient'),
  userClass: utf8('iPXE'),
  architecture: Uint8Array.of(0, 7),
  epoch: 7,
  reserved: false,
  bootp: false,
};

function told(lease: Lease): Lease | null {
  return leaseFromObject(leaseObject(lease, OWNER), CLOCK);
}

test('what a server tells of a lease is what another learns of it, on its own clock', () => {
  assert.deepEqual(told(LEASE), {
    ...LEASE,
    starts: WALL - 3_601_000,
    lastTransaction: WALL - 1000,
    // A quarter more: a renewal that moves the end by less is not told.
    expires: WALL + 999_000 + 250_000,
  });
});

test('a lease without end has none', () => {
  const lease = told({ ...LEASE, expires: Number.POSITIVE_INFINITY, leaseSeconds: 0xffffffff });
  assert.equal(lease?.expires, Number.POSITIVE_INFINITY);
  assert.equal(lease?.leaseSeconds, 0xffffffff);
});

test('octets that are no text, and architectures without a name, survive', () => {
  const odd = { vendorClass: unhex('00ff10')!, architecture: Uint8Array.of(0x12, 0x34) };
  const lease = told({ ...LEASE, ...odd });
  assert.deepEqual(lease?.vendorClass, odd.vendorClass);
  assert.deepEqual(lease?.architecture, odd.architecture);
});

test('a relay that said little said that little', () => {
  for (const [field, relayInformation] of [
    ['circuitId', '010465746830'],
    ['remoteId', '020602000000000a'],
    ['vrf', '970400726564'],
    ['nothing', null],
  ] as const) {
    const octets = relayInformation === null ? null : unhex(relayInformation)!;
    assert.deepEqual(told({ ...LEASE, relayInformation: octets })?.relayInformation, octets, field);
  }
});

// [what an object says of the architecture, the octets of option 93]
for (const [name, want] of [
  ['x64-uefi', [0, 7]],
  ['0', [0, 0]],
  ['65535', [255, 255]],
  ['65536', null],
  ['-1', null],
  ['7.5', null],
  ['toaster', null],
] as const) {
  test(`architecture ${name} is ${want === null ? 'none' : want.join('.')}`, () => {
    const object = leaseObject(LEASE, OWNER);
    const status = { ...object.status, architecture: name };
    const lease = leaseFromObject({ ...object, status }, CLOCK);
    assert.deepEqual(lease?.architecture, want === null ? null : Uint8Array.from(want));
  });
}

test('what has ended is remembered for its client', () => {
  for (const state of ['released', 'expired'] as const) {
    const lease = told({ ...LEASE, state });
    assert.equal(lease?.state, state);
    assert.deepEqual(lease.hardwareAddress, LEASE.hardwareAddress);
  }
});

test('an object that tells of no lease gives none', () => {
  const object = leaseObject(LEASE, OWNER);
  const without = (status: object | undefined): DhcpLease => {
    const { status: _, ...rest } = object;
    return status === undefined ? rest : { ...rest, status };
  };
  assert.equal(leaseFromObject(without(undefined), CLOCK), null);
  for (const change of [
    { state: 'Reserved' },
    { state: 'Quarantined' },
    { address: 'no address' },
    { lastTransaction: undefined },
    { lastTransaction: 'yesterday' },
    { expires: 'soon' },
    { hardwareAddress: undefined, clientId: undefined },
  ]) {
    assert.equal(leaseFromObject(without({ ...object.status, ...change }), CLOCK), null);
  }
});

test('the higher epoch knows better; within one, who heard the client last', () => {
  assert.equal(isLater(LEASE, undefined), true);
  assert.equal(isLater(LEASE, LEASE), false);
  assert.equal(isLater({ ...LEASE, lastTransaction: LEASE.lastTransaction + 1 }, LEASE), true);
  assert.equal(isLater({ ...LEASE, epoch: 8, lastTransaction: 0 }, LEASE), true);
  assert.equal(isLater({ ...LEASE, epoch: 6, lastTransaction: WALL * 2 }, LEASE), false);
});
