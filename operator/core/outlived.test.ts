import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DhcpLeaseObject } from '../../crds/client/resources.ts';
import { outlived } from './outlived.ts';
import { bound } from './testworld.ts';

const NOW = Date.UTC(2026, 0, 31, 12);
const SERVERS = new Map([['dhcp/lab', true]]);

function ended(state: 'Expired' | 'Released', heard: string, spec: object = {}): DhcpLeaseObject {
  const lease = bound('192.0.2.100');
  return { ...lease, spec: { ...lease.spec, ...spec }, status: { state, lastTransaction: heard } };
}

const rows: [string, DhcpLeaseObject, boolean][] = [
  ['who holds an address keeps the object', bound('192.0.2.100'), false],
  [
    'a day after its client was heard last, what ended goes',
    ended('Expired', '2026-01-30T11:59:00Z'),
    true,
  ],
  [
    'before, its client may come back for the same address',
    ended('Released', '2026-01-30T12:01:00Z'),
    false,
  ],
  [
    'what a user wrote stays',
    ended('Expired', '2025-01-01T00:00:00Z', { intent: 'Reserve' }),
    false,
  ],
  ['a day is a day', ended('Expired', '2026-01-30T12:00:00Z'), false],
  ['released is as ended as expired', ended('Released', '2026-01-30T11:59:00Z'), true],
  [
    'what declined addresses keep out of use stays',
    {
      ...bound('192.0.2.100'),
      status: { state: 'Declined', lastTransaction: '2025-01-01T00:00:00Z' },
    },
    false,
  ],
  [
    'what is on its way out needs no second push',
    {
      ...ended('Expired', '2025-01-01T00:00:00Z'),
      metadata: { name: 'x', namespace: 'dhcp', deletionTimestamp: '2026-01-31T11:00:00Z' },
    },
    false,
  ],
  ['what was never heard of stays', ended('Expired', 'a while ago'), false],
  ['what a user pinned stays', ended('Expired', '2025-01-01T00:00:00Z', { pin: true }), false],
  [
    'without its server a binding goes',
    { ...bound('192.0.2.100'), metadata: { name: 'x', namespace: 'elsewhere' } },
    true,
  ],
];
for (const [name, lease, goes] of rows)
  test(name, () => assert.equal(outlived([lease], SERVERS, NOW).length, goes ? 1 : 0));

test('no more than 500 go at a time', () => {
  const old = Array.from({ length: 600 }, () => ended('Expired', '2025-01-01T00:00:00Z'));
  assert.equal(outlived(old, SERVERS, NOW).length, 500);
});
