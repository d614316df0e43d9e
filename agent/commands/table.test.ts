import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WallMillis } from '../../codec/machine.ts';
import type { DhcpLease, DhcpLeaseStatus } from '../../crds/types/dhcplease.ts';
import { humanDuration, LeaseTableText } from './table.ts';

const NOW = Date.parse('2026-01-31T12:00:00Z') as WallMillis;
const S = 1000;
const M = 60 * S;
const H = 60 * M;
const D = 24 * H;

// As kubectl prints ages.
for (const [duration, want] of [
  [-5 * S, '0s'],
  [0, '0s'],
  [119 * S, '119s'],
  [120 * S, '2m'],
  [125 * S, '2m5s'],
  [10 * M, '10m'],
  [179 * M, '179m'],
  [3 * H, '3h'],
  [8 * H - S, '7h59m'],
  [8 * H, '8h'],
  [47 * H, '47h'],
  [2 * D, '2d'],
  [50 * H, '2d2h'],
  [8 * D, '8d'],
  [729 * D, '729d'],
  [731 * D, '2y1d'],
  [3000 * D, '8y'],
] as const) {
  test(`${duration / S} s are ${want}`, () => {
    assert.equal(humanDuration(duration), want);
  });
}

function lease(status?: DhcpLeaseStatus, spec: Partial<DhcpLease['spec']> = {}): DhcpLease {
  return {
    apiVersion: 'dhcp-operator.io/v1alpha1',
    kind: 'DhcpLease',
    metadata: { name: 'lab-192.0.2.7' },
    spec: { serverRef: { name: 'lab' }, address: '192.0.2.7', intent: 'Bind', ...spec },
    ...(status === undefined ? {} : { status }),
  };
}

const BOUND: DhcpLeaseStatus = {
  state: 'Bound',
  hardwareAddress: '02:00:00:00:00:0a',
  hostname: 'pc',
  clientId: '01020000',
  subnet: '192.0.2.0/24',
  vendorClass: 'MSFT 5.0',
  interface: 'eth0',
  expires: '2026-01-31T19:59:59Z',
  lastTransaction: '2026-01-31T11:58:00Z',
  relay: { giaddr: '198.51.100.1' },
};

test('a table is what kubectl would print', () => {
  const table = new LeaseTableText(false);
  const rows = table.rows([lease(BOUND), lease()], NOW);
  assert.deepEqual(
    [table.head(), ...rows],
    [
      'IP          MAC                 HOSTNAME   STATE    EXPIRES   SERVER   RELAY',
      '192.0.2.7   02:00:00:00:00:0a   pc         Bound    7h59m     lab      198.51.100.1',
      '192.0.2.7   <none>              <none>     <none>   <none>    lab      <none>',
    ],
  );
});

test('a wide one says more', () => {
  const table = new LeaseTableText(true);
  const [row] = table.rows([lease(BOUND)], NOW);
  assert.match(
    table.head(),
    /RELAY +CLIENT-ID +SUBNET +VENDOR-CLASS +INTERFACE +LAST-SEEN +INTENT$/,
  );
  assert.match(row!, / 01020000 +192\.0\.2\.0\/24 +MSFT 5\.0 +eth0 +2m +Bind$/);
});

test('rows that come later stand under the head', () => {
  const table = new LeaseTableText(false);
  table.makeRoom();
  const [first] = table.rows([lease()], NOW);
  const [second] = table.rows([lease(BOUND)], NOW);
  for (const row of [first, second])
    assert.equal(row!.indexOf('lab'), table.head().indexOf('SERVER'));
});

for (const [state, want] of [
  ['Bound', 'never'],
  ['Quarantined', 'never'],
  ['Released', '<none>'],
  ['Reserved', '<none>'],
] as const) {
  test(`what is ${state} without an end expires ${want}`, () => {
    const [row] = new LeaseTableText(false).rows([lease({ state })], NOW);
    assert.match(row!, new RegExp(`${state} +${want} `));
  });
}

test('a client cannot break the line or turn it around by its name', () => {
  const hostname = 'a\nb\u001b[2Jc\u202ed\u2028e';
  const [row] = new LeaseTableText(false).rows([lease({ ...BOUND, hostname })], NOW);
  assert.match(row!, / a\?b\?\[2Jc\?d\?e /);
});
