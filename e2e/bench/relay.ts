// `make bench`: our relay beside ISC dhcrelay and dnsmasq, in one run on one machine.
//
//     clients e0 ──── lan0 node up0 ──── e0 server          10.0.0.0/8 on the left, 203.0.113.0/24 on the right
//
// The relay has processor 0 to itself; generator and server, both polling, share processor 1. So the relay is the
// limit only as long as the generator's own ceiling, measured first without any relay, is well above.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Lab, type Node, type Process } from '../lab/lab.ts';
import { relayManifest, writeManifests } from '../netns/office.ts';

const { values } = parseArgs({
  options: { quick: { type: 'boolean' }, rounds: { type: 'string' } },
});
const ROUNDS = Number(values.rounds ?? (values.quick ? 1 : 3));
const SECONDS = values.quick ? 2 : 4;
const OPEN_LOOP_RATE = 10_000;
const IDLE_SECONDS = values.quick ? 2 : 5;
const MANY_INTERFACES = 1_000;
const SERVER = '203.0.113.1';
const GENERATOR = 'build/bench/loadgen';
const AGENT = 'build/agent/dhcp-agent';
/** _SC_CLK_TCK, which is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

interface Load {
  readonly exchanges: number;
  readonly perSecond: number;
  readonly lost: number;
  readonly wrong: number;
  readonly ackMicros: { readonly p50: number; readonly p99: number };
  readonly offerMicros: { readonly p50: number; readonly p99: number };
}

interface Row {
  readonly relay: string;
  readonly at64: number;
  readonly at512: number;
  /** Packets in and out per second of the relay's own processor time. */
  readonly packetsPerCpuSecond: number;
  /** Microseconds that the relay adds to a request and its reply, at 10,000 exchanges a second. */
  readonly addedP50: number;
  readonly addedP99: number;
  readonly lost: number;
  readonly wrong: number;
  readonly rssMiB: number;
  /** Percent of one processor while nothing happens. */
  readonly idleCpu: number;
}

type Start = (node: Node) => Promise<Process>;

const RELAYS: Readonly<Record<string, Start>> = {
  'dhcp-agent': ours,
  'ISC dhcrelay': async (node) =>
    started(
      node.start('taskset', [
        '-c',
        '0',
        '/usr/sbin/dhcrelay',
        '-4',
        '-d',
        '--no-pid',
        '-i',
        'lan0',
        '-i',
        'up0',
        SERVER,
      ]),
      /Sending on/,
    ),
  dnsmasq: async (node) =>
    started(
      node.start('taskset', [
        '-c',
        '0',
        '/usr/sbin/dnsmasq',
        '-d',
        '--port=0',
        '-C',
        '/dev/null',
        '--user=root',
        `--pid-file=${node.lab.folder}/pid`,
        '--leasefile-ro',
        `--dhcp-relay=10.0.0.1,${SERVER}`,
      ]),
      /DHCP relay/,
    ),
};

if (process.getuid?.() !== 0) {
  console.error('bench: needs root: network namespaces');
  process.exit(1);
}
prepare();
const lab = new Lab('bench');
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void lab.close().then(() => process.exit(130)));
}
try {
  const [clients, node, server] = cabling(lab);
  await started(server.start('taskset', ['-c', '1', GENERATOR, 'server', 'e0', SERVER]), null);
  const direct = await ceiling(lab);
  const rows: Row[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, start] of Object.entries(RELAYS)) {
      rows.push(await measure(name, start, clients, node, direct));
      say(`round ${round + 1} of ${ROUNDS}: ${name} ${Math.round(rows.at(-1)!.at512)}/s`);
    }
  }
  manyInterfaces(node);
  rows.push(
    await measure(`dhcp-agent, ${MANY_INTERFACES} more interfaces`, ours, clients, node, direct),
  );
  report(rows, direct);
} finally {
  await lab.close();
}

