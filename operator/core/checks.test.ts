import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DhcpServerObject } from '../../crds/client/resources.ts';
import { compile } from '../../crds/compile.ts';
import { documentOf } from '../../crds/document.ts';
import type { ServerConfig } from '../../crds/types/serverconfig.ts';
import { type Claimant, checkOverlap, checkStranding } from './checks.ts';
import { bound, server } from './testworld.ts';

function configOf({ apiVersion, kind, metadata, spec }: DhcpServerObject): ServerConfig {
  const { name, namespace = '' } = metadata;
  const document = documentOf({ apiVersion, kind, metadata: { name, namespace }, spec });
  const [config] = compile([document], { kubernetes: true }).config.servers;
  return config ?? assert.fail();
}

const claimant = (object: DhcpServerObject, inForce: readonly string[] = []): Claimant => ({
  object,
  inForce,
});

const subnet = (more: object): object => ({ subnets: [{ cidr: '192.0.2.0/24', ...more }] });
const BEFORE = configOf(server());
const EDGES = ['192.0.2.100', '192.0.2.199'];

// [the edit, who holds what, whether somebody is cut off]
for (const [edit, spec, held, cutOff] of [
  ['nothing', {}, EDGES, false],
  [
    'a pool that is smaller by its first',
    subnet({ pools: [{ start: '192.0.2.101', end: '192.0.2.199' }] }),
    EDGES,
    true,
  ],
  [
    'a pool that is smaller by its last',
    subnet({ pools: [{ start: '192.0.2.100', end: '192.0.2.198' }] }),
    EDGES,
    true,
  ],
  [
    'a pool that nobody has anything of',
    subnet({ pools: [{ start: '192.0.2.150', end: '192.0.2.199' }] }),
    ['192.0.2.150'],
    false,
  ],
  [
    'a reservation of what was taken out of the pool',
    subnet({
      pools: [{ start: '192.0.2.101', end: '192.0.2.199' }],
      reservations: [{ address: '192.0.2.100', hardwareAddress: '02:00:00:00:00:01' }],
    }),
    EDGES,
    false,
  ],
  [
    'what was never given',
    subnet({ pools: [{ start: '192.0.2.101', end: '192.0.2.199' }] }),
    ['192.0.2.9'],
    false,
  ],
] as const) {
  test(`${edit}: ${cutOff ? 'cuts somebody off' : 'cuts nobody off'}`, () => {
    const after = configOf(server(spec));
    const found = checkStranding({}, BEFORE, after, held.map(bound));
    assert.equal(found?.reason ?? null, cutOff ? 'WouldStrand' : null);
  });
}

const NONE_LEFT = configOf(server(subnet({ pools: [] })));

// [how many hold leases, how they are named]
for (const [count, want] of [
  [1, /^cuts off 1 that hold leases: 192\.0\.2\.100 \(door\); keep/],
  [
    3,
    /^cuts off 3 .*: 192\.0\.2\.100 \(door\), 192\.0\.2\.101 \(door\), 192\.0\.2\.102 \(door\); /,
  ],
  [5, /^cuts off 5 .*, 192\.0\.2\.102 \(door\) and 2 more; /],
] as const) {
  test(`three of ${count} that would be cut off are named`, () => {
    const held = Array.from({ length: count }, (_, i) => bound(`192.0.2.${100 + i}`));
    assert.match(checkStranding({}, BEFORE, NONE_LEFT, held)?.message ?? '', want);
  });
}

test('who has no name is named by its hardware address; who holds nothing is not counted', () => {
  const lease = bound('192.0.2.100');
  const nameless = { ...lease, status: { state: 'Bound' } } as const;
  const ended = { ...lease, status: { state: 'Expired' } } as const;
  const found = checkStranding({}, BEFORE, NONE_LEFT, [nameless, ended]);
  assert.match(found?.message ?? '', /^cuts off 1 .*192\.0\.2\.100 \(02:00:00:00:00:01\);/);
  assert.equal(checkStranding({}, BEFORE, NONE_LEFT, [ended]), null);
});

// [what the subnet 192.0.2.0/24 meets, whether that is an overlap]
for (const [cidr, overlaps] of [
  ['192.0.2.0/24', true],
  ['192.0.0.0/16', true],
  ['192.0.2.128/25', true],
  ['192.0.3.0/24', false],
  ['fd00::/64', false],
  ['nonsense', false],
] as const) {
  test(`192.0.2.0/24 ${overlaps ? 'overlaps' : 'lies apart from'} ${cidr}`, () => {
    const found = checkOverlap(claimant(server()), [], [{ cidr, by: 'for Services' }]);
    assert.equal(found?.reason ?? null, overlaps ? 'Overlap' : null);
  });
}

test('what lies apart does not hide what overlaps after it', () => {
  const taken = ['203.0.113.0/24', '192.0.2.0/25'].map((cidr) => ({ cidr, by: 'for Services' }));
  assert.match(
    checkOverlap(claimant(server()), [], taken)?.message ?? '',
    /overlaps 192\.0\.2\.0\/25/,
  );
});

test('of two servers made in the same second the one that comes first by name is served', () => {
  const a = claimant(server({}, { name: 'a', uid: 'ua' }));
  const b = claimant(server({}, { name: 'b', uid: 'ub' }));
  assert.equal(checkOverlap(a, [a, b], []), null);
  assert.match(checkOverlap(b, [a, b], [])?.message ?? '', /in DhcpServer dhcp\/a/);
});

describe('of two servers that want a network', () => {
  const [HERE, HALF, AWAY] = ['192.0.2.0/24', '192.0.2.128/25', '198.51.100.0/24'] as const;
  const later = { name: 'new', uid: 'u9', creationTimestamp: '2027-01-01T00:00:00Z' };
  // [what is so, what the agents of the older one have, of the younger one, which is refused]
  for (const [name, old, young, refused] of [
    ['nobody has it: it is for the older', [], [], ['new']],
    ['the older has it: it is for the older', [HERE], [], ['new']],
    ['the younger has it: it is for the younger', [], [HERE], ['old']],
    ['the younger has it, and the older another: likewise', [AWAY], [HERE], ['old']],
    ['the younger has half of it: the older is refused', [], [HALF], ['old']],
    ['both have it, by whatever way: it is for the older', [HERE], [HERE], ['new']],
  ] as const) {
    test(name, () => {
      const both = [
        claimant(server({}, { name: 'old' }), old),
        claimant(server({}, later), young),
      ] as const;
      const found = both.filter((one) => checkOverlap(one, both, []) !== null);
      assert.deepEqual(
        found.map(({ object }) => object.metadata.name),
        refused,
      );
    });
  }

  test('who is about to leave it has it until its agents know', () => {
    const leaving = server({ subnets: [{ cidr: AWAY }] }, later);
    const old = claimant(server({}, { name: 'old' }));
    assert.equal(checkOverlap(old, [claimant(leaving, [HERE])], [])?.reason, 'Overlap');
    assert.equal(checkOverlap(old, [claimant(leaving, [AWAY])], []), null);
  });

  test('another edit of who has it does not lose it to who waits', () => {
    const young = claimant(server({ leaseTime: '2h' }, later), [HERE]);
    const old = claimant(server({}, { name: 'old' }));
    assert.equal(checkOverlap(young, [old, young], []), null);
    assert.equal(checkOverlap(old, [old, young], [])?.reason, 'Overlap');
  });
});
