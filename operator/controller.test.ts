import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { FakeKube } from '../crds/client/fake.ts';
import {
  type ApplyOptions,
  KubeError,
  type KubeMeta,
  type KubeObject,
  type Resource,
  type Selection,
} from '../crds/client/kube.ts';
import {
  CONFIG_MAPS,
  COORDINATION_LEASES,
  type ConfigMap,
  DAEMON_SETS,
  DHCP_LEASES,
  DHCP_RELAYS,
  DHCP_SERVERS,
  type DhcpServerObject,
  EVENTS,
  PDBS,
  POD_MONITORS,
  PODS,
  type Pod,
  ROLES,
  SERVICES,
} from '../crds/client/resources.ts';
import { Controller } from './controller.ts';
import { bound, relay, server } from './core/testworld.ts';

const IMAGE = {
  image: 'agent:1',
  pullPolicy: 'IfNotPresent',
  pullSecrets: [],
  monitorLabels: {},
  priorityClass: null,
  logLevel: 'info',
} as const;
const CHILD = { namespace: 'dhcp', name: 'dhcp-server-lab' };
const LAB = { namespace: 'dhcp', name: 'lab' };

interface Bench {
  readonly kube: FakeKube;
  readonly controller: Controller;
}

async function bench(body: (bench: Bench) => Promise<void>, kube = new FakeKube()): Promise<void> {
  const controller = new Controller({
    kube,
    image: IMAGE,
    log: pino({ level: 'silent' }),
    instance: 'test',
    random: () => 0.5,
    wall: () => Date.UTC(2026, 0, 31, 12),
    ...(kube instanceof WithoutPodMonitors ? { kindsLook: 20 } : {}),
  });
  try {
    await controller.start();
    await body({ kube, controller });
  } finally {
    controller.stop();
  }
}

async function until(what: string, test: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 1000; i++) {
    if (await test()) return;
    await sleep(5);
  }
  assert.fail(`waited 5 s for ${what}`);
}

/** Waits until nothing has been asked for a while, and returns how often something was written. */
async function quiet({ kube, controller }: Bench): Promise<void> {
  let before = -1;
  while (kube.requests.length !== before || controller.backlog > 0) {
    before = kube.requests.length;
    await sleep(30);
  }
}

function fresh(spec: object = {}): DhcpServerObject {
  const { apiVersion, kind, spec: whole } = server(spec);
  return { apiVersion, kind, metadata: LAB, spec: whole };
}

function apply({ kube }: Bench, spec: object = {}): Promise<DhcpServerObject> {
  return kube.apply(DHCP_SERVERS, fresh(spec), { fieldManager: 'user', force: true });
}

async function accepted({ kube }: Bench): Promise<string> {
  const found = await kube.get(DHCP_SERVERS, LAB);
  const condition = found?.status?.conditions?.find(({ type }) => type === 'Accepted');
  return `${condition?.status} ${condition?.reason}`;
}

async function programmed({ kube }: Bench): Promise<{ reason: string; message: string }> {
  const found = await kube.get(DHCP_SERVERS, LAB);
  const condition = found?.status?.conditions?.find(({ type }) => type === 'Programmed');
  return condition ?? { reason: '', message: '' };
}

function configMap(metadata: Partial<KubeMeta>): ConfigMap {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { ...CHILD, ...metadata },
    data: { hash: 'old' },
  };
}

function agentPod(node: string): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace: 'dhcp',
      name: `p-${node}`,
      labels: {
        'app.kubernetes.io/managed-by': 'dhcp-operator',
        'app.kubernetes.io/name': 'dhcp-agent',
        'app.kubernetes.io/instance': 'lab',
        'app.kubernetes.io/component': 'server',
      },
    },
    spec: { containers: [], nodeName: node },
  };
}

/** An API server whose administrator has limited the number of ConfigMaps. */
class Stingy extends FakeKube {
  isStingy = true;
  refused = 0;
  excuse = 'exceeded quota: few, limited: configmaps=1';

  override async apply<T extends KubeObject>(
    resource: Resource<T>,
    object: Partial<T> & { readonly metadata: KubeMeta },
    options: ApplyOptions,
  ): Promise<T> {
    if (this.isStingy && resource.plural === CONFIG_MAPS.plural) {
      this.refused++;
      throw new KubeError('Forbidden', this.excuse, 403);
    }
    return super.apply(resource, object, options);
  }
}

