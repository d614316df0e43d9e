import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseHardwareAddress, unhex } from '../../../codec/hardware.ts';
import { parseIpv4 } from '../../../codec/ipv4.ts';
import type { WallMillis } from '../../../codec/machine.ts';
import { utf8 } from '../../../codec/v4/kind.ts';
import { compile } from '../../../crds/compile.ts';
import { documentOf } from '../../../crds/document.ts';
import type { DhcpLeaseSpec } from '../../../crds/types/dhcplease.ts';
import type { IntentConfig } from '../../../crds/types/serverconfig.ts';
import { validateSpec } from '../../../crds/validate.ts';
import type { Lease } from '../lease.ts';
import { configOf } from '../server/testbed.ts';
import { intentObject, type LeaseOwner, leaseObject, leaseTerms } from './object.ts';

/** Noon of 2026-01-31 on the wall is this on the lease clock. */
const NOON = 1_000_000;
const WALL = Date.parse('2026-01-31T12:00:00Z');
const OWNER: LeaseOwner = {
  server: 'dhcp/campus',
  node: 'n1',
  epoch: 7,
  terms: leaseTerms(configOf({ renewalPercent: 50, rebindingPercent: 80 })),
  wallAt: (time) => (time - NOON + WALL) as WallMillis,
};
const ADDRESS = parseIpv4('192.0.2.12')!;
const MAC = parseHardwareAddress('02:00:00:00:00:0c')!;
const LEASE: Lease = {
  address: ADDRESS,
  state: 'bound',
  hardwareType: 1,
  hardwareAddress: MAC,
  clientId: unhex('0102000000000c')!,
  subnet: '192.0.2.0/24',
  starts: NOON - 3_600_000,
  lastTransaction: NOON,
  expires: NOON + 1_000_000,
  leaseSeconds: 1000,
  serverIdentifier: parseIpv4('192.0.2.1')!,
  giaddr: parseIpv4('192.0.2.254')!,
  relayInformation: unhex('0104657468300206020000000001970400767266')!,
  interfaceName: 'eth1',
  hostname: 'door',
  fqdn: 'door.example',
  vendorClass: utf8('PXEClient'),
  userClass: Uint8Array.of(4, ...utf8('iPXE')),
  architecture: Uint8Array.of(0, 7, 0, 16),
  epoch: 6,
  reserved: false,
  bootp: false,
};

test('a lease is a DhcpLease with all that is known of it', () => {
  assert.deepEqual(leaseObject(LEASE, OWNER), {
    apiVersion: 'dhcp-operator.io/v1alpha1',
    kind: 'DhcpLease',
    metadata: { name: 'campus-192.0.2.12', namespace: 'dhcp' },
    spec: {
      serverRef: { name: 'campus' },
      address: '192.0.2.12',
      hardwareAddress: '02:00:00:00:00:0c',
      intent: 'Bind',
    },
    status: {
      state: 'Bound',
      address: '192.0.2.12',
      prefixLength: 24,
      subnet: '192.0.2.0/24',
      hardwareType: 1,
      hardwareAddress: '02:00:00:00:00:0c',
      clientId: '0102000000000c',
      hostname: 'door',
      fqdn: 'door.example',
      vendorClass: 'PXEClient',
      userClass: 'iPXE',
      architecture: 'x64-uefi',
      starts: '2026-01-31T11:00:00Z',
      lastTransaction: '2026-01-31T12:00:00Z',
      expires: '2026-01-31T12:16:40Z',
      renews: '2026-01-31T12:08:20Z',
      rebinds: '2026-01-31T12:13:20Z',
      relay: {
        giaddr: '192.0.2.254',
        circuitId: 'eth0',
        remoteId: '0x020000000001',
        vrf: 'vrf',
      },
      interface: 'eth1',
      serverIdentifier: '192.0.2.1',
      node: 'n1',
      epoch: 7,
    },
  });
});

const CLEAR = { terms: null, epoch: 0 } as const;

for (const [name, lease, owner, want] of [
  ['without end', { expires: Infinity, leaseSeconds: 0xffffffff }, {}, { expires: undefined }],
  ['without end: nothing to renew', { expires: Infinity }, {}, { renews: undefined }],
  ['released: no end', { state: 'released' }, {}, { state: 'Released', expires: undefined }],
  ['expired: no end', { state: 'expired' }, {}, { state: 'Expired', expires: undefined }],
  ['declined: ends, but is not renewed', { state: 'declined' }, {}, { renews: undefined }],
  ['of a configuration not known', {}, CLEAR, { prefixLength: undefined, renews: undefined }],
  ['of the only server: no epoch', {}, CLEAR, { epoch: undefined }],
  ['on the link: no relay', { giaddr: 0, relayInformation: null }, {}, { relay: undefined }],
  [
    'by a conflict: no client',
    { hardwareAddress: new Uint8Array() },
    {},
    { hardwareType: undefined },
  ],
  ['octets that are no text', { vendorClass: Uint8Array.of(1, 2) }, {}, { vendorClass: '0x0102' }],
  ['an iPXE that does not count', { userClass: utf8('iPXE') }, {}, { userClass: 'iPXE' }],
  [
    'an architecture nobody registered',
    { architecture: Uint8Array.of(9, 9) },
    {},
    { architecture: '2313' },
  ],
] as const) {
  test(`status ${name}`, () => {
    const { status } = leaseObject({ ...LEASE, ...lease } as Lease, { ...OWNER, ...owner });
    for (const [field, value] of Object.entries(want)) {
      assert.equal(status?.[field as keyof typeof status], value, field);
    }
  });
}

