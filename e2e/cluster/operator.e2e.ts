// Operators and agents as processes against a real control plane: the chart's rights and no more, edits, mistakes, crashes,
// an API server that goes away.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Process } from '../lab/lab.ts';
import type { Client } from '../lab/peers.ts';
import { conditions, Field, forbidden, LAN, lanServer } from './field.ts';
import { POD_MONITORS } from './podmonitors.ts';

/** Far above what any of them takes. */
const LONG = { timeout: 300_000 };

let field: Field;
let operator: Process;
let agent: Process;
let client: Client;

before(async () => {
  field = await Field.start('operator');
  operator = await field.operator();
  const selector = { placement: { nodeSelector: { dhcp: 'lan' } } };
  field.cluster.kubectl('label', 'node', 'node1', 'dhcp=lan');
  field.cluster.apply(lanServer('lan', selector));
  agent = await field.agent('DhcpServer', 'lan');
});

after(async () => {
  await field?.close();
});

const spec = (more: object): string =>
  lanServer('lan', { placement: { nodeSelector: { dhcp: 'lan' } }, ...more });
const subnets = (options: object, end = 199): object => ({
  subnets: [
    {
      cidr: `${LAN}.0/24`,
      pools: [{ start: `${LAN}.100`, end: `${LAN}.${end}` }],
      options: { routers: [`${LAN}.1`], ...options },
    },
  ],
});
interface Monitor {
  readonly metadata: { readonly ownerReferences: readonly { readonly name: string }[] };
  readonly spec: {
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly podMetricsEndpoints: readonly { readonly port: string }[];
  };
}

interface Pod {
  readonly spec: {
    readonly containers: readonly { readonly ports: readonly { readonly name: string }[] }[];
  };
}

interface Seen {
  readonly metadata: { readonly generation: number };
  readonly status: { readonly conditions: readonly { readonly observedGeneration: number }[] };
}

const hash = (): string =>
  field.cluster.kubectl('get', 'cm', 'dhcp-server-lan', '-o', 'jsonpath={.data.hash}');
const settled = (): Promise<unknown> =>
  field.eventually('the agent to report what the ConfigMap says', () => {
    const path = 'jsonpath={.status.nodes[0].hash}';
    return field.cluster.kubectl('get', 'dhcpserver', 'lan', '-o', path) === hash();
  });

test('becomes Ready, and a client on its LAN a DhcpLease', LONG, async () => {
  field.wait('dhcpserver/lan', 'Ready');
  client = field.lease();
  const given = await client.lease();
  assert.match(given.address, /^192\.0\.2\.1\d\d$/);
  const lease = `dhcplease/lan-${given.address}`;
  await field.eventually('its DhcpLease', () =>
    field.cluster.kubectl('get', lease, '-o', 'jsonpath={.status.state}').includes('Bound'),
  );
  assert.deepEqual(conditions(field, 'dhcpserver/lan'), {
    Accepted: 'True Valid',
    Programmed: 'True Applied',
    Ready: 'True Serving',
    Degraded: 'False AsExpected',
  });
  const endpoints = 'jsonpath={.endpoints[*].addresses[0]}';
  assert.equal(
    field.cluster.kubectl('get', 'endpointslice', 'dhcp-server-lan', '-o', endpoints),
    '10.123.0.11',
  );
});

test('an edit reaches the agent and the next client, and restarts nothing', LONG, async () => {
  const set = 'jsonpath={.metadata.generation}';
  const before = field.cluster.kubectl('get', 'ds', 'dhcp-server-lan', '-o', set);
  field.cluster.apply(spec(subnets({ domainNameServers: [`${LAN}.53`] })));
  await field.eventually('the edit', () => agent.output.split('configuration applied')[2]);
  await settled();
  const { names } = await field.lease().lease();
  assert.equal(names, `${LAN}.53`);
  assert.equal(field.cluster.kubectl('get', 'ds', 'dhcp-server-lan', '-o', set), before);
});

