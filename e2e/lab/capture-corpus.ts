// Makes the corpus anew, from real programs on real cables: `node e2e/lab/capture-corpus.ts [FOLDER]`, as root.
// Then `UPDATE=1 node --test codec/corpus.test.ts` writes the golden lines, whose changes a person should read.
//
//     client eth0 ────┐
//     squatter eth0 ──┤ switch ──── eth0 server            192.0.2.0/24
//
//     client eth0 ──── lan0 relay up0 ──── eth0 server      192.0.2.0/24, 203.0.113.0/24
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { formatSample } from '../../codec/corpus.ts';
import * as H from '../../codec/v4/header.ts';
import { CORPUS } from '../corpus.ts';
import { Capture, type Seen } from './capture.ts';
import { Lab, type Node, type Process } from './lab.ts';
import * as peers from './peers.ts';
import { CLIENTS, LAN, RAW, SERVERS, SUBNETS } from './talkative.ts';

const folder = process.argv[2] ?? CORPUS;
const CRAFT = fileURLToPath(new URL('craft.py', import.meta.url));
const names = new Set<string>();

interface Site {
  readonly lab: Lab;
  readonly client: Node;
  readonly server: Node;
}

function save(name: string, title: string, seen: Seen): void {
  assert.ok(!names.has(name), `${name} twice`);
  names.add(name);
  writeFileSync(`${folder}/${name}.hex`, formatSample({ title, bytes: seen.payload }));
}

/** A link with a client, a squatter and a server on it. */
async function onLink(body: (site: Site & { squatter: Node }) => Promise<void>): Promise<void> {
  const lab = new Lab('corpus');
  try {
    const [client, squatter, server, bridge] = ['client', 'squatter', 'server', 'switch'].map((n) =>
      lab.node(n),
    ) as [Node, Node, Node, Node];
    bridge.ip('link add br0 type bridge forward_delay 0\nlink set br0 up');
    for (const [i, node] of [client, squatter, server].entries()) {
      lab.cable([bridge, `port${i}`], [node, 'eth0']);
      bridge.ip(`link set port${i} master br0`);
      node.ip(`link set eth0 address 00:00:5e:00:53:0${i + 1}`);
    }
    server.ip(`addr add ${LAN}.1/24 dev eth0`);
    await body({ lab, client, squatter, server });
  } finally {
    await lab.close();
  }
}

/** A client behind a relay. */
async function behindRelay(body: (site: Site & { relay: Node }) => Promise<void>): Promise<void> {
  const lab = new Lab('corpus');
  try {
    const [client, relay, server] = ['client', 'relay', 'server'].map((n) => lab.node(n)) as [
      Node,
      Node,
      Node,
    ];
    lab.cable([relay, 'lan0'], [client, 'eth0']);
    lab.cable([relay, 'up0'], [server, 'eth0']);
    client.ip('link set eth0 address 00:00:5e:00:53:01');
    relay.ip(
      `link set lan0 address 00:00:5e:00:53:02\naddr add ${LAN}.2/24 dev lan0\naddr add 203.0.113.2/24 dev up0`,
    );
    relay.run('sysctl', '-qw', 'net.ipv4.ip_forward=1');
    server.ip('addr add 203.0.113.1/24 dev eth0\nroute add default via 203.0.113.2');
    await body({ lab, client, relay, server });
  } finally {
    await lab.close();
  }
}

/** What dhclient remembers of a network that this is not: it asks for that address at once, and is refused. */
const ELSEWHERE = `lease { interface "eth0"; fixed-address 10.9.9.9; option subnet-mask 255.255.255.0;
  option dhcp-lease-time 99999; option dhcp-server-identifier 10.9.9.1;
  renew 6 2037/01/01 00:00:00; rebind 6 2037/01/01 00:00:00; expire 6 2037/01/01 00:00:00; }`;

