// What needs a kernel with 802.1Q, vrf, ipvlan, dummy and netem. Run inside the virtual machine by test.sh, where a process
// takes thirty times as long to start, so nothing here is in a hurry.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../lab/lab.ts';
import * as peers from '../lab/peers.ts';
import { LAN0, LAN1, type Office, office, relay } from '../netns/office.ts';

const SUBNETS = { ifname: 'eth0', subnets: [{ network: LAN0 }, { network: LAN1 }] };
function lab(name: string, body: (site: Office) => Promise<void>): void {
  test(name, { timeout: 400_000 }, async () => {
    const site = office('vm');
    try {
      await peers.dnsmasq(site.server, SUBNETS);
      await body(site);
    } finally {
      await site.lab.close();
    }
  });
}

const metric = (site: Office, pattern: RegExp): number => {
  const text = site.node.run('curl', '-s', 'http://127.0.0.1:9067/metrics');
  return Number(pattern.exec(text)?.[1] ?? 0);
};

// client0 eth0 ──── lan0 node        eth0 carries eth0.30, eth0.40 and eth0.50; the node has lan0.30 and lan0.40 only.
lab(
  "two VLANs on one trunk get leases of their own subnets; a tag without an interface is nobody's",
  async (site) => {
    const [client] = site.clients;
    site.node.ip('addr flush dev lan0\naddr flush dev lan1');
    for (const [vlan, network] of [
      [30, LAN0],
      [40, LAN1],
    ] as const) {
      site.node.ip(
        `link add link lan0 name lan0.${vlan} type vlan id ${vlan}\naddr add ${network}.1/24 dev lan0.${vlan}\nlink set lan0.${vlan} up`,
      );
    }
    for (const vlan of [30, 40, 50]) {
      client.ip(
        `link add link eth0 name eth0.${vlan} type vlan id ${vlan}\nlink set eth0.${vlan} up`,
      );
    }
    await relay(site, {
      interfaces: [{ match: 'lan0.*' }],
      relayInformation: { mode: 'Always', circuitId: 'vlan {vlan}' },
    });
    for (const [vlan, network] of [
      [30, LAN0],
      [40, LAN1],
    ] as const) {
      const running = peers.udhcpc(client, `eth0.${vlan}`);
      const { address } = await running.lease();
      assert.ok(address.startsWith(`${network}.`), `${address} on VLAN ${vlan}`);
      await running.release();
    }
    const requests = metric(site, /direction="request",type="DISCOVER"\} (\d+)/);
    peers.udhcpc(client, 'eth0.50');
    await eventually(
      'the stray tag to be noticed',
      () => metric(site, /reason="otherHost"\} (\d+)/) > 0,
      30,
    );
    assert.equal(metric(site, /direction="request",type="DISCOVER"\} (\d+)/), requests);
  },
);

lab('tags that the driver has stripped (hardware acceleration on and off)', async (site) => {
  const [client] = site.clients;
  site.node.ip(
    `addr flush dev lan0\nlink add link lan0 name lan0.30 type vlan id 30\naddr add ${LAN0}.1/24 dev lan0.30\nlink set lan0.30 up`,
  );
  client.ip('link add link eth0 name eth0.30 type vlan id 30\nlink set eth0.30 up');
  await relay(site, { interfaces: [{ match: 'lan0.30' }] });
  for (const state of ['on', 'off']) {
    for (const [node, ifname] of [
      [site.node, 'lan0'],
      [client, 'eth0'],
    ] as const) {
      node.run('ethtool', '-K', ifname, 'rxvlan', state, 'txvlan', state);
    }
    const running = peers.udhcpc(client, 'eth0.30');
    assert.match((await running.lease()).address, /^192\.0\.2\./);
    await running.release();
  }
});

// client0 eth0 ──── lan0 │ vrf red │ node │ vrf blue │ up0 ──── eth0 server
lab('clients in one vrf, servers in another', async (site) => {
  site.node.ip(
    [
      'link add red type vrf table 10',
      'link set red up',
      'link set lan0 master red',
      'link add blue type vrf table 20',
      'link set blue up',
      'link set up0 master blue',
      // The reply to giaddr comes in on blue: that address has to be known there.
      `addr add ${LAN0}.1/32 dev blue`,
    ].join('\n'),
  );
  await relay(site, { interfaces: [{ match: 'lan0' }], upstreamDevice: 'blue' });
  assert.match((await peers.udhcpc(site.clients[0], 'eth0').lease()).address, /^192\.0\.2\./);
});

// pod ipv0 ┄ host eth0 ──── lan0 node: two hosts, one hardware address.
lab("an ipvlan client, whose hardware address is its host's too", async (site) => {
  const [host] = site.clients;
  const pod = site.lab.node('pod');
  host.ip(`link add ipv0 link eth0 type ipvlan mode l2\nlink set ipv0 netns ${pod.namespace}`);
  pod.ip('link set ipv0 up');
  await relay(site);
  // RFC 2131 §2: it cannot take unicast before it has its address, so it says so.
  const { address } = await peers.udhcpc(pod, 'ipv0', ['-B', '-x', '0x3d:00706f64']).lease();
  assert.match(address, /^192\.0\.2\./);
});

lab('a macvlan client', async (site) => {
  const [host] = site.clients;
  const pod = site.lab.node('pod');
  host.ip(`link add mac0 link eth0 type macvlan mode bridge\nlink set mac0 netns ${pod.namespace}`);
  pod.ip('link set mac0 up');
  await relay(site);
  assert.match((await peers.udhcpc(pod, 'mac0').lease()).address, /^192\.0\.2\./);
});

lab('a giaddr on a dummy interface, link selection tells the subnet', async (site) => {
  site.node.ip('link add id0 type dummy\naddr add 10.255.0.1/32 dev id0\nlink set id0 up');
  site.server.ip('route replace 10.255.0.1/32 via 203.0.113.2');
  await relay(site, { interfaces: [{ match: 'lan*', giaddr: '10.255.0.1' }] });
  for (const [i, network] of [LAN0, LAN1].entries()) {
    const { address } = await peers.udhcpc(site.clients[i]!, 'eth0').lease();
    assert.ok(address.startsWith(`${network}.`), address);
  }
});

lab(
  'a fifth of the packets lost and 150 ms of delay: retransmissions are relayed like anything else',
  async (site) => {
    site.node.run(
      'tc',
      'qdisc',
      'add',
      'dev',
      'up0',
      'root',
      'netem',
      'delay',
      '150ms',
      'loss',
      '20%',
    );
    site.clients[0].run('tc', 'qdisc', 'add', 'dev', 'eth0', 'root', 'netem', 'loss', '20%');
    await relay(site);
    const { address } = await peers.udhcpc(site.clients[0], 'eth0', ['-t', '20']).lease();
    assert.match(address, /^192\.0\.2\./);
    assert.match(
      site.node.run('curl', '-s', 'http://127.0.0.1:9067/metrics'),
      /round_trip_seconds_bucket\{.*le="0\.5"\} [1-9]/,
    );
  },
);
