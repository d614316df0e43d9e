// What our relay puts on the wire, octet for octet, as tcpdump wrote it down. The topology is that of office.ts.
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { hex } from '../../codec/hardware.ts';
import { formatIpv4 } from '../../codec/ipv4.ts';
import * as H from '../../codec/v4/header.ts';
import { Capture, type Seen } from '../lab/capture.ts';
import * as peers from '../lab/peers.ts';
import { ask, LAN0, LAN1, type Office, officeTest, relay, SERVER, SUBNETS } from './office.ts';

/** Circuit-id `lan0` and remote-id `node-7`. */
const OURS = '520e01046c616e3002066e6f64652d37';
const INFORMATION = { mode: 'Always', circuitId: '{interface}', remoteId: 'node-7' };

// They mostly wait for packets.
const TOGETHER = { concurrency: 3 };

describe('option 82 comes and goes', TOGETHER, () => {
  for (const server of Object.keys(peers.SERVERS) as (keyof typeof peers.SERVERS)[]) {
    officeTest(
      `R1, R5: option 82 goes up as the last, comes off again, and nothing else is touched (${server})`,
      async (site) => {
        await peers.SERVERS[server](site.server, SUBNETS);
        await relay(site, { relayInformation: INFORMATION });
        const [below, above] = await bothSides(site);
        const client = peers.udhcpc(site.clients[0], 'eth0');
        const { address } = await client.lease();
        await below.first(H.DHCPACK);
        const asked = pairs(below.seen(), above.seen(), H.BOOTREQUEST);
        const told = pairs(above.seen(), below.seen(), H.BOOTREPLY);
        assert.deepEqual([asked.length, told.length], [2, 2]);
        for (const [sent, relayed] of asked) upwards(sent, relayed);
        for (const [sent, relayed] of told) {
          downwards(sent, relayed);
          // RFC 2131 §4.1: to the address it is given, at its hardware address.
          assert.equal(relayed.to, site.clients[0].mac('eth0'));
          assert.deepEqual(
            [relayed.source, relayed.destination],
            [`${LAN0}.1:67`, `${address}:68`],
          );
        }
        // And what somebody else says of it.
        assert.doesNotMatch(below.text(), /bad (udp )?cksum|Agent-Information/);
        const requests = above
          .text()
          .split(/^(?=\d\d:)/m)
          .filter((text) => /BOOTP.*Request/.test(text));
        for (const text of requests) {
          assert.match(
            text,
            /udp sum ok[\s\S]*Agent-Information[\s\S]*Circuit-ID SubOption 1, length 4: lan0/,
          );
        }
        assert.equal(requests.length, 2);
      },
    );
  }

  officeTest('R9: giaddr elsewhere: the link is told by sub-option 5 (RFC 3527)', async (site) => {
    await peers.kea(site.server, SUBNETS);
    site.node.ip('addr add 10.255.0.1/32 dev lo');
    site.server.ip('route add 10.255.0.1/32 via 203.0.113.2');
    await relay(site, { interfaces: [{ match: 'lan*', giaddr: '10.255.0.1' }] });
    const [, above] = await bothSides(site);
    for (const [i, network] of [LAN0, LAN1].entries()) {
      const { address } = await peers.udhcpc(site.clients[i]!, 'eth0').lease();
      assert.ok(address.startsWith(`${network}.`), address);
    }
    for (const { message } of above.seen())
      assert.equal(formatIpv4(message.giaddr), '10.255.0.1', 'both ways');
  });

  officeTest('R10: with sub-option 11 (RFC 5107) clients renew through the relay', async (site) => {
    await peers.dnsmasq(site.server, SUBNETS);
    await relay(site, { relayInformation: { serverIdOverride: true } });
    const [, above] = await bothSides(site);
    const client = peers.udhcpc(site.clients[0], 'eth0');
    assert.equal((await client.lease()).server, `${LAN0}.1`);
    client.renew();
    await client.lease();
    const renewal = above.seen().filter(({ type }) => type === H.DHCPREQUEST);
    assert.equal(renewal.length, 2);
    assert.equal(formatIpv4(renewal[1]!.message.giaddr), `${LAN0}.1`);
    assert.notEqual(renewal[1]!.message.ciaddr, 0);
  });
});

