// A real node: the chart installed by helm with our images, agents as pods, clients on the node's LAN.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import * as H from '../../codec/v4/header.ts';
import { Capture } from '../lab/capture.ts';
import * as peers from '../lab/peers.ts';
import { CHART, Field, LAN, lanServer, NAMESPACE } from './field.ts';

/** Far above what any of them takes. */
const LONG = { timeout: 300_000 };
/** linux/capability.h: bits of CapEff. */
const NET_BIND_SERVICE = 1n << 10n;
const NET_RAW = 1n << 13n;

/** A LAN behind the node that only its relay is on (RFC 5737). */
const BEHIND = '198.51.100';

let field: Field;

before(async () => {
  field = await Field.start('node', 1, true);
  await field.eventually('the node', () => {
    field.wait('node/node1', 'Ready', 5);
    return true;
  });
}, LONG);

after(async () => {
  await field?.close();
});

test('the operator runs from its image, and one of two replicas leads', LONG, async () => {
  const { cluster } = field;
  const deployment = `deployment/${NAMESPACE}`;
  cluster.kubectl('-n', NAMESPACE, 'rollout', 'status', deployment, '--timeout=120s');
  await field.eventually('a leader', () => {
    const holder = 'jsonpath={.spec.holderIdentity}';
    return cluster.kubectl('-n', NAMESPACE, 'get', 'lease', 'dhcp-operator', '-o', holder);
  });
});

test('helm test says so too, and its pod goes', LONG, () => {
  const { cluster } = field;
  const said = cluster.helm('test', NAMESPACE, '--namespace', NAMESPACE, '--logs');
  assert.match(said, /the kinds are served, and dhcp-operator-\S+ leads/);
  assert.doesNotMatch(cluster.kubectl('-n', NAMESPACE, 'get', 'pods', '-o', 'name'), /-test/);
});

test('a DhcpServer is Ready from its pod, and a client on the LAN a DhcpLease', LONG, async () => {
  field.cluster.apply(lanServer('lan'));
  field.wait('dhcpserver/lan', 'Ready', 120);
  const { address } = await field.lease().lease();
  const row = await field.eventually('its DhcpLease', () =>
    /^lan-192.*Bound.*$/m.exec(field.cluster.kubectl('get', 'dhcpleases')),
  );
  assert.match(row[0], new RegExp(address.replaceAll('.', '\\.')));
});

// Server and relay share the node's network: each hears all that the other sends and gets, and both want UDP port 67.
test('a DhcpRelay beside it is Ready, and a client on a LAN behind it a lease', LONG, async () => {
  const { cluster, lab, nodes } = field;
  const behind = lab.node('behind');
  lab.cable([behind, 'eth0'], [nodes[0]!.node, 'lan1']);
  nodes[0]!.node.ip(`addr add ${BEHIND}.1/24 dev lan1`);
  cluster.apply(lanServer('lan', { subnets: [LAN, BEHIND].map(subnetOf) }));
  cluster.apply(
    JSON.stringify({
      apiVersion: 'dhcp-operator.io/v1alpha1',
      kind: 'DhcpRelay',
      metadata: { name: 'far' },
      spec: { interfaces: [{ match: 'lan1' }], upstreams: [{ serverRef: { name: 'lan' } }] },
    }),
  );
  field.wait('dhcprelay/far', 'Ready', 120);

  const heard = await Capture.start(behind, 'eth0');
  const client = field.lease(behind);
  const { address, router, server } = await client.lease();
  assert.match(address, /^198\.51\.100\.1\d\d$/);
  assert.deepEqual([router, server], [`${BEHIND}.1`, nodes[0]!.address]);
  const row = await field.eventually('its DhcpLease', () =>
    new RegExp(`^lan-${address.replaceAll('.', '\\.')} .*$`, 'm').exec(
      cluster.kubectl('get', 'dhcpleases'),
    ),
  );
  assert.match(row[0], / Bound .* lan +198\.51\.100\.1$/);

  // Through the relay's node to the server itself (RFC 2131 §4.3.2, RENEWING).
  client.renew();
  assert.equal((await client.lease()).address, address);
  await oneAnswerEach(heard, 2);
});

test('the LAN of the node itself is still served by the server alone', LONG, async () => {
  const near = field.client();
  const heard = await Capture.start(near, 'eth0');
  const { address } = await field.lease(near).lease();
  assert.match(address, /^192\.0\.2\.1\d\d$/);
  await oneAnswerEach(heard, 1);
  const row = new RegExp(`^lan-${address.replaceAll('.', '\\.')} .*$`, 'm');
  const [line] = await field.eventually('its DhcpLease', () =>
    row.exec(field.cluster.kubectl('get', 'dhcpleases')),
  );
  assert.match(line, / lan\s*$/);
});