test('what is needed is made, and a second look writes nothing', () =>
  bench(async (on) => {
    await apply(on);
    await until('the agents', async () => (await on.kube.get(DAEMON_SETS, CHILD)) !== null);
    await quiet(on);
    const writes = [...on.controller.writes.values()].reduce((a, b) => a + b, 0);
    // A change of the status that says nothing new makes it look again.
    await on.kube.patch(DHCP_SERVERS, LAB, { metadata: { labels: { x: 'y' } } }, 'user');
    await quiet(on);
    assert.equal(
      [...on.controller.writes.values()].reduce((a, b) => a + b, 0),
      writes,
    );
  }));

test('an edit changes the ConfigMap and nothing else', () =>
  bench(async (on) => {
    await apply(on);
    await quiet(on);
    const pods = (await on.kube.get(DAEMON_SETS, CHILD))?.metadata.generation;
    await apply(on, { leaseTime: '2h' });
    await until('the edit', async () => {
      const map = await on.kube.get(CONFIG_MAPS, CHILD);
      return map?.data?.['manifests.yaml']?.includes('leaseTime: 2h') === true;
    });
    assert.equal((await on.kube.get(DAEMON_SETS, CHILD))?.metadata.generation, pods);
  }));

test('a mistake is refused with an Event, and what was accepted stays', () =>
  bench(async (on) => {
    await apply(on);
    await quiet(on);
    const good = (await on.kube.get(CONFIG_MAPS, CHILD))?.data;
    await apply(on, { subnets: [{ cidr: '192.0.2.0/24', pools: [{ cidr: '198.51.100.0/24' }] }] });
    await until('the refusal', async () => (await accepted(on)) === 'False Invalid');
    await quiet(on);
    assert.deepEqual((await on.kube.get(CONFIG_MAPS, CHILD))?.data, good);
    const events = await on.kube.list(EVENTS);
    assert.ok(events.some(({ reason, type }) => reason === 'Invalid' && type === 'Warning'));
  }));

test('what somebody changes or deletes by hand is put right', () =>
  bench(async (on) => {
    await apply(on);
    await quiet(on);
    await on.kube.delete(SERVICES, CHILD);
    await on.kube.patch(ROLES, CHILD, { rules: [] }, 'somebody');
    await until('both', async () => {
      const role = await on.kube.get(ROLES, CHILD);
      return (await on.kube.get(SERVICES, CHILD)) !== null && (role?.rules?.length ?? 0) > 0;
    });
  }));

test('what was made for it before and is nobody’s now is taken over', async () => {
  const kube = new FakeKube();
  const labels = {
    'app.kubernetes.io/managed-by': 'dhcp-operator',
    'app.kubernetes.io/instance': 'lab',
    'app.kubernetes.io/component': 'server',
  };
  await kube.create(CONFIG_MAPS, configMap({ labels }), 'somebody');
  await bench(async (on) => {
    await apply(on);
    await until('it to be ours', async () => {
      const map = await on.kube.get(CONFIG_MAPS, CHILD);
      return map?.metadata.ownerReferences?.length === 1 && map.data?.hash !== 'old';
    });
  }, kube);
});

test('what is somebody else’s is left alone and named, until it is gone', async () => {
  const kube = new FakeKube();
  const theirs = await kube.create(CONFIG_MAPS, configMap({}), 'somebody');
  await bench(async (on) => {
    await apply(on);
    await until('the refusal', async () => (await programmed(on)).reason === 'NameTaken');
    assert.match((await programmed(on)).message, /^ConfigMap dhcp\/dhcp-server-lab is there/);
    assert.deepEqual(await kube.get(CONFIG_MAPS, CHILD), theirs);
    assert.equal(await kube.get(DAEMON_SETS, CHILD), null, 'agents would read it');
    await until('an Event', async () => {
      const events = await kube.list(EVENTS);
      return events.some(({ reason, type }) => reason === 'NameTaken' && type === 'Warning');
    });
    await kube.delete(CONFIG_MAPS, CHILD);
    await until('the agents', async () => (await kube.get(DAEMON_SETS, CHILD)) !== null);
    await until('the good news', async () => (await programmed(on)).reason === 'Progressing');
  }, kube);
});

