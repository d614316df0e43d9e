// Agents and operator as processes on a real control plane, with real clients on a LAN.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as H from '../../codec/v4/header.ts';
import { Capture } from '../lab/capture.ts';
import { eventually } from '../lab/lab.ts';
import * as peers from '../lab/peers.ts';
import { Campus } from './campus.ts';

const SPEC = {
  interfaces: [{ match: 'eth0' }],
  authoritative: true,
  leaseTime: '1m',
  minLeaseTime: '10s',
  conflictDetection: { mode: 'Off' },
  subnets: [{ cidr: '192.0.2.0/24', pools: [{ start: '192.0.2.100', end: '192.0.2.199' }] }],
};

function server(spec: object = SPEC): string {
  const metadata = { name: 'lab', namespace: 'dhcp' };
  return JSON.stringify({
    apiVersion: 'dhcp-operator.io/v1alpha1',
    kind: 'DhcpServer',
    metadata,
    spec,
  });
}

async function campusTest(
  name: string,
  count: number,
  body: (campus: Campus) => Promise<void>,
): Promise<void> {
  await test(name, { timeout: 240_000 }, async () => {
    const campus = await Campus.start(count);
    try {
      await body(campus);
    } finally {
      await campus.stop();
    }
  });
}

describe('one node', () => {
  void campusTest('apply, lease, edit, break, outage, revoke, delete', 1, async (campus) => {
    const { cluster, client } = campus;
    const [n1] = campus.nodes;
    campus.announce();
    await campus.operator();
    cluster.apply(server());
    await campus.podsReady(1);
    await campus.agent(n1!, 'DhcpServer/dhcp/lab');
    await eventually(
      'it to serve',
      () => campus.condition('dhcpserver/lab', 'Ready') === 'True Serving',
      30,
    );
    assert.equal(
      cluster
        .kubectl(
          '-n',
          'dhcp',
          'wait',
          'dhcpserver/lab',
          '--for=condition=Programmed',
          '--timeout=20s',
        )
        .includes('met'),
      true,
    );

    const udhcpc = peers.udhcpc(client, 'eth0', ['-x', 'hostname:door']);
    const { address } = await udhcpc.lease();
    await eventually(
      'the lease to be seen',
      () => {
        const row = cluster.kubectl('-n', 'dhcp', 'get', 'dhcpleases', '--no-headers');
        return row.includes(address) && row.includes('door') && row.includes('Bound');
      },
      10,
    );
    const slice = cluster.get<{ endpoints: { addresses: string[] }[] }>(
      'endpointslices',
      '-n',
      'dhcp',
      'dhcp-server-lab',
    );
    assert.deepEqual(
      slice.endpoints.map(({ addresses }) => addresses),
      [['10.123.0.11']],
    );

    // An edit reaches the agent within a second, without a new pod.
    const pods = cluster.kubectl('-n', 'dhcp', 'get', 'pods', '-o', 'name');
    const status = (): { hash: string } =>
      JSON.parse(n1!.node.run('curl', '-s', 'http://127.0.0.1:9067/status'));
    const before = status().hash;
    cluster.apply(server({ ...SPEC, options: { domainName: 'edited.example' } }));
    await eventually('the edit to be applied', () => status().hash !== before, 2);
    assert.equal(cluster.kubectl('-n', 'dhcp', 'get', 'pods', '-o', 'name'), pods);

    // What cannot work is refused, and what was accepted keeps running.
    const good = status().hash;
    const broken = [
      { cidr: '192.0.2.0/24', pools: [{ start: '192.0.2.150', end: '192.0.2.199' }] },
    ];
    cluster.apply(server({ ...SPEC, subnets: broken }));
    await eventually(
      'the refusal',
      () => campus.condition('dhcpserver/lab', 'Accepted') === 'False WouldStrand',
      10,
    );
    assert.equal(status().hash, good);
    cluster.apply(server({ ...SPEC, options: { domainName: 'edited.example' } }));
    await eventually(
      'it to be accepted',
      () => campus.condition('dhcpserver/lab', 'Accepted') === 'True Valid',
      10,
    );

    // Answering never needs the API server.
    await cluster.killPart('kube-apiserver');
    const above = await Capture.start(client, 'eth0');
    udhcpc.renew();
    await above.until(
      'a renewal while the API server is away',
      (seen) => seen.some(({ type }) => type === H.DHCPACK) || null,
      20,
    );
    const second = peers.dhclient(client, 'eth0');
    await second.lease(30);
    await cluster.startApi();

    // Deleting the object of a binding revokes it.
    cluster.kubectl('-n', 'dhcp', 'delete', 'dhcplease', `lab-${address}`);
    await eventually(
      'the revocation',
      () => /"msg":"revoked/.test(campus.lab.nodes.get('n1') === undefined ? '' : agentLog(campus)),
      40,
    );

    // Deleting the server removes all that was made for it.
    cluster.kubectl('-n', 'dhcp', 'delete', 'dhcpserver', 'lab');
    await eventually(
      'everything to go',
      () => {
        const left = cluster.kubectl(
          '-n',
          'dhcp',
          'get',
          'daemonsets,services,endpointslices,dhcpleases,roles,rolebindings',
          '-o',
          'name',
        );
        return left.trim() === '';
      },
      40,
    );
  });
});

const log = (): string => '';
function agentLog(_campus: Campus): string {
  return log();
}
