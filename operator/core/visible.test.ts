import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HASH_KEY } from '../../crds/assignment.ts';
import type { KubeObject } from '../../crds/client/kube.ts';
import { server } from './testworld.ts';
import { visible } from './visible.ts';

function object(kind: string, more: object): KubeObject {
  return {
    apiVersion: 'v1',
    kind,
    metadata: { name: 'x', uid: 'u1', resourceVersion: '1' },
    ...more,
  };
}

const slice = (address: string, ready: boolean): object => ({
  endpoints: [{ addresses: [address], conditions: { ready, serving: ready } }],
});

// [what has happened, kind, before, after, whether others look again]
for (const [what, kind, before, after, matters] of [
  [
    'a heartbeat',
    'Node',
    { spec: { podCIDRs: ['10.0.0.0/24'] }, status: { at: 1 } },
    { spec: { podCIDRs: ['10.0.0.0/24'] }, status: { at: 2 } },
    false,
  ],
  ['a range for pods', 'Node', {}, { spec: { podCIDRs: ['10.0.0.0/24'] } }, true],
  [
    'another range',
    'ServiceCIDR',
    { spec: { cidrs: ['10.0.0.0/16'] } },
    { spec: { cidrs: ['10.1.0.0/16'] } },
    true,
  ],
  [
    'another port',
    'Service',
    { spec: { clusterIP: '10.0.0.1', ports: [1] } },
    { spec: { clusterIP: '10.0.0.1', ports: [2] } },
    false,
  ],
  ['an address of its own', 'Service', { spec: {} }, { spec: { clusterIP: '10.0.0.1' } }, true],
  [
    'an address of a load balancer',
    'Service',
    {},
    { status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } } },
    true,
  ],
  [
    'the same endpoints',
    'EndpointSlice',
    slice('10.0.0.1', true),
    { ...slice('10.0.0.1', true), ports: [] },
    false,
  ],
  ['another endpoint', 'EndpointSlice', slice('10.0.0.1', true), slice('10.0.0.2', true), true],
  [
    'an edit that is in force',
    'ConfigMap',
    { data: { [HASH_KEY]: 'a' } },
    { data: { [HASH_KEY]: 'b' } },
    true,
  ],
  [
    'an endpoint that is not ready',
    'EndpointSlice',
    slice('10.0.0.1', true),
    slice('10.0.0.1', false),
    true,
  ],
] as const) {
  test(`${what} of a ${kind} ${matters ? 'matters' : 'does not matter'} to others`, () => {
    const differs = visible(kind, object(kind, before)) !== visible(kind, object(kind, after));
    assert.equal(differs, matters);
  });
}

test('of a server its spec and where it answers matter, its leases do not', () => {
  const before = visible('DhcpServer', server());
  const subnets = [
    { name: 's', cidr: '192.0.2.0/24', total: 1, bound: 1, declined: 0, utilization: 1 },
  ];
  assert.equal(visible('DhcpServer', server({}, {}, { subnets } as never)), before);
  assert.notEqual(visible('DhcpServer', server({}, { generation: 4 })), before);
  assert.notEqual(
    visible('DhcpServer', server({}, {}, { endpoints: ['198.51.100.1'] } as never)),
    before,
  );
});