test(
  'a mistake is named in the condition and an Event, and the last good spec stays',
  LONG,
  async () => {
    const good = hash();
    field.cluster.apply(spec(subnets({ routers: [`${LAN}.1`] }, 99)));
    await field.eventually('the refusal', () =>
      conditions(field, 'dhcpserver/lan').Accepted?.startsWith('False'),
    );
    assert.equal(hash(), good);
    await field.lease().lease();
    await field.eventually('the Event', () => {
      const events = field.cluster.kubectl('get', 'events', '-o', 'jsonpath={.items[*].message}');
      return events.includes(`${LAN}.99`) || null;
    });
    field.cluster.apply(spec(subnets({ domainNameServers: [`${LAN}.53`] })));
    field.wait('dhcpserver/lan', 'Accepted');
  },
);

test('an edit that would cut off clients is held back until somebody insists', LONG, async () => {
  const narrow = spec({
    subnets: [{ cidr: `${LAN}.0/24`, pools: [{ start: `${LAN}.200`, end: `${LAN}.250` }] }],
  });
  field.cluster.apply(narrow);
  await field.eventually('the refusal', () => {
    return conditions(field, 'dhcpserver/lan').Accepted === 'False WouldStrand';
  });
  field.cluster.apply(spec(subnets({ domainNameServers: [`${LAN}.53`] })));
  field.wait('dhcpserver/lan', 'Accepted');
});

test('a PodMonitor is made when its kind is installed later', LONG, async () => {
  const { cluster } = field;
  assert.doesNotMatch(cluster.kubectl('api-resources', '-o', 'name'), /podmonitors/);
  cluster.apply(POD_MONITORS);
  // It is looked for every half a minute.
  const monitor = await field.eventually('the PodMonitor', () => {
    return cluster.get<Monitor>('podmonitor', 'dhcp-server-lan');
  });
  assert.equal(monitor.metadata.ownerReferences[0]?.name, 'lan');
  const selector = Object.entries(monitor.spec.selector.matchLabels);
  const labels = selector.map(([name, value]) => `${name}=${value}`).join(',');
  const { items } = cluster.get<{ items: Pod[] }>('pods', '-l', labels);
  const ports = items.flatMap((pod) => pod.spec.containers.flatMap((one) => one.ports));
  assert.ok(ports.some(({ name }) => name === monitor.spec.podMetricsEndpoints[0]?.port));
});

test('a namespace that lets no agents in is told of, and then lets them in', LONG, async () => {
  const { cluster } = field;
  const enforce = (level: string): string =>
    cluster.kubectl(
      ...['label', 'namespace', 'strict', `pod-security.kubernetes.io/enforce=${level}`],
      '--overwrite',
    );
  cluster.kubectl('create', 'namespace', 'strict');
  enforce('restricted');
  const relay = {
    apiVersion: 'dhcp-operator.io/v1alpha1',
    kind: 'DhcpRelay',
    metadata: { name: 'strict', namespace: 'strict' },
    spec: { placement: { nodeSelector: { dhcp: 'lan' } }, upstreams: [{ address: '203.0.113.1' }] },
  };
  cluster.apply(JSON.stringify(relay));
  const message = (): string =>
    cluster.kubectl(
      ...['-n', 'strict', 'get', 'dhcprelay', 'strict', '-o'],
      'jsonpath={.status.conditions[?(@.type=="Ready")].message}',
    );
  await field.eventually('the condition', () =>
    /-n strict describe daemonset dhcp-relay-strict tells why.*privileged/.test(message()),
  );
  // The way out that the chart's README names.
  enforce('privileged');
  cluster.kubectl('-n', 'strict', 'annotate', 'daemonset', 'dhcp-relay-strict', 'again=now');
  await field.eventually('the condition to change', () => !message().includes('describe'));
  // There is no kubelet that would end the pod.
  cluster.kubectl('delete', 'namespace', 'strict', '--wait=false');
});