for (const [kind, child, bits] of [
  ['server', 'dhcp-server-lan', NET_RAW | NET_BIND_SERVICE],
  ['relay', 'dhcp-relay-far', NET_RAW],
] as const) {
  test(`the ${kind} has the capabilities that are promised and no others`, LONG, async () => {
    const [pid] = await field.eventually(`a process of ${child}`, () => {
      const found = processesOf(child);
      return found.length > 0 ? found : null;
    });
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    for (const set of ['CapEff', 'CapPrm', 'CapBnd']) {
      const [, hex] = new RegExp(`^${set}:\\s+(\\w+)$`, 'm').exec(status)!;
      assert.equal(BigInt(`0x${hex}`), bits, set);
    }
    assert.match(status, /^NoNewPrivs:\s+1$/m);
    assert.match(status, /^Seccomp:\s+2$/m);
    assert.match(readFileSync(`/proc/${pid}/mountinfo`, 'utf8'), /^\d+ \d+ \S+ \/ \/ ro,/m);
  });
}

test(
  'helm upgrade to another image replaces the pod, which knows the leases and soon answers',
  LONG,
  async () => {
    const client = field.lease();
    const { address } = await client.lease();
    const before = podOf('lan');
    const next = field.client();
    assert.match(imageOf(before), /agent:\d/);
    const { cluster } = field;
    const release = [NAMESPACE, CHART, '--namespace', NAMESPACE];
    cluster.helm('upgrade', ...release, '--set', 'image.tag=next', '--set', 'agent.image.tag=next');
    await field.eventually('the old agent to end', () => {
      return processesOf('dhcp-server-lan').length === 0;
    });
    const ended = performance.now();
    // Asks every second, where most clients wait for four (RFC 2131 §4.1).
    await peers.udhcpc(next, 'eth0', ['-T', '1', '-t', '60']).lease(60);
    const gap = (performance.now() - ended) / 1000;
    console.log(`answering gap: ${gap.toFixed(1)} s, as a client sees it that asks every second`);
    assert.ok(gap < 20, 'many times what it takes on a quiet machine');
    await field.eventually('the new pod', () => !['', before].includes(podOf('lan')));
    assert.match(imageOf(podOf('lan')), /agent:next$/);
    field.wait('dhcpserver/lan', 'Ready', 120);
    client.renew();
    assert.equal((await client.lease()).address, address);
  },
);

test('uninstalled, nothing is left but what was asked to be kept', LONG, async () => {
  const { cluster } = field;
  cluster.kubectl('delete', 'dhcpservers,dhcprelays', '--all', '-A', '--timeout=60s');
  await field.eventually('the agents to go', () => {
    return processesOf('dhcp-server-lan').length + processesOf('dhcp-relay-far').length === 0;
  });
  cluster.helm('uninstall', NAMESPACE, '--namespace', NAMESPACE, '--wait');
  const kinds = 'ds,deploy,cm,sa,role,rolebinding,svc,pdb,dhcplease,clusterrole,clusterrolebinding';
  await field.eventually('everything to go', () => {
    const all = cluster.kubectl('get', kinds, '-A', '-o', 'name').split('\n');
    assert.deepEqual(
      all.filter((name) => /dhcp/.test(name)),
      [],
    );
    return true;
  });
  assert.match(cluster.kubectl('get', 'crd', '-o', 'name'), /dhcpservers/);
});

// What arrives twice, from the cable and from the other agent, would be answered twice.
async function oneAnswerEach(heard: Capture, acks: number): Promise<void> {
  const all = await heard.until('every ACK', (seen) => {
    return seen.filter(({ type }) => type === H.DHCPACK).length >= acks ? seen : null;
  });
  const count = (wanted: number): number => all.filter(({ type }) => type === wanted).length;
  assert.equal(count(H.DHCPOFFER), count(H.DHCPDISCOVER));
  assert.equal(count(H.DHCPACK), count(H.DHCPREQUEST));
}

function subnetOf(network: string): object {
  return {
    cidr: `${network}.0/24`,
    pools: [{ start: `${network}.100`, end: `${network}.199` }],
    options: { routers: [`${network}.1`] },
  };
}

/** The processes of a child's agents, by the object that their command line names. */
function processesOf(child: string): number[] {
  const [, kind, name] = /^dhcp-(server|relay)-(.*)$/.exec(child)!;
  const object = `--object=${kind === 'server' ? 'DhcpServer' : 'DhcpRelay'}/default/${name}`;
  return field.nodes[0]!.node.pids().filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(object);
    } catch {
      return false;
    }
  });
}

function imageOf(pod: string): string {
  return field.cluster.kubectl('get', 'pod', pod, '-o', 'jsonpath={.spec.containers[0].image}');
}

function podOf(instance: string): string {
  const path = 'jsonpath={.items[?(@.status.phase=="Running")].metadata.name}';
  const labels = `app.kubernetes.io/instance=${instance}`;
  return field.cluster.kubectl('get', 'pods', '-l', labels, '-o', path);
}
