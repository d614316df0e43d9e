import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DhcpLeaseObject } from '../../crds/client/resources.ts';
import type { Condition } from '../../crds/types/common.ts';
import { isUnjudged, judge } from './intents.ts';
import { bound, lastGood, NOW, server } from './testworld.ts';

const SERVER = lastGood(server())!.document;
const MAC = '02:00:00:00:00:01';

function wish(
  name: string,
  spec: Partial<DhcpLeaseObject['spec']>,
  metadata: object = {},
): DhcpLeaseObject {
  return {
    apiVersion: 'dhcp-operator.io/v1alpha1',
    kind: 'DhcpLease',
    metadata: { name, namespace: 'dhcp', generation: 2, creationTimestamp: NOW, ...metadata },
    spec: { serverRef: { name: 'lab' }, address: '192.0.2.10', intent: 'Reserve', ...spec },
  };
}

function told(leases: readonly DhcpLeaseObject[], from: typeof SERVER | null = SERVER): string[] {
  return judge(leases, from, NOW).map(({ lease, conditions: [condition] }) => {
    const { status, reason, message } = condition!;
    return `${lease.metadata.name} ${status} ${reason}: ${message}`;
  });
}

describe('what is said of what users want of an address', () => {
  const rows: [string, DhcpLeaseObject, string][] = [
    [
      'a reservation outside the pools',
      wish('a', { hardwareAddress: MAC }),
      'a True Valid: the spec is in order',
    ],
    ['a quarantine', wish('a', { intent: 'Quarantine' }), 'a True Valid: the spec is in order'],
    ['a pin', wish('a', { intent: 'Bind', pin: true }), 'a True Valid: the spec is in order'],
    [
      'an address of no subnet',
      wish('a', { hardwareAddress: MAC, address: '198.51.100.1' }),
      'a False OutsideSubnets: spec.address: 198.51.100.1 is in no subnet of dhcp/lab: mend it, or add the subnet there',
    ],
    [
      'a contradiction that got past the schema',
      wish('a', { pin: true, revoke: true }),
      'a False Contradiction: spec.pin: keeps the address, and revoke or intent: Quarantine takes it away: drop one of them',
    ],
  ];
  for (const [name, lease, expected] of rows)
    test(name, () => assert.deepEqual(told([lease]), [expected]));

  test('there is no such server', () => {
    assert.deepEqual(told([wish('a', { hardwareAddress: MAC })], null), [
      'a False UnknownServer: spec.serverRef.name: there is no DhcpServer dhcp/lab; name one in the same namespace',
    ]);
  });

  test('of two for one address the older one has it, whatever they are called', () => {
    const older = wish(
      'z',
      { hardwareAddress: MAC },
      { creationTimestamp: '2026-01-31T11:00:00Z' },
    );
    const younger = wish('a', { hardwareAddress: '02:00:00:00:00:02' });
    assert.deepEqual(told([younger, older]), [
      'z True Valid: the spec is in order',
      "a False Duplicate: spec.address: 192.0.2.10 is DhcpLease/dhcp/z's already: delete one of the two",
    ]);
  });

  test('nothing of what a server wrote', () => {
    assert.deepEqual(told([bound('192.0.2.100')]), []);
    assert.equal(isUnjudged(bound('192.0.2.100')), false);
  });
});

test('the same is not said twice, and since when stays', () => {
  const lease = wish('a', { hardwareAddress: MAC });
  assert.equal(isUnjudged(lease), true);
  const [verdict] = judge([lease], SERVER, NOW);
  const judged = { ...lease, status: { conditions: verdict!.conditions } };
  assert.equal(isUnjudged(judged), false);
  assert.deepEqual(judge([judged], SERVER, '2026-02-01T00:00:00Z'), []);
  const edited = { ...judged, metadata: { ...judged.metadata, generation: 3 } };
  assert.equal(isUnjudged(edited), true);
  const [again] = judge([edited], SERVER, '2026-02-01T00:00:00Z');
  assert.equal(again?.conditions[0]?.lastTransitionTime, NOW);
  assert.equal(again?.conditions[0]?.observedGeneration, 3);
});

test('a refusal is an Event, a new one that is in order is none', () => {
  const good = wish('a', { hardwareAddress: MAC });
  const bad = wish('b', { hardwareAddress: MAC, address: '198.51.100.1' });
  const events = judge([good, bad], SERVER, NOW).flatMap((verdict) => verdict.events);
  assert.deepEqual(
    events.map(({ reason }) => reason),
    ['OutsideSubnets'],
  );
});

test('a binding that is pinned no more has nothing said of it', () => {
  const condition: Condition = {
    type: 'Accepted',
    status: 'True',
    reason: 'Valid',
    message: '',
    lastTransitionTime: NOW,
    observedGeneration: 1,
  };
  const lease = { ...bound('192.0.2.100'), status: { conditions: [condition] } };
  assert.equal(isUnjudged(lease), true);
  assert.deepEqual(judge([lease], SERVER, NOW), [{ lease, conditions: [], events: [] }]);
});
