// What the fake and a real API server have to agree about: one table, run against both (fake.test.ts, e2e/cluster/client.e2e.ts).
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Kube, KubeError, type KubeFailure, type KubeObject } from './kube.ts';
import {
  CONFIG_MAPS,
  type ConfigMap,
  DHCP_LEASES,
  DHCP_SERVERS,
  type DhcpLeaseObject,
  type DhcpServerObject,
} from './resources.ts';

/** One rule, tried in a namespace of its own. */
export type Rule = readonly [name: string, body: (kube: Kube, namespace: string) => Promise<void>];

function map(namespace: string, name: string, data: Record<string, string> = {}): ConfigMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name }, data };
}

function server(namespace: string, leaseTime: string): DhcpServerObject {
  return {
    apiVersion: 'dhcp-operator.io/v1alpha1',
    kind: 'DhcpServer',
    metadata: { namespace, name: 'lab' },
    spec: { leaseTime, subnets: [{ cidr: '192.0.2.0/24' }] },
  };
}

function lease(namespace: string, name: string, serverName: string): DhcpLeaseObject {
  return {
    apiVersion: 'dhcp-operator.io/v1alpha1',
    kind: 'DhcpLease',
    metadata: { namespace, name },
    spec: {
      serverRef: { name: serverName },
      address: '192.0.2.1',
      hardwareAddress: '02:00:00:00:00:01',
      intent: 'Bind',
    },
  };
}

async function fails(request: Promise<unknown>, reason: KubeFailure): Promise<void> {
  await assert.rejects(request, (error) => {
    assert.ok(error instanceof KubeError, String(error));
    assert.equal(error.reason, reason);
    return true;
  });
}

async function until(what: string, test: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 500; i++) {
    if (await test()) return;
    await sleep(20);
  }
  assert.fail(`waited 10 s for ${what}`);
}

type Part<T> = Parameters<Kube['apply']>[1] & Partial<T>;

function statusOf(namespace: string, status: object): Part<DhcpServerObject> {
  const { apiVersion, kind } = DHCP_SERVERS;
  return {
    apiVersion,
    kind,
    metadata: { namespace, name: 'lab' },
    status,
  } as Part<DhcpServerObject>;
}

const ME = { fieldManager: 'me' } as const;
const YOU = { fieldManager: 'you' } as const;

const REQUESTS: readonly Rule[] = [
  [
    'what is not there is null, and deleting it is false',
    async (kube, namespace) => {
      const key = { namespace, name: 'a' };
      assert.equal(await kube.get(CONFIG_MAPS, key), null);
      assert.equal(await kube.delete(CONFIG_MAPS, key), false);
    },
  ],
  [
    'what is created has an identity, and cannot be created twice',
    async (kube, namespace) => {
      const made = await kube.create(CONFIG_MAPS, map(namespace, 'a', { x: '1' }), 'me');
      assert.ok(
        made.metadata.uid && made.metadata.resourceVersion && made.metadata.creationTimestamp,
      );
      await fails(kube.create(CONFIG_MAPS, map(namespace, 'a'), 'me'), 'AlreadyExists');
    },
  ],
  [
    'an update of an old version is a conflict, of what is not there not found',
    async (kube, namespace) => {
      const first = await kube.create(CONFIG_MAPS, map(namespace, 'a', { x: '1' }), 'me');
      const second = await kube.update(CONFIG_MAPS, { ...first, data: { x: '2' } }, 'me');
      assert.deepEqual(second.data, { x: '2' });
      await fails(kube.update(CONFIG_MAPS, { ...first, data: { x: '3' } }, 'me'), 'Conflict');
      await fails(kube.update(CONFIG_MAPS, map(namespace, 'b'), 'me'), 'NotFound');
    },
  ],
  [
    'a deletion of another one, or of another version, is a conflict',
    async (kube, namespace) => {
      const made = await kube.create(CONFIG_MAPS, map(namespace, 'a'), 'me');
      const key = { namespace, name: 'a' };
      await fails(kube.delete(CONFIG_MAPS, key, { uid: 'another' }), 'Conflict');
      await fails(kube.delete(CONFIG_MAPS, key, { resourceVersion: '1' }), 'Conflict');
      assert.equal(await kube.delete(CONFIG_MAPS, key, { uid: made.metadata.uid! }), true);
    },
  ],
  [
    'a merge patch takes keys away, and may say of which version',
    async (kube, namespace) => {
      const made = await kube.create(CONFIG_MAPS, map(namespace, 'a', { x: '1', y: '2' }), 'me');
      const key = { namespace, name: 'a' };
      const left = await kube.patch(CONFIG_MAPS, key, { data: { x: null } }, 'me');
      assert.deepEqual(left.data, { y: '2' });
      const { resourceVersion } = made.metadata;
      const old = kube.patch(CONFIG_MAPS, key, { metadata: { resourceVersion }, data: {} }, 'me');
      await fails(old, 'Conflict');
    },
  ],
  [
    'with a finalizer it is going until that is taken away',
    async (kube, namespace) => {
      const made = map(namespace, 'a');
      const metadata = { ...made.metadata, finalizers: ['example.org/wait'] };
      await kube.create(CONFIG_MAPS, { ...made, metadata }, 'me');
      const key = { namespace, name: 'a' };
      assert.equal(await kube.delete(CONFIG_MAPS, key), true);
      assert.ok((await kube.get(CONFIG_MAPS, key))?.metadata.deletionTimestamp);
      await kube.patch(CONFIG_MAPS, key, { metadata: { finalizers: null } }, 'me');
      assert.equal(await kube.get(CONFIG_MAPS, key), null);
    },
  ],
  [
    'what is owned goes with its owner',
    async (kube, namespace) => {
      const { metadata } = await kube.create(CONFIG_MAPS, map(namespace, 'owner'), 'me');
      const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: metadata.uid! };
      const made = map(namespace, 'owned');
      await kube.create(
        CONFIG_MAPS,
        { ...made, metadata: { ...made.metadata, ownerReferences: [owner] } },
        'me',
      );
      await kube.delete(CONFIG_MAPS, { namespace, name: 'owner' });
      const key = { namespace, name: 'owned' };
      await until('the owned one to go', async () => (await kube.get(CONFIG_MAPS, key)) === null);
    },
  ],
];