async function firstLease(server: string, client: string): Promise<void> {
  await onLink(async (site) => {
    await SERVERS[server]!(site.server);
    const capture = await Capture.start(site.server, 'eth0');
    const running = CLIENTS[client]!(site.client);
    await running.lease();
    const rapid = capture.seen().every(({ type }) => type !== H.DHCPOFFER);
    const note = rapid ? '-rapid' : '';
    if (!rapid)
      save(
        `${server}-offer-to-${client}`,
        `${server} OFFER to ${client}`,
        await capture.first(H.DHCPOFFER),
      );
    save(
      `${server}-ack${note}-to-${client}`,
      `${server} ACK to ${client}`,
      await capture.first(H.DHCPACK),
    );
    // Who does not know the server's hardware address says good-bye to nobody: it is gone before ARP has an answer.
    site.client.run('ping', '-c1', '-W2', `${LAN}.1`);
    await running.release();
    if (server !== 'kea') return;
    save(`${client}-discover`, `${client} DISCOVER`, await capture.first(H.DHCPDISCOVER));
    save(`${client}-request`, `${client} REQUEST, selecting`, await capture.first(H.DHCPREQUEST));
    save(`${client}-release`, `${client} RELEASE`, await capture.first(H.DHCPRELEASE));
  });
}

/** From the first lease to the last breath: the server goes when the lease has been renewed. */
async function renewAndRebind(client: string): Promise<void> {
  await onLink(async (site) => {
    const times = { 'renew-timer': 3, 'rebind-timer': 6, ...RAW };
    const server = await peers.kea(site.server, { ...SUBNETS, leaseSeconds: 24 }, times);
    const capture = await Capture.start(site.server, 'eth0');
    const running = CLIENTS[client]!(site.client);
    await running.lease();
    const asks = (seen: readonly Seen[], where: RegExp): Seen | undefined =>
      seen.find(
        ({ type, message, destination }) =>
          type === H.DHCPREQUEST && message.ciaddr !== 0 && where.test(destination),
      );
    const renew = await capture.until('a renewal', (seen) => asks(seen, /^192/), 30);
    save(`${client}-request-renew`, `${client} REQUEST, renewing`, renew);
    const answer = await capture.until('its answer', (seen) =>
      seen.find(({ type, message }) => type === H.DHCPACK && message.ciaddr !== 0),
    );
    save(`kea-ack-renew-to-${client}`, `kea ACK of a renewal by ${client}`, answer);
    await server.stop();
    const rebind = await capture.until('a rebinding', (seen) => asks(seen, /^255/), 40);
    save(`${client}-request-rebind`, `${client} REQUEST, rebinding`, rebind);
  });
}

async function refusal(server: string): Promise<void> {
  await onLink(async (site) => {
    await SERVERS[server]!(site.server);
    const capture = await Capture.start(site.server, 'eth0');
    peers.dhclient(site.client, 'eth0', '', ELSEWHERE);
    save(`${server}-nak`, `${server} NAK`, await capture.first(H.DHCPNAK));
    if (server === 'kea')
      save(
        'dhclient-request-reboot',
        'dhclient REQUEST, init-reboot',
        await capture.first(H.DHCPREQUEST),
      );
  });
}

/** Somebody has every address of the pool already. */
async function conflict(client: string, start: (node: Node) => peers.Client): Promise<void> {
  await onLink(async (site) => {
    await SERVERS.dhcpd!(site.server);
    const addresses = Array.from(
      { length: 100 },
      (_, i) => `addr add ${LAN}.${100 + i}/24 dev eth0`,
    );
    site.squatter.ip(addresses.join('\n'));
    const capture = await Capture.start(site.server, 'eth0');
    start(site.client);
    save(`${client}-decline`, `${client} DECLINE`, await capture.first(H.DHCPDECLINE, 30));
  });
}

