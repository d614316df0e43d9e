// Every client through our relay to every server, on two LANs at once: first lease, renewal, rebinding, release, INFORM,
// refusal. The topology is that of office.ts.
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import * as H from '../../codec/v4/header.ts';
import { Capture, type Seen } from '../lab/capture.ts';
import type { Node } from '../lab/lab.ts';
import * as peers from '../lab/peers.ts';
import { LAN0, LAN1, type Office, officeTest, relay, SERVER, SUBNETS } from './office.ts';

const LANS = [LAN0, LAN1] as const;

// They mostly wait for packets.
describe('clients through our relay', { concurrency: 3 }, () => {
  for (const server of Object.keys(peers.SERVERS) as (keyof typeof peers.SERVERS)[]) {
    officeTest(`${server} gives leases to every client on both LANs, and takes them back`, (site) =>
      leasesFrom(site, server),
    );
    officeTest(`${server} refuses what a client remembers: its NAK is broadcast`, (site) =>
      refusalFrom(site, server),
    );
    officeTest(`${server} answers the INFORM of dhcpcd`, async (site) => {
      await peers.SERVERS[server](site.server, SUBNETS);
      await relay(site);
      site.clients[0].ip(`addr add ${LAN0}.7/24 dev eth0`);
      const informing = peers.dhcpcd(site.clients[0], 'eth0', ['--noarp', '--inform', `${LAN0}.7`]);
      const { reason, address, router } = await informing.lease();
      assert.deepEqual([reason, address, router], ['INFORM', `${LAN0}.7`, `${LAN0}.1`]);
    });
  }

  // dhcpcd takes no lease of less than 20 s.
  for (const [seconds, ...pair] of [
    [16, 'dhclient', 'udhcpc'],
    [24, 'dhcpcd', 'networkd'],
  ] as const) {
    officeTest(`${pair.join(' and ')} renew past the relay, and rebind through it`, (site) =>
      renewals(site, seconds, pair),
    );
  }
});

async function leasesFrom(site: Office, server: keyof typeof peers.SERVERS): Promise<void> {
  await peers.SERVERS[server](site.server, SUBNETS);
  await relay(site);
  const above = await Capture.start(site.server, 'eth0');
  for (const [kind, start] of Object.entries(peers.ALL_CLIENTS)) {
    const addresses = await Promise.all(
      site.clients.map(async (node, i) => {
        const client = start(node, 'eth0');
        const { address, router } = await client.lease();
        assert.ok(address.startsWith(`${LANS[i]}.`), `${kind} got ${address} on ${LANS[i]}.0/24`);
        assert.equal(router, `${LANS[i]}.1`);
        await knows(node, `${LANS[i]}.1`);
        await client.release();
        return address;
      }),
    );
    // Routed through the node, it is none of the relay's business: the server sees it once, as the client sent it.
    for (const address of addresses) {
      const releases = (seen: readonly Seen[]): readonly Seen[] =>
        seen.filter(
          ({ type, source }) => type === H.DHCPRELEASE && source.startsWith(`${address}:`),
        );
      await above.until(`the release of ${kind}`, (seen) => releases(seen).length > 0);
      for (const { message } of releases(above.seen())) {
        assert.deepEqual([message.giaddr, message.hops], [0, 0]);
      }
    }
  }
}

/** What ends at once does not wait for ARP, and its last words are lost with it. networkd sets its address up later. */
async function knows(node: Node, router: string): Promise<void> {
  for (let tries = 0; tries < 50; tries++) {
    if ((await node.start('ping', ['-c1', '-w2', router]).end()) === 0) return;
    await setTimeout(100);
  }
  assert.fail(`${node.name} does not reach ${router}`);
}