const APPLY: readonly Rule[] = [
  [
    'apply makes what is not there, and the same again changes nothing',
    async (kube, namespace) => {
      const first = await kube.apply(CONFIG_MAPS, map(namespace, 'a', { x: '1' }), ME);
      const again = await kube.apply(CONFIG_MAPS, map(namespace, 'a', { x: '1' }), ME);
      assert.equal(again.metadata.resourceVersion, first.metadata.resourceVersion);
    },
  ],
  [
    'what somebody no longer applies goes, what another applied stays',
    async (kube, namespace) => {
      await kube.apply(CONFIG_MAPS, map(namespace, 'a', { x: '1', y: '1' }), ME);
      await kube.apply(CONFIG_MAPS, map(namespace, 'a', { z: '1' }), YOU);
      const left = await kube.apply(CONFIG_MAPS, map(namespace, 'a', { y: '1' }), ME);
      assert.deepEqual(left.data, { y: '1', z: '1' });
    },
  ],
  [
    'to say otherwise than another is a conflict, unless it is forced, and then it is the first one’s to lose',
    async (kube, namespace) => {
      await kube.apply(CONFIG_MAPS, map(namespace, 'a', { x: '1' }), ME);
      await fails(kube.apply(CONFIG_MAPS, map(namespace, 'a', { x: '2' }), YOU), 'Conflict');
      await kube.apply(CONFIG_MAPS, map(namespace, 'a', { x: '2' }), { ...YOU, force: true });
      const left = await kube.apply(CONFIG_MAPS, map(namespace, 'a', {}), ME);
      assert.deepEqual(left.data, { x: '2' });
    },
  ],
  [
    'apply that only makes is a conflict when there is one, its own too, and what it makes is applied',
    async (kube, namespace) => {
      const once = { ...ME, force: true, absent: true };
      const made = await kube.apply(CONFIG_MAPS, map(namespace, 'a', { x: '1', y: '1' }), once);
      assert.deepEqual(made.data, { x: '1', y: '1' });
      await fails(kube.apply(CONFIG_MAPS, map(namespace, 'a', { x: '2' }), once), 'Conflict');
      const left = await kube.apply(CONFIG_MAPS, map(namespace, 'a', { y: '1' }), ME);
      assert.deepEqual(left.data, { y: '1' });
    },
  ],
  [
    'the generation counts changes of the spec, not of the status',
    async (kube, namespace) => {
      const first = await kube.apply(DHCP_SERVERS, server(namespace, '1h'), ME);
      assert.equal(first.metadata.generation, 1);
      const status = { observedGeneration: 1, readyNodes: 1 };
      const told = await kube.apply(DHCP_SERVERS, statusOf(namespace, status), {
        ...ME,
        subresource: 'status',
      });
      assert.equal(told.metadata.generation, 1);
      assert.equal(told.status?.readyNodes, 1);
      const second = await kube.apply(DHCP_SERVERS, server(namespace, '2h'), ME);
      assert.equal(second.metadata.generation, 2);
      assert.equal(second.status?.readyNodes, 1, 'an edit of the spec leaves the status alone');
    },
  ],
  [
    'a status cannot be applied to what is not there',
    async (kube, namespace) => {
      const options = { ...ME, subresource: 'status' } as const;
      await fails(
        kube.apply(DHCP_SERVERS, statusOf(namespace, { readyNodes: 1 }), options),
        'NotFound',
      );
    },
  ],
  [
    'nodes in a status are each their agent’s own',
    async (kube, namespace) => {
      await kube.apply(DHCP_SERVERS, server(namespace, '1h'), ME);
      const say = (node: string, nodes: object[]): Promise<DhcpServerObject> =>
        kube.apply(DHCP_SERVERS, statusOf(namespace, { nodes }), {
          fieldManager: `agent-${node}`,
          force: true,
          subresource: 'status',
        });
      await say('a', [{ node: 'a', state: 'Active' }]);
      await say('b', [{ node: 'b', state: 'Standby' }]);
      const both = await say('a', [{ node: 'a', state: 'Failed', message: 'no disk' }]);
      assert.deepEqual(both.status?.nodes, [
        { node: 'a', state: 'Failed', message: 'no disk' },
        { node: 'b', state: 'Standby' },
      ]);
      const left = await say('a', []);
      assert.deepEqual(left.status?.nodes, [{ node: 'b', state: 'Standby' }]);
    },
  ],
];