function prepare(): void {
  mkdirSync('build/bench', { recursive: true });
  execFileSync('cc', [
    '-O2',
    '-Wall',
    '-Wextra',
    '-Werror',
    '-o',
    GENERATOR,
    'e2e/bench/loadgen.c',
  ]);
  if (!existsSync(AGENT)) {
    console.error('bench: no bundle: run `make build`');
    process.exit(1);
  }
}

function cabling(all: Lab): [Node, Node, Node] {
  const [clients, node, server] = ['clients', 'node', 'server'].map((name) => all.node(name)) as [
    Node,
    Node,
    Node,
  ];
  all.cable([node, 'lan0'], [clients, 'e0']);
  all.cable([node, 'up0'], [server, 'e0']);
  node.ip('addr add 10.0.0.1/8 dev lan0\naddr add 203.0.113.2/24 dev up0');
  node.run('sysctl', '-qw', 'net.ipv4.ip_forward=1');
  // The server sends from a packet socket and answers no ARP.
  node.ip(`neigh replace ${SERVER} lladdr ${server.mac('e0')} dev up0 nud permanent`);
  return [clients, node, server];
}

// Generator and server face to face: what they could do if a relay cost nothing.
async function ceiling(all: Lab): Promise<{ perSecond: number; at10k: Load }> {
  const [left, right] = [all.node('left'), all.node('right')];
  all.cable([left, 'e0'], [right, 'e0']);
  const server = await started(
    right.start('taskset', ['-c', '1', GENERATOR, 'server', 'e0', SERVER]),
    null,
  );
  const closed = await load(left, ['--in-flight', '512']);
  const at10k = await load(left, ['--rate', String(OPEN_LOOP_RATE)]);
  await server.stop();
  say(`without a relay: ${Math.round(closed.perSecond)} exchanges/s`);
  return { perSecond: closed.perSecond, at10k };
}

async function ours(node: Node): Promise<Process> {
  const spec = {
    interfaces: [{ match: 'lan0' }],
    upstreams: [{ address: SERVER }],
    rateLimit: { perClient: 0 },
  };
  const file = writeManifests(node.lab, [relayManifest(spec)]);
  const args = ['-c', '0', AGENT, 'run', '-f', file, '--http', '127.0.0.1:9067'];
  return started(node.start('taskset', args), /"msg":"running"/);
}