const RESERVE: IntentConfig = {
  kind: 'Reserve',
  address: ADDRESS,
  match: { kind: 'hardwareAddress', octets: MAC },
  hostname: 'door',
  source: 'mine',
};
const OTHERS: IntentConfig = {
  ...RESERVE,
  match: { kind: 'hardwareAddress', octets: Uint8Array.of(2, 0, 0, 0, 0, 1) },
};
const BY_ID: IntentConfig = {
  ...RESERVE,
  match: { kind: 'clientId', octets: LEASE.clientId!, orTyped: false },
};
const QUARANTINE: IntentConfig = {
  kind: 'Quarantine',
  address: ADDRESS,
  until: (WALL + 60_000) as WallMillis,
  source: 'mine',
};
const FOR_EVER: IntentConfig = { ...QUARANTINE, until: Infinity as WallMillis };
const PIN: IntentConfig = { kind: 'Pin', address: ADDRESS, source: 'mine' };

for (const [name, intent, lease, state, expires] of [
  ['a reservation waits for its client', RESERVE, null, 'Reserved', undefined],
  ['a reservation that is taken up is a lease', RESERVE, LEASE, 'Bound', '2026-01-31T12:16:40Z'],
  ['a client that left its reservation', RESERVE, { ...LEASE, state: 'expired' }, 'Expired'],
  ['a reservation of what another left', OTHERS, { ...LEASE, state: 'expired' }, 'Reserved'],
  ['a reservation of what another holds', OTHERS, LEASE, 'Bound'],
  [
    'a client that left its reservation by identifier',
    BY_ID,
    { ...LEASE, state: 'released' },
    'Released',
  ],
  ['a quarantine', QUARANTINE, null, 'Quarantined', '2026-01-31T12:01:00Z'],
  ['a quarantine for ever', FOR_EVER, null, 'Quarantined', undefined],
  [
    'a quarantine of what somebody left',
    QUARANTINE,
    { ...LEASE, state: 'released' },
    'Quarantined',
  ],
  ['a quarantine of what somebody still holds', QUARANTINE, LEASE, 'Bound'],
  ['a quarantine that is over', { ...QUARANTINE, until: WALL }, null, undefined],
  ['a pin of nobody', PIN, null, undefined],
] as const) {
  test(`state of ${name}`, () => {
    const { metadata, status } = intentObject([intent as IntentConfig], lease, OWNER, NOON);
    assert.equal(metadata.name, 'mine');
    assert.equal(status?.state, state);
    if (expires !== undefined) assert.equal(status?.expires, expires);
  });
}

for (const spec of [
  { hardwareAddress: '02:00:00:00:00:0c', hostname: 'door', intent: 'Reserve' },
  { clientId: { text: 'door' }, intent: 'Reserve' },
  { clientId: { hex: '0102' }, intent: 'Reserve' },
  { circuitId: { text: 'port 7' }, intent: 'Reserve' },
  { remoteId: { hex: '0200' }, intent: 'Reserve' },
  { intent: 'Quarantine' },
  { intent: 'Quarantine', quarantineUntil: '2030-01-01T00:00:00Z' },
  { intent: 'Quarantine', revoke: true },
  { intent: 'Bind', pin: true },
  { intent: 'Bind', revoke: true, hardwareAddress: '02:00:00:00:00:0c' },
] satisfies Partial<DhcpLeaseSpec>[]) {
  test(`an object says again what was compiled of it: ${JSON.stringify(spec)}`, () => {
    const whole = { serverRef: { name: 'test' }, address: '192.0.2.12', ...spec };
    const server = {
      subnets: [{ cidr: '192.0.2.0/24', pools: [{ cidr: '192.0.2.128/25' }] }],
    };
    const object = (kind: string, name: string, spec: object) =>
      documentOf({ apiVersion: 'dhcp-operator.io/v1alpha1', kind, metadata: { name }, spec });
    const documents = [object('DhcpServer', 'test', server), object('DhcpLease', 'mine', whole)];
    const { config, problems } = compile(documents, { kubernetes: false });
    assert.deepEqual(problems, []);
    const [first, ...others] = config.servers[0]!.intents;
    const back = intentObject([first!, ...others], LEASE, { ...OWNER, server: 'test' }, NOON);
    assert.deepEqual(back.spec, whole);
    assert.deepEqual(validateSpec('DhcpLease', back.spec), []);
  });
}
