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
  ['what a user pinned stays', ended('Expired', '2025-01-01T00:00:00Z', { pin: true }), false],
  [
    'without its server a binding goes',
    { ...bound('192.0.2.100'), metadata: { name: 'x', namespace: 'elsewhere' } },
    true,
  ],
];
for (const [name, lease, goes] of rows)
  test(name, () => assert.equal(outlived([lease], SERVERS, NOW).length, goes ? 1 : 0));
