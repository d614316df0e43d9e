// `make demo`: a client LAN, a node with our relay, a server, all in namespaces; real clients get real leases.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { PACKET_TYPE, SLOT } from '../agent/core/ring.ts';
import { PacketSocket } from '../agent/net/packet.ts';
import { formatIpv4 } from '../codec/ipv4.ts';
import { dhcpFilter } from '../codec/link/bpf.ts';
import { Datagram, parseDatagram } from '../codec/link/datagram.ts';
import { describeBytes } from '../codec/v4/describe.ts';
import type { Node, Process } from './lab/lab.ts';
import * as peers from './lab/peers.ts';
import { agent, LAN0, LAN1, manifest, type Office, office, relay, SERVER } from './netns/office.ts';

const TTY = process.stdout.isTTY;
const paint =
  (code: number) =>
  (text: string): string =>
    TTY ? `\x1b[${code}m${text}\x1b[0m` : text;
const [bold, dim, green, yellow, cyan] = [1, 2, 32, 33, 36].map(paint) as [
  Paint,
  Paint,
  Paint,
  Paint,
  Paint,
];
type Paint = (text: string) => string;

const PICTURE = `
   client0 eth0 ──── lan0 ┐
   ${LAN0}.0/24          │
                          node  up0 ──── eth0 server
                          │ (our relay)  ${SERVER}
   client1 eth0 ──── lan1 ┘
   ${LAN1}.0/24
`;

/** ETH_P_ALL: what goes out is seen too. */
const EVERY_PROTOCOL = 3;

const started = performance.now();
const say = (text: string): void => {
  const seconds = ((performance.now() - started) / 1000).toFixed(2).padStart(6);
  console.log(`${dim(`${seconds} s`)}  ${text}`);
};

if (process.getuid?.() !== 0) process.exit(inUserNamespace());
await demo();

async function demo(): Promise<void> {
  const site = office('demo');
  let watcher: PacketSocket | null = null;
  const interrupted = (): void => {
    console.log('\ninterrupted; cleaning up');
    void site.lab.close().then(() => process.exit(130));
  };
  process.once('SIGINT', interrupted);
  process.once('SIGTERM', interrupted);
  try {
    console.log(dim(PICTURE));
    await relay(site, { relayInformation: { mode: 'Always', circuitId: '{interface}' } });
    say(`node:   ${bold('dhcp-agent')} relays for lan0 and lan1, with option 82`);
    watcher = watch(site.node, { lan0: 'client side', lan1: 'client side', up0: 'server side' });
    for (const [name, serve] of [
      ['dnsmasq', foreignServer],
      ['dhcp-agent, as a DhcpServer', ourServer],
    ] as const) {
      const server = await serve(site);
      say(`server: ${bold(name)} serves both LANs, and sees neither\n`);
      await clientsGetLeases(site);
      await server.stop();
    }
    summary(site);
  } finally {
    watcher?.close();
    await site.lab.close();
  }
}

function foreignServer(site: Office): Promise<Process> {
  const subnets = [{ network: LAN0 }, { network: LAN1 }];
  return peers.dnsmasq(site.server, { ifname: 'eth0', subnets }, ['--user=root']);
}

function ourServer(site: Office): Promise<Process> {
  const subnets = [LAN0, LAN1].map((network) => ({
    cidr: `${network}.0/24`,
    pools: [{ start: `${network}.100`, end: `${network}.199` }],
    options: { routers: [`${network}.1`] },
  }));
  const spec = { interfaces: [{ match: 'eth0' }], leaseTime: '1h', subnets };
  return agent(site.server, [manifest('DhcpServer', 'campus', spec)]);
}

async function clientsGetLeases(site: Office): Promise<void> {
  for (const [kind, start] of Object.entries(peers.CLIENTS)) {
    for (const [i, node] of site.clients.entries()) {
      say(yellow(`client${i}: ${kind} starts on eth0`));
      const client = start(node, 'eth0');
      const { address, router, seconds } = await client.lease();
      say(green(`client${i}: ${kind} has ${bold(address)}, router ${router}, for ${seconds} s`));
      if (i === 0) {
        node.run('ping', '-c1', '-W2', router);
        say(green(`client${i}: the router answers a ping from the new address`));
      }
      await client.release();
      say(`client${i}: ${kind} has given it back\n`);
    }
  }
}

// What passes the node's interfaces, in the order in which the kernel saw it, one line a message.
function watch(node: Node, sides: Readonly<Record<string, string>>): PacketSocket {
  const names = new Map(
    Object.keys(sides).map((name) => [
      Number(/^(\d+):/.exec(node.run('ip', '-o', 'link', 'show', name))![1]),
      name,
    ]),
  );
  const datagram = new Datagram();
  const socket = PacketSocket.open({
    netns: `/run/netns/${node.namespace}`,
    protocol: EVERY_PROTOCOL,
    cooked: true,
    filter: dhcpFilter([67, 68]),
    onBatch: (count) => {
      for (let slot = 0; slot < count; slot++) show(socket, slot);
    },
  });
  const show = ({ ring, slotMeta }: PacketSocket, slot: number): void => {
    const word = slot * SLOT.WORDS;
    const ifname = names.get(slotMeta[word + SLOT.IFINDEX]!);
    const start = slotMeta[word + SLOT.START]!;
    const fault = parseDatagram(datagram, ring, start, start + slotMeta[word + SLOT.LENGTH]!, true);
    if (ifname === undefined || fault !== null) return;
    const sent = slotMeta[word + SLOT.PACKET_TYPE] === PACKET_TYPE.OUTGOING;
    const text = describeBytes(ring.subarray(datagram.payloadAt, datagram.end));
    const way = `${sent ? 'out' : 'in '} ${formatIpv4(datagram.source)} ► ${formatIpv4(datagram.destination)}`;
    say(`${cyan(ifname.padEnd(4))} ${dim(sides[ifname]!)} ${dim(way)}\n            ${text}`);
  };
  return socket;
}

function summary(site: Office): void {
  const metrics = site.node.run('curl', '-s', 'http://127.0.0.1:9067/metrics');
  const count = (pattern: RegExp): number =>
    [...metrics.matchAll(pattern)].reduce((sum, match) => sum + Number(match[1]), 0);
  const requests = count(/^dhcp_relay_messages_total\{.*direction="request".*\} (\d+)/gm);
  const replies = count(/^dhcp_relay_messages_total\{.*direction="reply".*\} (\d+)/gm);
  const drops = [...metrics.matchAll(/^dhcp_relay_drops_total\{.*reason="(\w+)"\} (\d+)/gm)];
  say(bold(`the relay's own count: ${requests} requests up, ${replies} replies down`));
  for (const [, reason, n] of drops) say(`dropped ${n} as ${reason}`);
  say('everything that was made for this is taken down again');
}

// Without root: the same as root of a user namespace of our own, with a /run that is ours.
function inUserNamespace(): number {
  const self = fileURLToPath(import.meta.url);
  const script = 'mount -t tmpfs tmpfs /run && exec "$@"';
  const { status, error } = spawnSync(
    'unshare',
    [
      '--user',
      '--map-root-user',
      '--net',
      '--mount',
      'sh',
      '-c',
      script,
      'demo',
      process.execPath,
      self,
    ],
    { stdio: 'inherit' },
  );
  if (error !== undefined)
    console.error(`demo: ${error.message}: install util-linux, or run as root`);
  else if (status === 1)
    console.error('demo: if user namespaces are not allowed here, run it as root');
  return status ?? 1;
}