describe('replies go where they should', TOGETHER, () => {
  officeTest('B3: the BROADCAST bit is honoured with IP and link-layer broadcast', async (site) => {
    await peers.kea(site.server, SUBNETS);
    await relay(site);
    const [below] = await bothSides(site);
    await peers.udhcpc(site.clients[0], 'eth0', ['-B']).lease();
    await below.first(H.DHCPACK);
    const replies = below.seen().filter(({ message }) => message.op === H.BOOTREPLY);
    assert.equal(replies.length, 2);
    for (const { to, destination } of replies) {
      assert.deepEqual([to, destination], ['ff:ff:ff:ff:ff:ff', '255.255.255.255:68']);
    }
  });

  officeTest('B5: an INFORM is answered to the address that asked', async (site) => {
    await peers.dnsmasq(site.server, SUBNETS);
    await relay(site);
    const [below] = await bothSides(site);
    site.clients[0].ip(`addr add ${LAN0}.7/24 dev eth0`);
    const asked = peers.inform(site.clients[0], 'eth0', `${LAN0}.7`);
    await asked.line(/ANSWER type 5 yiaddr 0\.0\.0\.0 from 192\.0\.2\.1/);
    const { to, destination } = await below.first(H.DHCPACK);
    assert.deepEqual([to, destination], [site.clients[0].mac('eth0'), `${LAN0}.7:68`]);
  });

  officeTest(
    'R14: without an echo the request that waits tells the link; without that nobody guesses',
    async (site) => {
      site.node.ip('addr add 10.255.0.1/32 dev lo');
      site.server.ip('route add 10.255.0.1/32 via 203.0.113.2');
      const given = { [`${LAN0}.1`]: `${LAN0}.60`, [`${LAN1}.1`]: `${LAN1}.60` };
      const deaf = await peers.deafServer(site.server, given);
      await relay(site, { interfaces: [{ match: 'lan*', giaddr: '10.255.0.1' }] });
      const belows = await Promise.all(site.clients.map((node) => Capture.start(node, 'eth0')));
      for (const [i, network] of [LAN0, LAN1].entries()) {
        const { address } = await peers.udhcpc(site.clients[i]!, 'eth0').lease();
        assert.equal(address, `${network}.60`);
      }
      await deaf.stop();
      await site.server.start('python3', ['-c', STRAY, '10.255.0.1']).end();
      const counted = /^dhcp_relay_drops_total\{.*reason="ambiguousLink"\} 1$/m;
      await belows[0]!.until('the drop', () => counted.test(ask(site, '/metrics')));
      for (const below of belows) {
        assert.ok(below.seen().every(({ message }) => message.xid !== STRAY_XID));
      }
    },
  );
});

describe('requests go up once', TOGETHER, () => {
  officeTest('B19: every request goes to every server, once', async (site) => {
    await peers.kea(site.server, SUBNETS);
    site.server.ip('addr add 203.0.113.3/24 dev eth0');
    await relay(site, { upstreams: [{ address: SERVER }, { address: '203.0.113.3' }] });
    const [, above] = await bothSides(site);
    await peers.udhcpc(site.clients[0], 'eth0').lease();
    const requests = above.seen().filter(({ message }) => message.op === H.BOOTREQUEST);
    assert.deepEqual(
      requests.map(({ type, destination }) => [type, destination]),
      [H.DHCPDISCOVER, H.DHCPREQUEST].flatMap((type) => [
        [type, `${SERVER}:67`],
        [type, '203.0.113.3:67'],
      ]),
    );
  });

  officeTest(
    'secondary addresses: one request out per request in, with the primary address',
    async (site) => {
      await peers.kea(site.server, SUBNETS);
      site.node.ip(
        'addr add 192.0.2.250/24 dev lan0\naddr add 10.99.0.1/16 dev lan0\naddr add 192.0.2.99/32 dev lan0',
      );
      await relay(site);
      const [, above] = await bothSides(site);
      await peers.udhcpc(site.clients[0], 'eth0').lease();
      const requests = above.seen().filter(({ message }) => message.op === H.BOOTREQUEST);
      assert.deepEqual(
        requests.map(({ message }) => formatIpv4(message.giaddr)),
        [`${LAN0}.1`, `${LAN0}.1`],
      );
    },
  );

  officeTest('a bridge with ports: each request is relayed once, from the bridge', async (site) => {
    // client0 ──── lan0 ┐
    //                   br0 (192.0.2.1) node up0 ──── server
    // client1 ──── lan1 ┘
    await peers.kea(site.server, SUBNETS);
    site.node.ip(
      'addr flush dev lan0\naddr flush dev lan1\nlink add br0 type bridge forward_delay 0\nlink set lan0 master br0\nlink set lan1 master br0\naddr add 192.0.2.1/24 dev br0\nlink set br0 up',
    );
    await relay(site, { interfaces: [{ match: '*' }], excludeInterfaces: ['up0'] });
    const [, above] = await bothSides(site);
    await Promise.all(site.clients.map((client) => peers.udhcpc(client, 'eth0').lease()));
    const requests = above.seen().filter(({ message }) => message.op === H.BOOTREQUEST);
    const kinds = requests.map(({ message, type }) => `${message.xid} ${type}`);
    assert.equal(new Set(kinds).size, kinds.length, 'nothing twice');
    assert.equal(kinds.length, 4);
  });
});

