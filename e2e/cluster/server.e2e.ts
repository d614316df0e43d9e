// The days of a DhcpServer on one node: its operator and its agent are processes, its client is real. Each test goes on from the
// one before.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as H from '../../codec/v4/header.ts';
import { Capture } from '../lab/capture.ts';
import { eventually, type Process } from '../lab/lab.ts';
import * as peers from '../lab/peers.ts';
import { Campus, type CampusNode } from './campus.ts';
import { conditionIs, OBJECT, server, statusOf } from './labserver.ts';

let campus: Campus;
let node: CampusNode;
let agent: Process;
let client: peers.Client;
let address = '';

before(async () => {
  campus = await Campus.start(1);
  node = campus.nodes[0]!;
  campus.announce();
  await campus.operator();
});
after(() => campus?.stop());

test('applied, it serves, and says where', async () => {
  campus.cluster.apply(server());
  await campus.podsReady(1);
  agent = await campus.agent(node, OBJECT);
  await conditionIs(campus, 'Ready', 'True Serving');
  await conditionIs(campus, 'Programmed', 'True Applied');
  const { endpoints } = campus.cluster.get<{ endpoints: { addresses: string[] }[] }>(
    ...['endpointslices', '-n', 'dhcp', 'dhcp-server-lab'],
  );
  assert.deepEqual(
    endpoints.map(({ addresses }) => addresses),
    [['10.123.0.11']],
  );
});

test('a client gets a lease, and kubectl shows it', async () => {
  client = peers.udhcpc(campus.client, 'eth0', ['-x', 'hostname:door']);
  ({ address } = await client.lease());
  await eventually(
    'the DhcpLease',
    () => {
      const row = campus.cluster.kubectl('-n', 'dhcp', 'get', 'dhcpleases', '--no-headers');
      return row.includes(address) && /door +Bound/.test(row);
    },
    10,
  );
});

test('an edit is applied within a second, by the pods that are there', async () => {
  const pods = campus.cluster.kubectl('-n', 'dhcp', 'get', 'pods', '-o', 'name');
  const { hash } = statusOf(node);
  campus.cluster.apply(server({ options: { domainName: 'edited.example' } }));
  await eventually('the edit to be applied', () => statusOf(node).hash !== hash, 1);
  assert.equal(campus.cluster.kubectl('-n', 'dhcp', 'get', 'pods', '-o', 'name'), pods);
});

test('an edit that cuts off the client is held back, and what was accepted serves on', async () => {
  const { hash } = statusOf(node);
  const pools = [{ start: '192.0.2.150', end: '192.0.2.199' }];
  campus.cluster.apply(server({ subnets: [{ cidr: '192.0.2.0/24', pools }] }));
  await conditionIs(campus, 'Accepted', 'False WouldStrand');
  assert.equal(statusOf(node).hash, hash);
  campus.cluster.apply(server({ options: { domainName: 'edited.example' } }));
  await conditionIs(campus, 'Accepted', 'True Valid');
});

test('without the API server clients renew and new ones come, also after a restart of the agent', async () => {
  await campus.cluster.killPart('kube-apiserver');
  const seen = await Capture.start(campus.client, 'eth0');
  client.renew();
  await seen.until('a renewal', (all) => all.some(({ type }) => type === H.DHCPACK) || null, 20);
  await agent.stop();
  agent = await campus.agent(node, OBJECT);
  const other = peers.dhclient(campus.client, 'eth0');
  const lease = await other.lease(40);
  assert.match(lease.address, /^192\.0\.2\.1\d\d$/);
  await campus.cluster.startApi();
});

test('what was granted meanwhile becomes known when the API server is back', async () => {
  await agent.line(/"msg":"this agent serves"/, 40);
  await eventually(
    'a second DhcpLease',
    () => {
      const rows = campus.cluster.kubectl('-n', 'dhcp', 'get', 'dhcpleases', '--no-headers');
      return rows.split('\n').filter((row) => row.includes('Bound')).length === 2;
    },
    30,
  );
});

test('deleting the object of a binding revokes it', async () => {
  campus.cluster.kubectl('-n', 'dhcp', 'delete', 'dhcplease', `lab-${address}`);
  await agent.line(/"msg":"revoked/, 20);
});

test('deleting the server removes all that was made for it', async () => {
  campus.cluster.kubectl('-n', 'dhcp', 'delete', 'dhcpserver', 'lab');
  const kinds = 'daemonsets,services,endpointslices,dhcpleases,roles,rolebindings';
  await eventually(
    'everything to go',
    () => {
      return campus.cluster.kubectl('-n', 'dhcp', 'get', kinds, '-o', 'name').trim() === '';
    },
    60,
  );
});
