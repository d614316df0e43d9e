// A DhcpServer on two nodes, of which one is cut off.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as H from '../../codec/v4/header.ts';
import { Capture, type Seen } from '../lab/capture.ts';
import { eventually } from '../lab/lab.ts';
import * as peers from '../lab/peers.ts';
import { Campus, type CampusNode } from './campus.ts';
import { conditionIs, OBJECT, server, statusOf } from './labserver.ts';

let campus: Campus;
let active: CampusNode;
let standby: CampusNode;

before(async () => {
  campus = await Campus.start(2);
  campus.announce();
  await campus.operator();
  campus.cluster.apply(server());
  await campus.podsReady(2);
  await Promise.all(campus.nodes.map((node) => campus.agent(node, OBJECT)));
  await conditionIs(campus, 'Ready', 'True Serving');
  await eventually(
    'one that stands by',
    () => {
      return (
        campus.nodes
          .map((node) => statusOf(node).state)
          .sort()
          .join() === 'Active,Standby'
      );
    },
    40,
  );
  active = campus.nodes.find((node) => statusOf(node).state === 'Active')!;
  standby = campus.nodes.find((node) => node !== active)!;
});
after(() => campus?.stop());

test('cut off from the API server, the active one stops before the other takes over with its leases', async () => {
  const client = peers.udhcpc(campus.client, 'eth0');
  const { address } = await client.lease();
  await eventually(
    'the DhcpLease',
    () => {
      return campus.cluster.kubectl('-n', 'dhcp', 'get', 'dhcpleases').includes(address);
    },
    10,
  );
  // It takes a moment until a sole holder has become one that can be replaced.
  await eventually(
    'a Lease that ends',
    () => {
      const lease = campus.cluster.kubectl(
        '-n',
        'dhcp',
        'get',
        'lease',
        'dhcp-server-lab',
        '-o',
        'jsonpath={.spec.leaseDurationSeconds}',
      );
      return lease === '8';
    },
    40,
  );
  const capture = await Capture.start(campus.client, 'eth0');
  const asking = peers.dhclient(campus.client, 'eth0');
  await asking.lease(40);
  const macs = { active: active.node.mac('eth0'), standby: standby.node.mac('eth0') };
  campus.cut(active, true);
  const renewals = setInterval(() => client.renew(), 500);
  try {
    await capture.until(
      'the other to answer',
      (seen) => from(seen, macs.standby).length > 0 || null,
      60,
    );
    // Some more, to hear the first one if it spoke.
    await capture.until('more answers', (seen) => from(seen, macs.standby).length > 3 || null, 60);
  } finally {
    clearInterval(renewals);
  }
  const answers = capture.seen().filter(({ type }) => type === H.DHCPACK || type === H.DHCPOFFER);
  const firstOfStandby = answers.findIndex(({ from: mac }) => mac === macs.standby);
  const laterOfActive = answers
    .slice(firstOfStandby)
    .filter(({ from: mac }) => mac === macs.active);
  assert.deepEqual(laterOfActive, [], 'two answer');
  const renewed = from(capture.seen(), macs.standby).map(({ message }) => message.yiaddr);
  assert.ok(renewed.length > 0);
  await eventually('the first one to know', () => statusOf(active).state === 'Standby', 20);
  campus.cut(active, false);
});

function from(seen: readonly Seen[], mac: string): readonly Seen[] {
  return seen.filter((one) => one.from === mac && one.type === H.DHCPACK);
}