async function measure(
  name: string,
  start: Start,
  clients: Node,
  node: Node,
  direct: { at10k: Load },
): Promise<Row> {
  const relay = await start(node);
  await load(clients, ['--in-flight', '64'], 1);
  const before = cpuSeconds(relay);
  const at512 = await load(clients, ['--in-flight', '512']);
  const cpu = cpuSeconds(relay) - before;
  const at64 = await load(clients, ['--in-flight', '64']);
  const open = await load(clients, ['--rate', String(OPEN_LOOP_RATE)]);
  const idleFrom = cpuSeconds(relay);
  await new Promise((resolve) => setTimeout(resolve, IDLE_SECONDS * 1000));
  const idle = cpuSeconds(relay) - idleFrom;
  const rss = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${relay.pid}/status`, 'utf8'))![1]);
  await relay.stop();
  return {
    relay: name,
    at64: at64.perSecond,
    at512: at512.perSecond,
    // An exchange is four packets, and each comes in and goes out.
    packetsPerCpuSecond: (at512.exchanges * 8) / cpu,
    addedP50: open.ackMicros.p50 - direct.at10k.ackMicros.p50,
    addedP99: open.ackMicros.p99 - direct.at10k.ackMicros.p50,
    lost: at64.lost + at512.lost + open.lost,
    wrong: at64.wrong + at512.wrong + open.wrong,
    rssMiB: rss / 1024,
    idleCpu: (idle / IDLE_SECONDS) * 100,
  };
}

async function load(node: Node, args: readonly string[], seconds = SECONDS): Promise<Load> {
  // As real clients do, without the BROADCAST bit. No more of them than the kernel's ARP table holds (1,024), through
  // which dnsmasq reaches them: with more it would stop answering.
  const clients = ['--clients', '900', '--seconds', String(seconds), ...args];
  const all = ['-c', '1', GENERATOR, 'clients', 'e0', ...clients];
  const generator = node.start('taskset', all);
  await generator.end(seconds + 20);
  return JSON.parse(generator.output) as Load;
}

async function started(relay: Process, line: RegExp | null): Promise<Process> {
  if (line !== null) await relay.line(line);
  else await new Promise((resolve) => setTimeout(resolve, 300));
  return relay;
}

function manyInterfaces(node: Node): void {
  const lines = Array.from({ length: MANY_INTERFACES }, (_, i) =>
    [
      `link add many${i} link lan0 type macvlan mode bridge`,
      `addr add 172.16.${i >> 8}.${i & 255}/32 dev many${i}`,
      `link set many${i} up`,
    ].join('\n'),
  );
  // Not below the LAN: a macvlan there would take a copy of every broadcast, whoever relays.
  node.ip('link add base type veth peer name base1\nlink set base up\nlink set base1 up');
  node.ip(lines.join('\n').replaceAll('link lan0', 'link base'));
}

function cpuSeconds(relay: Process): number {
  const fields = readFileSync(`/proc/${relay.pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

function report(rows: readonly Row[], direct: { perSecond: number }): void {
  const names = [...new Set(rows.map((row) => row.relay))];
  const medians = names.map((name) => medianRow(rows.filter((row) => row.relay === name)));
  const base = (name: string): Row => medians.find((row) => row.relay === name)!;
  const lines = [
    `Relay, ${new Date().toISOString().slice(0, 10)}, ${cpuName()}, median of ${ROUNDS}; without a relay the generator makes ${Math.round(direct.perSecond).toLocaleString('en')} exchanges/s.`,
    '',
    '| relay | exchanges/s, 64 in flight | 512 in flight | × dhcrelay | × dnsmasq | packets per CPU second | added µs p50 / p99 at 10,000/s | lost | RSS MiB | idle CPU % |',
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...medians.map((row) => {
      const times = (other: string): string => (row.at512 / base(other).at512).toFixed(1);
      const cells = [
        row.relay,
        whole(row.at64),
        whole(row.at512),
        times('ISC dhcrelay'),
        times('dnsmasq'),
        whole(row.packetsPerCpuSecond),
        `${whole(row.addedP50)} / ${whole(row.addedP99)}`,
        whole(row.lost),
        whole(row.rssMiB),
        row.idleCpu.toFixed(1),
      ];
      return `| ${cells.join(' | ')} |`;
    }),
  ];
  if (medians.some((row) => row.wrong > 0))
    lines.push('', 'Some answers were wrong: see the JSON.');
  console.log(`\n${lines.join('\n')}`);
  writeFileSync(join('build/bench', 'relay.md'), `${lines.join('\n')}\n`);
  writeFileSync(join('build/bench', 'relay.json'), JSON.stringify({ direct, rows }, null, 2));
}

function medianRow(rows: readonly Row[]): Row {
  const keys = Object.keys(rows[0]!).filter((key) => key !== 'relay') as Exclude<
    keyof Row,
    'relay'
  >[];
  const median = (key: Exclude<keyof Row, 'relay'>): number =>
    rows.map((row) => row[key]).sort((a, b) => a - b)[rows.length >> 1]!;
  return {
    relay: rows[0]!.relay,
    ...Object.fromEntries(keys.map((key) => [key, median(key)])),
  } as unknown as Row;
}

function cpuName(): string {
  return /model name\s*: (.*)/.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? process.arch;
}

function whole(n: number): string {
  return Math.round(n).toLocaleString('en');
}

function say(text: string): void {
  console.error(text);
}
