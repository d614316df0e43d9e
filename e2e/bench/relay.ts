// `node e2e/bench/relay.ts [--quick] [--rounds N]`: our relay beside ISC dhcrelay and dnsmasq, in one run on one machine.
//
//     clients e0 ──── lan0 node up0 ──── e0 server          10.0.0.0/8 on the left, 203.0.113.0/24 on the right
//
// The relay has processor 0 to itself; generator and stateless server, both polling, share processor 1. What they can
// do without a relay between them is measured first: a relay is measured only as far as it stays below that.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { flags } from '../flags.ts';
import { Lab, type Node, type Process } from '../lab/lab.ts';
import { buildGenerator, type Load, OUT, runLoad, startResponder } from './generator.ts';
import { type Contestant, contestants } from './relays.ts';
import { type Direct, type Row, relayTable, rowLine } from './relaytable.ts';
import {
  between,
  cpuSeconds,
  fineCpuSeconds,
  kernelDrops,
  machineCpuSeconds,
  preferThisSession,
  residentMiB,
} from './usage.ts';

const values = flags('node e2e/bench/relay.ts [--quick] [--rounds N]', { quick: false, rounds: 0 });
const ROUNDS = values.rounds || (values.quick ? 1 : 3);
const SECONDS = values.quick ? 2 : 4;
const IDLE_SECONDS = values.quick ? 2 : 10;
const DEPTHS = [8, 64, 512] as const;
const OPEN_LOOP_RATE = 10_000;
const MORE_INTERFACES = 1_000;
const [GIADDR, SERVER] = ['10.0.0.1', '203.0.113.1'];
const OTHERS = 1;
/**
 * Not more than the kernel's table of neighbours holds for all namespaces together (1,024): dnsmasq reaches clients
 * through it, and stops answering when it is full.
 */
const CLIENTS = 900;

if (process.getuid?.() !== 0) {
  console.error('bench: needs root, for network namespaces');
  process.exit(1);
}
buildGenerator();
preferThisSession();
const lab = new Lab('bench');
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => void lab.close().then(() => process.exit(130)));
}
try {
  await run();
} finally {
  await lab.close();
}

async function run(): Promise<void> {
  const relays = contestants(lab.folder).filter(isThere);
  const direct = await withoutRelay();
  const [clients, node, server] = ['clients', 'node', 'server'].map((name) => lab.node(name)) as [
    Node,
    Node,
    Node,
  ];
  connect(clients, node, server);
  const responder = await startResponder(server, 'e0', OTHERS, SERVER);
  const place: Place = { clients, node, responder };
  const rows: Row[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (const contestant of relays) rows.push(await measure(contestant, place, 0));
  }
  addInterfaces(node, MORE_INTERFACES);
  for (const contestant of relays) {
    rows.push(await measure(contestant, place, MORE_INTERFACES));
  }
  const table = relayTable(direct, rows);
  console.log(`\n${table}`);
  writeFileSync(join(OUT, 'relay.md'), table);
  writeFileSync(join(OUT, 'relay.json'), `${JSON.stringify({ direct, rows }, null, 2)}\n`);
}

function isThere({ name, program }: Contestant): boolean {
  if (existsSync(program)) return true;
  console.error(`bench: ${name} is left out: there is no ${program}`);
  return false;
}

function connect(clients: Node, node: Node, server: Node): void {
  lab.cable([node, 'lan0'], [clients, 'e0']);
  lab.cable([node, 'up0'], [server, 'e0']);
  node.ip(`addr add ${GIADDR}/8 dev lan0\naddr add 203.0.113.2/24 dev up0`);
  // The stateless server speaks no ARP.
  node.ip(`neigh replace ${SERVER} lladdr ${server.mac('e0')} dev up0 nud permanent`);
}

/** Generator and server face to face: what they could do if a relay cost nothing. */
async function withoutRelay(): Promise<Direct> {
  const [left, right] = [lab.node('left'), lab.node('right')];
  lab.cable([left, 'e0'], [right, 'e0']);
  const responder = await startResponder(right, 'e0', OTHERS, SERVER);
  const closed: Load[] = [];
  for (const depth of DEPTHS) closed.push(await load(left, ['--in-flight', depth]));
  const open = await load(left, ['--rate', OPEN_LOOP_RATE]);
  await responder.stop();
  console.error(`no relay: ${closed.map(({ perSecond }) => perSecond).join(', ')} exchanges/s`);
  return { depths: DEPTHS, closed, open };
}

/** Where a relay is measured. */
interface Place {
  readonly clients: Node;
  readonly node: Node;
  readonly responder: Process;
}

async function measure(contestant: Contestant, place: Place, moreInterfaces: number): Promise<Row> {
  const { clients, node } = place;
  const relay = await contestant.start(node, GIADDR, SERVER);
  try {
    await load(clients, ['--in-flight', 64], 1);
    const before = kernelDrops(node);
    const loaded = await closedLoops(relay, place);
    const open = await load(clients, ['--rate', OPEN_LOOP_RATE]);
    const drops = between(before, kernelDrops(node));
    const idle = await idlePercent(relay);
    const circumstances = { rounds: ROUNDS, moreInterfaces, rssMiB: residentMiB(relay.pid) };
    const row = { relay: contestant.name, ...circumstances, ...loaded, open, drops, idle };
    console.error(rowLine(row));
    return row;
  } finally {
    await relay.stop();
  }
}

/** The loads, the seconds of processor time that each took the relay, and the share of the machine that others took. */
async function closedLoops(
  relay: Process,
  { clients, responder }: Place,
): Promise<Pick<Row, 'closed' | 'cpu' | 'disturbed'>> {
  const closed: Load[] = [];
  const cpu: number[] = [];
  const started = performance.now();
  const ours = (): number => cpuSeconds(relay.pid) + cpuSeconds(responder.pid);
  const others = machineCpuSeconds() - ours();
  for (const depth of DEPTHS) {
    const before = cpuSeconds(relay.pid);
    closed.push(await load(clients, ['--in-flight', depth]));
    cpu.push(cpuSeconds(relay.pid) - before);
  }
  const generator = closed.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
  const seconds = machineCpuSeconds() - ours() - others - generator;
  const disturbed = (seconds * 1000) / (performance.now() - started);
  return { closed, cpu, disturbed };
}

function load(node: Node, args: readonly (string | number)[], seconds = SECONDS): Promise<Load> {
  const common = ['--clients', CLIENTS, '--seconds', seconds, '--stateless'];
  return runLoad(node, 'e0', OTHERS, [...common, ...args]);
}

async function idlePercent(relay: Process): Promise<number> {
  await pause(1);
  const before = fineCpuSeconds(relay.pid);
  await pause(IDLE_SECONDS);
  return ((fineCpuSeconds(relay.pid) - before) / IDLE_SECONDS) * 100;
}

/** As on a node with many pods: veth pairs whose other ends are elsewhere. */
function addInterfaces(node: Node, count: number): void {
  const pods = lab.node('pods');
  // Otherwise each of them sends router solicitations into the measurement.
  for (const side of [node, pods])
    side.run('sysctl', '-qw', 'net.ipv6.conf.default.disable_ipv6=1');
  const indices = Array.from({ length: count }, (_, i) => i);
  node.ip(
    indices
      .map(
        (i) => `link add pod${i} type veth peer name pod${i} netns ${pods.namespace}
addr add 172.16.${i >> 8}.${i & 255}/32 dev pod${i}
link set pod${i} up`,
      )
      .join('\n'),
  );
  pods.ip(indices.map((i) => `link set pod${i} up`).join('\n'));
}

function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