test('what the API server will not have is told in its words', async () => {
  const kube = new Stingy();
  await bench(async (on) => {
    await apply(on);
    await until('the refusal', async () => (await programmed(on)).reason === 'Refused');
    const { message } = await programmed(on);
    assert.equal(
      message,
      'the API server refuses ConfigMap dhcp/dhcp-server-lab: exceeded quota: few, limited: configmaps=1',
    );
    kube.isStingy = false;
    await until('the agents', async () => (await kube.get(DAEMON_SETS, CHILD)) !== null);
  }, kube);
});

test('what it says while our kinds are new to it is no refusal', async () => {
  const kube = new Stingy();
  kube.excuse = 'cannot set blockOwnerDeletion in this case because cannot find RESTMapping for …';
  await bench(async (on) => {
    await apply(on);
    await until('some tries', async () => kube.refused > 1);
    kube.isStingy = false;
    await until('the agents', async () => (await kube.get(DAEMON_SETS, CHILD)) !== null);
    await quiet(on);
    const events = await kube.list(EVENTS);
    assert.deepEqual(
      events.filter(({ reason }) => reason === 'Refused'),
      [],
    );
  }, kube);
});

test('deleting the object takes all that was made for it, and nothing comes back', () =>
  bench(async (on) => {
    await apply(on);
    await quiet(on);
    await on.kube.delete(DHCP_SERVERS, LAB);
    await quiet(on);
    for (const resource of [DAEMON_SETS, CONFIG_MAPS, SERVICES, ROLES])
      assert.deepEqual(await on.kube.list(resource), []);
  }));

test('failures, cut watches and a forgotten history delay it and stop nothing', () =>
  bench(async (on) => {
    const storm = Array.from({ length: 12 }, (_, i) =>
      i % 2 === 0
        ? new KubeError('TooManyRequests', 'slow down', 429, 20)
        : new KubeError('InternalError', 'HTTP status 500', 500),
    );
    await apply(on);
    on.kube.failNext(...storm);
    on.kube.cutWatches();
    await until('the agents', async () => {
      return (await on.kube.get(DAEMON_SETS, CHILD).catch(() => null)) !== null;
    });
    on.kube.forgetHistory();
    await apply(on, { leaseTime: '3h' }).catch(() => apply(on, { leaseTime: '3h' }));
    await until('the edit', async () => {
      const map = await on.kube.get(CONFIG_MAPS, CHILD).catch(() => null);
      return map?.data?.['manifests.yaml']?.includes('leaseTime: 3h') === true;
    });
  }));

/** An API server whose administrator has yet to install the Prometheus operator. */
class WithoutPodMonitors extends FakeKube {
  installed = false;

  override async list<T extends KubeObject>(
    resource: Resource<T>,
    selection?: Selection,
  ): Promise<readonly T[]> {
    this.check(resource);
    return super.list(resource, selection);
  }

  override async apply<T extends KubeObject>(
    resource: Resource<T>,
    object: Partial<T> & { readonly metadata: KubeMeta },
    options: ApplyOptions,
  ): Promise<T> {
    this.check(resource);
    return super.apply(resource, object, options);
  }

  private check({ plural }: Resource): void {
    if (!this.installed && plural === POD_MONITORS.plural)
      throw new KubeError('NotFound', 'the server could not find the requested resource', 404);
  }
}

test('what is said of an object is told to metrics', () =>
  bench(async (on) => {
    await apply(on);
    const told = (): string[] => {
      const lines: string[] = [];
      on.controller.eachCondition((...words) => lines.push(words.join(' ')));
      return lines.sort();
    };
    const name = `${LAB.namespace}/${LAB.name}`;
    await until('four conditions', async () => told().length === 4);
    assert.deepEqual(told(), [
      `DhcpServer ${name} Accepted true`,
      `DhcpServer ${name} Degraded false`,
      `DhcpServer ${name} Programmed false`,
      `DhcpServer ${name} Ready false`,
    ]);
  }));

test('PodMonitors are made when their kind comes, and missed by nobody when it goes', async () => {
  const kube = new WithoutPodMonitors();
  await bench(async (on) => {
    await apply(on);
    await until('the agents', async () => (await kube.get(DAEMON_SETS, CHILD)) !== null);
    assert.equal(await kube.get(POD_MONITORS, CHILD), null);
    kube.installed = true;
    await until('the PodMonitor', async () => (await kube.get(POD_MONITORS, CHILD)) !== null);
    // As when its CustomResourceDefinition is deleted.
    await kube.delete(POD_MONITORS, CHILD);
    kube.installed = false;
    await apply(on, { leaseTime: '5h' });
    await apply(on, { subnets: [{ cidr: '192.0.2.0/24', pools: [{ cidr: '198.51.100.0/24' }] }] });
    await until('the refusal', async () => (await accepted(on)) === 'False Invalid');
  }, kube);
});

