import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Ipv4 } from '../../codec/ipv4.ts';
import type { DhcpLease, DhcpLeaseSpec, DhcpLeaseStatus } from '../../crds/types/dhcplease.ts';
import { PublishQueue, publication } from './publish.ts';

const A = 1 as Ipv4;
const B = 2 as Ipv4;

function lease(status: DhcpLeaseStatus | null, spec: Partial<DhcpLeaseSpec> = {}): DhcpLease {
  return {
    apiVersion: 'dhcp-operator.io/v1alpha1',
    kind: 'DhcpLease',
    metadata: { name: 'lab-192.0.2.1' },
    spec: {
      serverRef: { name: 'lab' },
      address: '192.0.2.1',
      hardwareAddress: '02:00:00:00:00:01',
      intent: 'Bind',
      ...spec,
    },
    ...(status === null ? {} : { status }),
  };
}

const BOUND: DhcpLeaseStatus = {
  state: 'Bound',
  lastTransaction: '2026-01-01T00:00:00Z',
  expires: '2026-01-01T01:00:00Z',
  relay: { giaddr: '192.0.2.254', circuitId: 'port1' },
};

describe('what becomes of the object of a lease', () => {
  const rows: [string, DhcpLease, DhcpLease | undefined, object][] = [
    ['a new binding gets one', lease(BOUND), undefined, { kind: 'create' }],
    ['a declined address gets one', lease({ state: 'Declined' }), undefined, { kind: 'create' }],
    ['what ended gets none', lease({ state: 'Expired' }), undefined, { kind: 'none' }],
    ['what is so already is left alone', lease(BOUND), lease(BOUND), { kind: 'none' }],
    [
      'keys may come in another order',
      lease(BOUND),
      lease({ ...BOUND, relay: { circuitId: 'port1', giaddr: '192.0.2.254' } }),
      { kind: 'none' },
    ],
    [
      'conditions are not the wire’s',
      lease(BOUND),
      lease({ ...BOUND, observedGeneration: 3 }),
      { kind: 'none' },
    ],
    [
      'a renewal that moves the end by a quarter of the lease or less is not told',
      lease({ ...BOUND, lastTransaction: '2026-01-01T00:15:00Z', expires: '2026-01-01T01:15:00Z' }),
      lease(BOUND),
      { kind: 'none' },
    ],
    [
      'one that moves it by more is',
      lease({ ...BOUND, lastTransaction: '2026-01-01T00:15:01Z', expires: '2026-01-01T01:15:01Z' }),
      lease(BOUND),
      { kind: 'update', spec: false },
    ],
    [
      'another state is told',
      lease({ ...BOUND, state: 'Released' }),
      lease(BOUND),
      { kind: 'update', spec: false },
    ],
    [
      'another client is told in the spec too',
      lease(BOUND, { hardwareAddress: '02:00:00:00:00:02' }),
      lease(BOUND),
      { kind: 'update', spec: true },
    ],
    [
      'what a user wants is never written over',
      lease(BOUND),
      lease(BOUND, { intent: 'Reserve', hardwareAddress: '02:00:00:00:00:02' }),
      { kind: 'none' },
    ],
    [
      'an object without status gets one',
      lease(BOUND),
      lease(null, { intent: 'Reserve' }),
      { kind: 'update', spec: false },
    ],
  ];
  for (const [name, wanted, current, expected] of rows) {
    test(name, () => assert.deepEqual(publication(wanted, current, 'All', false), expected));
  }

  test('leaseObjects: Reserved makes objects for reserved addresses only, None for none', () => {
    assert.deepEqual(publication(lease(BOUND), undefined, 'Reserved', false), { kind: 'none' });
    assert.deepEqual(publication(lease(BOUND), undefined, 'Reserved', true), { kind: 'create' });
    assert.deepEqual(publication(lease(BOUND), undefined, 'None', true), { kind: 'none' });
  });

  test('what leaseObjects does not ask for goes, unless a user wants something of it', () => {
    const wanted = lease(BOUND);
    const of = (which: 'Reserved' | 'None', reserved: boolean, spec: object = {}): string =>
      publication(wanted, lease(BOUND, spec), which, reserved).kind;
    assert.equal(of('Reserved', false), 'remove');
    assert.equal(of('Reserved', true), 'none');
    assert.equal(of('None', true), 'remove');
    assert.equal(of('None', false, { pin: true }), 'none');
    assert.equal(of('None', false, { revoke: true }), 'none');
    assert.equal(of('None', false, { intent: 'Reserve' }), 'none');
  });
});

describe('the queue of addresses to publish', () => {
  const BUDGET = { rate: 10, burst: 2 };

  test('changes of one address while it waits are one', () => {
    const queue = new PublishQueue(BUDGET);
    queue.changed(A);
    queue.changed(A);
    assert.equal(queue.take(0), A);
    assert.equal(queue.take(0), null);
    assert.equal(queue.size, 1);
    queue.done(A);
    assert.equal(queue.size, 0);
  });

  test('a change while it is being written makes it come again', () => {
    const queue = new PublishQueue(BUDGET);
    queue.changed(A);
    queue.take(0);
    queue.changed(A);
    assert.equal(queue.take(0), null);
    queue.done(A);
    assert.equal(queue.take(0), A);
  });

  test('the budget is kept: a burst, then so many requests a second', () => {
    const queue = new PublishQueue(BUDGET);
    queue.changed(A);
    queue.changed(B);
    assert.equal(queue.take(0), A);
    queue.spend(2);
    assert.equal(queue.take(0), null);
    assert.equal(queue.deadline(0), 100);
    assert.equal(queue.take(99), null);
    assert.equal(queue.take(100), B);
  });

  test('what fails comes again, later each time, until it succeeds', () => {
    const queue = new PublishQueue(BUDGET);
    queue.changed(A);
    const waits = [500, 1000, 2000, 4000];
    let now = 0;
    for (const wait of waits) {
      assert.equal(queue.take(now), A);
      queue.failed(now, A, null);
      assert.equal(queue.deadline(now), now + wait);
      assert.equal(queue.take(now + wait - 1), null);
      now += wait;
    }
    assert.equal(queue.take(now), A);
    queue.done(A);
    queue.changed(A);
    queue.take(now);
    queue.failed(now, A, null);
    assert.equal(queue.deadline(now), now + 500);
  });

  test('when the server wants a pause nobody is written', () => {
    const queue = new PublishQueue(BUDGET);
    queue.changed(A);
    queue.changed(B);
    queue.take(0);
    queue.failed(0, A, 3000);
    assert.equal(queue.take(2999), null);
    assert.equal(queue.deadline(0), 3000);
    assert.equal(queue.take(3000), B);
    assert.equal(queue.take(3000), A, 'it was not its fault, and so it is due with the others');
  });
});