async function refusalFrom(site: Office, server: keyof typeof peers.SERVERS): Promise<void> {
  const first = await peers.SERVERS[server](site.server, SUBNETS);
  await relay(site);
  const before = peers.dhclient(site.clients[0], 'eth0');
  const { address } = await before.lease();
  await Promise.all([before.process.stop('SIGKILL'), first.stop()]);
  // It comes back with its lease to a server that has forgotten it and gives out other addresses.
  const pools = { ifname: 'eth0', subnets: [{ network: LAN0, pool: [10, 20] as const }] };
  await peers.SERVERS[server](site.server, pools);
  // dhcpd is silent about a lease that it does not know (RFC 2131 §4.3.2), but not about a network.
  const wrong = server === 'dhcpd' ? '10.9.9.9' : address;
  const below = await Capture.start(site.clients[0], 'eth0');
  const again = peers.dhclient(site.clients[0], 'eth0', '', remembered(wrong));
  const lease = await again.lease();
  assert.match(lease.address, /^192\.0\.2\.(1\d|20)$/);
  const [request, nak] = below.seen();
  assert.deepEqual([request!.type, nak!.type], [H.DHCPREQUEST, H.DHCPNAK]);
  // RFC 2131 §4.1: the client has no address that it could be told of by unicast.
  assert.equal(nak!.to, 'ff:ff:ff:ff:ff:ff');
  assert.deepEqual([nak!.source, nak!.destination], [`${LAN0}.1:67`, '255.255.255.255:68']);
}

function remembered(address: string): string {
  const times = ['renew', 'rebind', 'expire'].map((what) => `${what} 6 2037/01/01 00:00:00;`);
  return `lease { interface "eth0"; fixed-address ${address}; option subnet-mask 255.255.255.0;
    option dhcp-lease-time 99999; option dhcp-server-identifier ${SERVER}; ${times.join(' ')} }`;
}

async function renewals(
  site: Office,
  leaseSeconds: number,
  kinds: readonly (keyof typeof peers.ALL_CLIENTS)[],
): Promise<void> {
  const times = { 'renew-timer': 2, 'rebind-timer': 5 };
  await peers.kea(site.server, { ...SUBNETS, leaseSeconds }, times);
  await relay(site);
  const above = await Capture.start(site.server, 'eth0');
  const below = await Promise.all(site.clients.map((node) => Capture.start(node, 'eth0')));
  const asks = (mac: string, relayed: boolean) => (seen: readonly Seen[]) =>
    seen.filter(({ type, message, payload }) => {
      const own = mac === macOf(payload) && type === H.DHCPREQUEST && message.ciaddr !== 0;
      return own && (message.giaddr !== 0) === relayed;
    });
  const macs = site.clients.map((node) => node.mac('eth0'));
  const clients = await Promise.all(
    kinds.map(async (kind, i) => {
      const client = peers.ALL_CLIENTS[kind](site.clients[i]!, 'eth0');
      await client.lease();
      // By itself it would renew a lease as short as this by broadcast.
      if (kind === 'udhcpc') client.renew();
      return client;
    }),
  );
  await Promise.all(
    clients.map(async (client, i) => {
      await client.lease(30);
      const renewed = asks(macs[i]!, false)(above.seen());
      assert.ok(renewed.length > 0, `${kinds[i]} renews by unicast`);
      // A client in a hurry may be rebinding already, which is by broadcast and goes through the relay.
      const relayed = asks(macs[i]!, true)(above.seen()).length;
      const broadcast = asks(macs[i]!, false)(below[i]!.seen()).filter(isBroadcast).length;
      assert.ok(relayed <= broadcast, 'a renewal in transit is left alone');
    }),
  );
  // What is routed through the node is lost from now on; what its relay sends is not.
  site.node.run('sysctl', '-qw', 'net.ipv4.ip_forward=0');
  await Promise.all(
    macs.map((mac, i) =>
      above.until(
        `${kinds[i]} to rebind`,
        (seen) => {
          const found = asks(mac, true)(seen)[0];
          return found === undefined ? null : answered(seen, found);
        },
        40,
      ),
    ),
  );
}

function isBroadcast({ destination }: Seen): boolean {
  return destination.startsWith('255.255.255.255:');
}

function answered(seen: readonly Seen[], { message }: Seen): boolean {
  return seen.some((one) => one.type === H.DHCPACK && one.message.xid === message.xid);
}

function macOf(payload: Uint8Array): string {
  const octets = payload.subarray(H.CHADDR, H.CHADDR + 6);
  return Array.from(octets, (octet) => octet.toString(16).padStart(2, '0')).join(':');
}