test('a relay follows where its server answers', () =>
  bench(async (on) => {
    const { apiVersion, kind, spec } = relay({ upstreams: [{ serverRef: { name: 'lab' } }] });
    const metadata = { namespace: 'dhcp', name: 'office' };
    await on.kube.create(DHCP_RELAYS, { apiVersion, kind, metadata, spec } as never, 'user');
    await quiet(on);
    const child = { namespace: 'dhcp', name: 'dhcp-relay-office' };
    assert.equal(await on.kube.get(CONFIG_MAPS, child), null);
    await apply(on);
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        namespace: 'dhcp',
        name: 'p',
        labels: {
          'app.kubernetes.io/managed-by': 'dhcp-operator',
          'app.kubernetes.io/name': 'dhcp-agent',
          'app.kubernetes.io/instance': 'lab',
          'app.kubernetes.io/component': 'server',
        },
      },
      spec: { containers: [], nodeName: 'n1' },
    };
    await on.kube.create(PODS, pod, 'kubelet');
    const ready = { conditions: [{ type: 'Ready', status: 'True' }] };
    await on.kube.patch(
      PODS,
      { namespace: 'dhcp', name: 'p' },
      { status: ready },
      'kubelet',
      'status',
    );
    const nodes = [{ node: 'n1', state: 'Active', addresses: ['198.51.100.7'] }];
    await on.kube.patch(DHCP_SERVERS, LAB, { status: { nodes } }, 'agent', 'status');
    await until('the relay to know', async () => {
      const map = await on.kube.get(CONFIG_MAPS, child);
      return map?.data?.['manifests.yaml']?.includes('198.51.100.7') === true;
    });
  }));

async function acceptedLease({ kube }: Bench, name: string): Promise<string> {
  const found = await kube.get(DHCP_LEASES, { namespace: 'dhcp', name });
  const condition = found?.status?.conditions?.find(({ type }) => type === 'Accepted');
  return `${condition?.status} ${condition?.reason}`;
}

test('what users want of addresses is judged when they, or their server, come, change and go', () =>
  bench(async (on) => {
    const { kube } = on;
    const reserve = (name: string, address: string): Promise<unknown> =>
      kube.create(
        DHCP_LEASES,
        {
          apiVersion: 'dhcp-operator.io/v1alpha1',
          kind: 'DhcpLease',
          metadata: { namespace: 'dhcp', name },
          spec: { serverRef: { name: 'lab' }, address, hardwareAddress: '02:00:00:00:00:01' },
        },
        'user',
      );
    const is = (name: string, wanted: string): Promise<void> =>
      until(`${name} to be ${wanted}`, async () => (await acceptedLease(on, name)) === wanted);
    await reserve('a', '192.0.2.10');
    await is('a', 'False UnknownServer');
    await apply(on);
    await is('a', 'True Valid');
    await reserve('b', '192.0.2.10');
    await is('b', 'False Duplicate');
    await kube.delete(DHCP_LEASES, { namespace: 'dhcp', name: 'a' });
    await is('b', 'True Valid');
    await reserve('c', '198.51.100.1');
    await is('c', 'False OutsideSubnets');
    const subnets = ['192.0.2.0/24', '198.51.100.0/24'].map((cidr) => ({
      cidr,
      pools: [{ cidr }],
    }));
    await apply(on, { subnets });
    await is('c', 'True Valid');
    await quiet(on);
    const writes = on.controller.writes.get('dhcpleases/status');
    await kube.patch(
      DHCP_LEASES,
      { namespace: 'dhcp', name: 'c' },
      { status: { state: 'Reserved' } },
      'agent',
      'status',
    );
    await quiet(on);
    assert.equal(on.controller.writes.get('dhcpleases/status'), writes);
  }));