const FOLLOW: readonly Rule[] = [
  [
    'lists take labels and selectable fields',
    async (kube, namespace) => {
      const one = lease(namespace, 'one', 'lab');
      const labels = { 'dhcp-operator.io/server': 'lab' };
      await kube.create(DHCP_LEASES, { ...one, metadata: { ...one.metadata, labels } }, 'me');
      await kube.create(DHCP_LEASES, lease(namespace, 'two', 'other'), 'me');
      const names = async (selection: object): Promise<string[]> =>
        (await kube.list(DHCP_LEASES, { namespace, ...selection })).map(
          ({ metadata }) => metadata.name,
        );
      assert.deepEqual(await names({ labels: 'dhcp-operator.io/server=lab' }), ['one']);
      assert.deepEqual(await names({ fields: 'spec.serverRef.name=other' }), ['two']);
      assert.deepEqual(await names({ fields: 'metadata.name=one' }), ['one']);
      assert.deepEqual((await names({})).sort(), ['one', 'two']);
    },
  ],
  [
    'following tells of what is there, comes, changes and goes',
    async (kube, namespace) => {
      await kube.create(CONFIG_MAPS, map(namespace, 'there'), 'me');
      const told: string[] = [];
      const mine = (object: KubeObject): boolean => object.metadata.name !== 'kube-root-ca.crt';
      const following = kube.follow(CONFIG_MAPS, { namespace }, ({ kind, object }) => {
        if (mine(object)) told.push(`${kind} ${object.metadata.name}`);
      });
      await following.ready;
      await kube.create(CONFIG_MAPS, map(namespace, 'new'), 'me');
      await kube.apply(CONFIG_MAPS, map(namespace, 'new', { x: '1' }), ME);
      await kube.delete(CONFIG_MAPS, { namespace, name: 'there' });
      await until('all of it', () => told.length >= 4);
      assert.deepEqual(told, ['added there', 'added new', 'changed new', 'deleted there']);
      assert.ok(following.objects.has(`${namespace}/new`));
      following.close();
    },
  ],
  [
    'what no longer matches a selection has gone, for whom selects',
    async (kube, namespace) => {
      const one = lease(namespace, 'one', 'lab');
      await kube.create(DHCP_LEASES, one, 'me');
      const told: string[] = [];
      const fields = 'spec.serverRef.name=lab';
      const following = kube.follow(DHCP_LEASES, { namespace, fields }, ({ kind }) =>
        told.push(kind),
      );
      await following.ready;
      const merge = { spec: { serverRef: { name: 'other' } } };
      await kube.patch(DHCP_LEASES, { namespace, name: 'one' }, merge, 'me');
      await until('it to go', () => told.length >= 2);
      assert.deepEqual(told, ['added', 'deleted']);
      following.close();
    },
  ],
];

export const RULES: readonly Rule[] = [...REQUESTS, ...APPLY, ...FOLLOW];