test(
  'when that kind is uninstalled, an edit is carried out and told all the same',
  LONG,
  async () => {
    const { cluster } = field;
    cluster.kubectl('delete', 'crd', 'podmonitors.monitoring.coreos.com');
    cluster.apply(spec(subnets({ domainNameServers: [`${LAN}.55`] })));
    await field.eventually('every condition to be about the edit', () => {
      const { metadata, status } = cluster.get<Seen>('dhcpserver', 'lan');
      return status.conditions.every((one) => one.observedGeneration === metadata.generation);
    });
    await settled();
    const { names } = await field.lease().lease();
    assert.equal(names, `${LAN}.55`);
  },
);

test('the operator and its agents asked for nothing that they may not', LONG, () => {
  assert.deepEqual(forbidden(field), []);
});

test('what somebody deletes or edits of its children comes back', LONG, async () => {
  const { cluster } = field;
  // Not its service account, with which every token for it would die.
  const names = ['cm', 'ds', 'role', 'rolebinding', 'svc', 'endpointslice'];
  for (const kind of names) cluster.kubectl('delete', kind, 'dhcp-server-lan', '--wait=false');
  // What a kubelet would do with the pods of a DaemonSet that is gone.
  cluster.kubectl('delete', 'pods', '--all', '--force', '--grace-period=0');
  for (const kind of names) {
    await field.eventually(`${kind} again`, () =>
      cluster.kubectl('get', kind, 'dhcp-server-lan', '-o', 'name'),
    );
  }
  cluster.kubectl('patch', 'cm', 'dhcp-server-lan', '-p', '{"data":{"hash":"drift"}}');
  await field.eventually('the drift to be undone', () => hash() !== 'drift');
});

test('another replica takes over from a leader that is killed', LONG, async () => {
  const second = await field.operator();
  await operator.stop('SIGKILL');
  field.cluster.apply(spec({ ...subnets({ domainNameServers: [`${LAN}.54`] }) }));
  // Its Lease is for 15 s.
  await second.line(/"msg":"leading"/, 60);
  operator = second;
  await settled();
  const { names } = await field.lease().lease();
  assert.equal(names, `${LAN}.54`);
});

test(
  'while the API server is away clients get and renew leases; later they are objects',
  LONG,
  async () => {
    await field.cluster.killPart('kube-apiserver');
    const given = await field.lease().lease();
    // The term of the sole agent has no end; longer than any deadline of an election is what is to be shown.
    await new Promise((resolve) => setTimeout(resolve, 20_000));
    client.renew();
    const renewed = await client.lease();
    assert.match(renewed.address, /^192\.0\.2\.1\d\d$/);
    const late = await field.lease().lease();
    await field.cluster.startApi();
    for (const { address } of [given, late]) {
      await field.eventually(`the DhcpLease of ${address}`, () =>
        field.cluster.kubectl('get', `dhcplease/lan-${address}`, '-o', 'name'),
      );
    }
    assert.doesNotMatch(agent.output, /"level":"fatal"/);
  },
);

test('a restarted agent boots without the API server and serves what it served', LONG, async () => {
  await field.cluster.killPart('kube-apiserver');
  await agent.stop('SIGKILL');
  agent = field.restart('DhcpServer', 'lan');
  await agent.line(/"msg":"serving"/, 60);
  client.renew();
  await client.lease();
  await field.cluster.startApi();
  await settled();
});

test('deleting it takes everything that was made for it', LONG, async () => {
  field.cluster.kubectl('delete', 'dhcpserver', 'lan', '--timeout=30s');
  await field.eventually('everything to go', () => {
    const kinds = 'ds,cm,sa,role,rolebinding,svc,endpointslice,pdb,dhcplease';
    const all = field.cluster.kubectl('get', kinds, '-n', 'default', '-o', 'name').split('\n');
    const left = all.filter((name) => /dhcp-server-lan|lan-192/.test(name));
    assert.deepEqual(left, []);
    return true;
  });
});