async function inform(server: string): Promise<void> {
  await onLink(async (site) => {
    await SERVERS[server]!(site.server);
    site.client.ip(`addr add ${LAN}.7/24 dev eth0`);
    const capture = await Capture.start(site.server, 'eth0');
    const who = { dnsmasq: 'nmap', dhcpd: 'windows', kea: 'dhcpcd' }[server]!;
    if (who === 'nmap')
      site.client.start('nmap', [
        '-sU',
        '-n',
        '-Pn',
        '-p',
        '67',
        '--script',
        'dhcp-discover',
        `${LAN}.1`,
      ]);
    if (who === 'dhcpcd')
      peers.dhcpcd(site.client, 'eth0', [
        '--noarp',
        '--inform',
        `${LAN}.7/24`,
        '-i',
        'dhcpcd-9.4.1:Linux-6.1.0:x86_64',
      ]);
    if (who === 'windows') craft(site.client, ['windows-inform']);
    if (who !== 'windows')
      save(`${who}-inform`, `${who} INFORM`, await capture.first(H.DHCPINFORM, 30));
    save(
      `${server}-ack-inform-to-${who}`,
      `${server} ACK of an INFORM by ${who}`,
      await capture.first(H.DHCPACK),
    );
  });
}

function craft(node: Node, which: readonly string[]): Process {
  return node.start('/usr/bin/python3', [CRAFT, 'eth0', node.mac('eth0'), ...which]);
}

/** Messages of clients that cannot be run here. */
const CRAFTED = [
  ...[
    'pxe-bios-discover',
    'pxe-uefi-discover',
    'http-boot-discover',
    'arm-uefi-discover',
    'ipxe-discover',
  ],
  ...[
    'windows-discover',
    'windows-request',
    'windows-inform',
    'android-discover',
    'apple-request',
    'phone-discover',
  ],
  ...[
    'printer-bootp',
    'modem-discover',
    'long-options-discover',
    'overloaded-discover',
    'infiniband-discover',
  ],
  ...[
    'autoconfigure-discover',
    'rapid-discover',
    'subnet-selection-discover',
    'leasequery-address',
    'switch-discover',
  ],
  'snooped-discover',
];

async function crafted(): Promise<void> {
  await onLink(async (site) => {
    const capture = await Capture.start(site.server, 'eth0');
    await craft(site.client, CRAFTED).end();
    const seen = await capture.until('all of them', (all) =>
      all.length === CRAFTED.length ? all : null,
    );
    for (const [i, name] of CRAFTED.entries())
      save(`scapy-${name}`, `${name.replaceAll('-', ' ')}, by scapy`, seen[i]!);
  });
}

/** What servers say to a crafted message: its name, the server, the type of the answer, what to call it. */
async function answer(
  which: string,
  server: string,
  type: number,
  name: string,
  mac?: string,
): Promise<void> {
  await onLink(async (site) => {
    await SERVERS[server]!(site.server);
    site.client.ip(
      `${mac === undefined ? '' : `link set eth0 address ${mac}\n`}addr add ${LAN}.7/24 dev eth0`,
    );
    const capture = await Capture.start(site.server, 'eth0');
    craft(site.client, [which]);
    // A message sent once may be lost, and nobody here sends it again by himself.
    const again = setInterval(() => craft(site.client, [which]), 4_000);
    const find = (seen: readonly Seen[]): Seen | undefined =>
      seen.find((one) => one.type === type && one.message.op === H.BOOTREPLY);
    const found = await capture.until(name, find).finally(() => clearInterval(again));
    save(name, `${server} ${H.messageTypeName(type)} to ${which.replaceAll('-', ' ')}`, found);
  });
}

async function relayed(relay: 'dhcrelay' | 'dnsmasq-relay', server: string): Promise<void> {
  await behindRelay(async (site) => {
    await SERVERS[server]!(site.server);
    await startRelay(site.relay, relay);
    const [above, below] = [
      await Capture.start(site.server, 'eth0'),
      await Capture.start(site.client, 'eth0'),
    ];
    const running = CLIENTS.dhclient!(site.client);
    await running.lease();
    save(
      `${server}-offer-through-${relay}`,
      `${server} OFFER through ${relay}`,
      await above.first(H.DHCPOFFER),
    );
    save(
      `${server}-ack-through-${relay}`,
      `${server} ACK through ${relay}`,
      await above.first(H.DHCPACK),
    );
    if (server !== 'dhcpd') return;
    save(
      `${relay}-discover`,
      `DISCOVER of dhclient through ${relay}`,
      await above.first(H.DHCPDISCOVER),
    );
    save(
      `${relay}-request`,
      `REQUEST of dhclient through ${relay}`,
      await above.first(H.DHCPREQUEST),
    );
    save(
      `${relay}-offer-to-client`,
      `OFFER as ${relay} hands it down`,
      await below.first(H.DHCPOFFER),
    );
  });
}