test('when the node of a server is no more, another may serve; before, none but that', () =>
  bench(async (on) => {
    const { kube } = on;
    const lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: CHILD,
      spec: { holderIdentity: 'n1', leaseDurationSeconds: 2_147_483_647, leaseTransitions: 7 },
    };
    await kube.create(COORDINATION_LEASES, lease, 'agent');
    await apply(on);
    for (const node of ['n1', 'n2']) await kube.create(PODS, agentPod(node), 'kubelet');
    const nodes = [
      { node: 'n1', state: 'Active', addresses: ['198.51.100.7'] },
      { node: 'n2', state: 'Standby', addresses: ['198.51.100.8'] },
    ];
    await kube.patch(DHCP_SERVERS, LAB, { status: { nodes } }, 'agent', 'status');
    await quiet(on);
    assert.deepEqual((await kube.get(COORDINATION_LEASES, CHILD))?.spec, lease.spec);
    await kube.delete(PODS, { namespace: 'dhcp', name: 'p-n1' });
    await until('the Lease to be free', async () => {
      const { spec } = (await kube.get(COORDINATION_LEASES, CHILD)) ?? {};
      return spec?.holderIdentity === '' && spec.leaseTransitions === 7;
    });
  }));

test('an edit that is held back comes into force when those that it would cut off are gone', () =>
  bench(async (on) => {
    const { kube } = on;
    await apply(on);
    await quiet(on);
    const key = { namespace: 'dhcp', name: 'lab-192.0.2.100' };
    const { apiVersion, kind, spec } = bound('192.0.2.100');
    await kube.create(DHCP_LEASES, { apiVersion, kind, metadata: key, spec }, 'agent');
    await kube.patch(DHCP_LEASES, key, { status: { state: 'Bound' } }, 'agent', 'status');
    await quiet(on);
    const pools = [{ start: '192.0.2.150', end: '192.0.2.199' }];
    await apply(on, { subnets: [{ cidr: '192.0.2.0/24', pools }] });
    await until('the refusal', async () => (await accepted(on)) === 'False WouldStrand');
    await kube.patch(DHCP_LEASES, key, { status: { state: 'Released' } }, 'agent', 'status');
    await until('the edit', async () => (await accepted(on)) === 'True Valid');
  }));

test('the PodDisruptionBudget goes when a single agent is left, and nobody else’s does', () =>
  bench(async (on) => {
    const { kube } = on;
    const budget = { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget' };
    const theirs = { ...CHILD, name: 'dhcp-server-other' };
    await kube.create(PDBS, { ...budget, metadata: theirs }, 'somebody');
    const { apiVersion, kind } = fresh();
    const spec = { subnets: [{ cidr: '198.51.100.0/24', pools: [{ cidr: '198.51.100.0/24' }] }] };
    const other = { namespace: 'dhcp', name: 'other' };
    await kube.create(DHCP_SERVERS, { apiVersion, kind, metadata: other, spec }, 'user');
    await apply(on);
    for (const node of ['n1', 'n2']) await kube.create(PODS, agentPod(node), 'kubelet');
    await until('the budget', async () => (await kube.get(PDBS, CHILD)) !== null);
    await kube.delete(PODS, { namespace: 'dhcp', name: 'p-n2' });
    await until('the budget to go', async () => (await kube.get(PDBS, CHILD)) === null);
    await quiet(on);
    assert.ok(await kube.get(PDBS, theirs));
  }));

test('a network stays with the server whose agents have it, until they have left it', () =>
  bench(async (on) => {
    const { kube } = on;
    const key = { namespace: 'dhcp', name: 'first' };
    const first = (cidr: string): Promise<DhcpServerObject> =>
      kube.apply(
        DHCP_SERVERS,
        { ...fresh({ subnets: [{ cidr }] }), metadata: key },
        { fieldManager: 'user', force: true },
      );
    const is = async (what: string): Promise<void> =>
      until(`first to be ${what}`, async () => {
        const { conditions = [] } = (await kube.get(DHCP_SERVERS, key))?.status ?? {};
        return conditions.some(({ type, reason }) => type === 'Accepted' && reason === what);
      });
    await first('198.51.100.0/24');
    await is('Valid');
    await apply(on);
    await quiet(on);
    await first('192.0.2.0/24');
    await is('Overlap');
    const { metadata } = await apply(on, { leaseTime: '2h' });
    await until('the edit', async () => {
      const { conditions = [] } = (await kube.get(DHCP_SERVERS, LAB))?.status ?? {};
      return conditions[0]?.observedGeneration === metadata.generation;
    });
    await quiet(on);
    assert.equal(await accepted(on), 'True Valid');
    await is('Overlap');
    await apply(on, { subnets: [{ cidr: '203.0.113.0/24' }] });
    await is('Valid');
  }));