const STRAY_XID = 0x57524159;
/** A reply to nobody's request, from the server's own port. */
const STRAY = `import socket, sys
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); udp.bind(("${SERVER}", 67))
reply = bytearray(240); reply[0:3] = bytes([2, 1, 6]); reply[4:8] = bytes.fromhex("${STRAY_XID.toString(16)}")
reply[24:28] = socket.inet_aton(sys.argv[1]); reply[28:34] = bytes([2, 0, 0, 0, 0, 9]); reply[236:240] = bytes.fromhex("63825363")
udp.sendto(bytes(reply) + bytes([53, 1, 2, 255]) + bytes(56), (sys.argv[1], 67))`;

/** At the client and at the server. */
async function bothSides(site: Office): Promise<[Capture, Capture]> {
  return [
    await Capture.start(site.clients[0], 'eth0'),
    await Capture.start(site.server, 'eth0', 'udp port 67'),
  ];
}

/** What went in with what came out of it. */
function pairs(
  before: readonly Seen[],
  after: readonly Seen[],
  op: number,
): (readonly [Seen, Seen])[] {
  return before
    .filter(({ message }) => message.op === op)
    .flatMap((one) => {
      const same = ({ type, message }: Seen): boolean =>
        type === one.type && message.xid === one.message.xid;
      return after.filter(same).map((other) => [one, other] as const);
    });
}

function upwards(sent: Seen, relayed: Seen): void {
  assert.equal(relayed.checksum, 'right');
  assert.deepEqual([relayed.source, relayed.destination], [`${LAN0}.1:67`, `${SERVER}:67`]);
  const wanted = Buffer.from(sent.payload);
  wanted[H.HOPS] = 1;
  wanted.set([192, 0, 2, 1], H.GIADDR);
  const end = endOf(wanted);
  assert.equal(hex(relayed.payload.subarray(0, end)), hex(wanted.subarray(0, end)));
  assert.match(hex(relayed.payload.subarray(end)), new RegExp(`^${OURS}ff(00)*$`));
  assert.ok(relayed.payload.length >= H.MESSAGE_LENGTH_MIN);
}

function downwards(sent: Seen, relayed: Seen): void {
  assert.equal(relayed.checksum, 'right');
  const at = hex(sent.payload).indexOf(OURS) / 2;
  assert.ok(at > H.OPTIONS, 'the server echoes what we said');
  const rest = [sent.payload.subarray(0, at), sent.payload.subarray(at + OURS.length / 2)];
  const wanted = Buffer.concat(rest);
  const filled = Buffer.alloc(Math.max(wanted.length, H.MESSAGE_LENGTH_MIN));
  wanted.copy(filled);
  assert.equal(hex(relayed.payload), hex(filled));
}

/** Where the options end. */
function endOf(payload: Uint8Array): number {
  for (let at: number = H.OPTIONS; at < payload.length; ) {
    const code = payload[at]!;
    if (code === H.END) return at;
    at += code === H.PAD ? 1 : 2 + payload[at + 1]!;
  }
  return assert.fail('no END');
}