async function refusalRelayed(server: string): Promise<void> {
  await behindRelay(async (site) => {
    await SERVERS[server]!(site.server);
    await startRelay(site.relay, 'dhcrelay');
    const [above, below] = [
      await Capture.start(site.server, 'eth0'),
      await Capture.start(site.client, 'eth0'),
    ];
    peers.dhclient(site.client, 'eth0', '', ELSEWHERE);
    save(
      `${server}-nak-through-dhcrelay`,
      `${server} NAK through dhcrelay`,
      await above.first(H.DHCPNAK),
    );
    if (server === 'kea')
      save('dhcrelay-nak-to-client', 'NAK as dhcrelay hands it down', await below.first(H.DHCPNAK));
  });
}

async function startRelay(node: Node, kind: 'dhcrelay' | 'dnsmasq-relay'): Promise<void> {
  if (kind === 'dhcrelay')
    await peers.dhcrelay(node, ['-a', '-i', 'lan0', '-i', 'up0', '203.0.113.1']);
  else await peers.dnsmasqRelay(node, `${LAN}.2`, '203.0.113.1');
}

const ALL: readonly (() => Promise<void>)[] = [
  ...Object.keys(SERVERS).flatMap((server) => [
    ...Object.keys(CLIENTS).map((client) => () => firstLease(server, client)),
    () => refusal(server),
    () => refusalRelayed(server),
    () => inform(server),
    () => relayed('dhcrelay', server),
    () => relayed('dnsmasq-relay', server),
  ]),
  ...Object.keys(CLIENTS).map((client) => () => renewAndRebind(client)),
  () => conflict('udhcpc', (node) => peers.udhcpc(node, 'eth0', ['-a'])),
  () =>
    conflict('dhcpcd', (node) =>
      peers.dhcpcd(node, 'eth0', ['-i', 'dhcpcd-9.4.1:Linux-6.1.0:x86_64']),
    ),
  crafted,
  () => answer('pxe-uefi-discover', 'dnsmasq', H.DHCPOFFER, 'dnsmasq-offer-pxe'),
  () => answer('pxe-uefi-discover', 'kea', H.DHCPOFFER, 'kea-offer-pxe'),
  () => answer('rapid-discover', 'dnsmasq', H.DHCPACK, 'dnsmasq-ack-rapid'),
  () => answer('long-options-discover', 'dhcpd', H.DHCPOFFER, 'dhcpd-offer-long-options'),
  () => answer('windows-discover', 'dhcpd', H.DHCPOFFER, 'dhcpd-offer-windows'),
  () => answer('printer-bootp', 'dhcpd', 0, 'dhcpd-bootp-reply', '00:00:5e:00:53:b0'),
  () => answer('leasequery-unknown', 'dhcpd', H.DHCPLEASEUNKNOWN, 'dhcpd-leaseunknown'),
  () => answer('leasequery-address', 'dhcpd', H.DHCPLEASEUNASSIGNED, 'dhcpd-leaseunassigned'),
];

mkdirSync(folder, { recursive: true });
const waiting = [...ALL];
let failed = 0;
/** They wait for each other's packets, not for the processor. */
const workers = Array.from({ length: 6 }, async () => {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    await next().catch((error: Error) => {
      failed++;
      console.error(error.message.slice(-1500));
    });
  }
});
await Promise.all(workers);
console.log(`${names.size} messages in ${folder}${failed > 0 ? `, ${failed} labs failed` : ''}`);
process.exitCode = failed > 0 ? 1 : 0;
