// `node e2e/bench/server.ts [--quick] [--rounds N] [--leases DIR]`: our server beside Kea, ISC dhcpd and dnsmasq, in one run
// on one machine. Leases are kept below DIR; /dev/shm there takes the disk out of the comparison.
//
//     clients e0 ──── s0 ┐
//                        server          10.0.0.0/14 on the left; 10.64.0.0/14 behind the relay 203.0.113.2
//     relay   e0 ─── up0 ┘
//
// The server has processor 0 to itself; the generator, polling, has processor 1. Each server begins with no leases.
// Then every client comes once (fresh), and then again until time is up (known).
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { flags } from '../flags.ts';
import { Lab, type Node, type Process } from '../lab/lab.ts';
import { buildGenerator, type Load, OUT, runLoad } from './generator.ts';
import { LINKS, type ServerContestant, servers, type Way } from './servers.ts';
import { type Answering, type Run, runLine, type Scenario, serverTable } from './servertable.ts';
import { cpuSeconds, preferThisSession, residentMiB, syncMillis } from './usage.ts';

const values = flags('node e2e/bench/server.ts [--quick] [--rounds N] [--leases DIR]', {
  quick: false,
  rounds: 1,
  leases: '',
});
const ROUNDS = values.rounds;
const CLIENTS = values.quick ? [10_000] : [10_000, 200_000];
const WAYS: readonly Way[] = values.quick ? ['relayed'] : ['relayed', 'broadcast'];
const DEPTHS = [64, 512];
/** Who is not through with all fresh clients by then has made his speed clear. */
const FRESH_SECONDS = 5;
const KNOWN_SECONDS = 3;
const WARM_UP_SECONDS = 2;
const WARM_UP_CLIENTS = 500;
/** A disk that others keep busy is given so many thirds of a second to become quiet, which is to sync in less than this. */
const PATIENCE = 15;
const QUIET_MILLIS = 1;
/** Addresses that are offered to somebody who has gone meanwhile. */
const SPARE = 2_000;
const OTHERS = 1;
const [SERVER, GIADDR] = ['203.0.113.1', '10.64.0.1'];

if (process.getuid?.() !== 0) {
  console.error('bench: needs root, for network namespaces');
  process.exit(1);
}
buildGenerator();
preferThisSession();
const lab = new Lab('bench');
const LEASES = values.leases || lab.folder;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => void lab.close().then(() => process.exit(130)));
}
try {
  await run();
} finally {
  await lab.close();
}

/** The nodes of the bench. */
interface Place {
  readonly clients: Node;
  readonly relay: Node;
  readonly server: Node;
}

async function run(): Promise<void> {
  const place = connect();
  const contestants = servers(lab.folder).filter(isThere);
  const runs: Run[] = [];
  const answering: Answering[] = [];
  let rate = 0;
  for (let round = 0; round < ROUNDS; round++) {
    for (const scenario of scenarios()) {
      for (const contestant of contestants) {
        const one = await measure(contestant, place, scenario);
        console.error(runLine(one));
        runs.push(one);
      }
    }
    rate ||= Math.round(keasBest(runs) / 2);
    for (const contestant of contestants) {
      const one = await answerTimes(contestant, place, rate);
      console.error(`${one.server}: ACK p99 ${one.load.ackMicros.p99} µs at ${rate}/s`);
      answering.push(one);
    }
  }
  const table = serverTable({ runs, answering, rate, rounds: ROUNDS });
  console.log(`\n${table}`);
  writeFileSync(join(OUT, 'server.md'), table);
  writeFileSync(
    join(OUT, 'server.json'),
    `${JSON.stringify({ rate, runs, answering }, null, 2)}\n`,
  );
}

function scenarios(): Scenario[] {
  return WAYS.flatMap((way) =>
    CLIENTS.flatMap((clients) => DEPTHS.map((depth) => ({ way, clients, depth }))),
  );
}

function keasBest(runs: readonly Run[]): number {
  const kea = runs.filter(
    ({ server, scenario }) =>
      server === 'Kea' && scenario.way === 'relayed' && scenario.clients === CLIENTS[0],
  );
  return Math.max(1000, ...kea.map(({ known }) => known.perSecond));
}

function isThere({ name, program }: ServerContestant): boolean {
  if (existsSync(program)) return true;
  console.error(`bench: ${name} is left out: there is no ${program}`);
  return false;
}

function connect(): Place {
  const [clients, relay, server] = ['clients', 'relay', 'server'].map((name) => lab.node(name)) as [
    Node,
    Node,
    Node,
  ];
  lab.cable([server, LINKS.broadcast], [clients, 'e0']);
  lab.cable([server, LINKS.relayed], [relay, 'e0']);
  server.ip(
    `addr add 10.0.0.1/14 broadcast 10.3.255.255 dev ${LINKS.broadcast}
addr add ${SERVER}/24 dev ${LINKS.relayed}
neigh replace 203.0.113.2 lladdr ${relay.mac('e0')} dev ${LINKS.relayed} nud permanent
route add 10.64.0.0/14 via 203.0.113.2`,
  );
  return { clients, relay, server };
}

/** Runs something with a server that has no leases yet. */
async function withServer<T>(
  contestant: ServerContestant,
  { server: node }: Place,
  { way, clients }: Pick<Scenario, 'way' | 'clients'>,
  use: (server: Process) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(LEASES, 'leases-'));
  const server = await contestant.start({
    node,
    way,
    addresses: clients + WARM_UP_CLIENTS + SPARE,
    folder,
  });
  try {
    return await use(server);
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true });
  }
}

function measure(contestant: ServerContestant, place: Place, scenario: Scenario): Promise<Run> {
  const { way, clients, depth } = scenario;
  return withServer(contestant, place, scenario, async (server) => {
    const sync = quietDisk();
    await warmUp(place, way);
    const spent = [cpuSeconds(server.pid)];
    const first = ['--clients', clients, '--once', '--seconds', FRESH_SECONDS];
    const fresh = await load(place, way, ['--in-flight', depth, ...first]);
    spent.push(cpuSeconds(server.pid));
    const rssMiB = residentMiB(server.pid);
    // Those whom it has given leases.
    const familiar = Math.max(fresh.exchanges, depth);
    const again = ['--clients', familiar, '--seconds', KNOWN_SECONDS];
    const known = await load(place, way, ['--in-flight', depth, ...again]);
    spent.push(cpuSeconds(server.pid));
    const cpu = { fresh: spent[1]! - spent[0]!, known: spent[2]! - spent[1]! };
    return { server: contestant.name, scenario, fresh, known, cpu, rssMiB, sync };
  });
}

function quietDisk(): Run['sync'] {
  let best = syncMillis(LEASES);
  for (let i = 1; i < PATIENCE && best.p99 > QUIET_MILLIS; i++) {
    const now = syncMillis(LEASES);
    if (now.p99 < best.p99) best = now;
  }
  return best;
}

/** A server that is measured has been running for a while; those who ask here do not come again. */
async function warmUp(place: Place, way: Way): Promise<void> {
  await load(place, way, [
    '--first',
    4_000_000,
    '--clients',
    WARM_UP_CLIENTS,
    '--seconds',
    WARM_UP_SECONDS,
  ]);
}

/** How long known clients behind a relay wait for the ACK at a rate that all but the slowest can do. */
function answerTimes(contestant: ServerContestant, place: Place, rate: number): Promise<Answering> {
  const clients = ['--clients', CLIENTS[0]!];
  return withServer(contestant, place, { way: 'relayed', clients: CLIENTS[0]! }, async () => {
    await warmUp(place, 'relayed');
    await load(place, 'relayed', [...clients, '--once', '--seconds', FRESH_SECONDS]);
    quietDisk();
    const args = ['--rate', rate, ...clients, '--seconds'];
    // All have been at it for a while: compilers that work beside the server on its processor are done with that.
    await load(place, 'relayed', [...args, WARM_UP_SECONDS]);
    return {
      server: contestant.name,
      load: await load(place, 'relayed', [...args, KNOWN_SECONDS]),
    };
  });
}

function load(place: Place, way: Way, args: readonly (string | number)[]): Promise<Load> {
  if (way === 'broadcast') {
    // dnsmasq reaches others through the kernel's table of neighbours, which holds 1,024.
    return runLoad(place.clients, 'e0', OTHERS, ['--broadcast', ...args]);
  }
  const server = ['--server', SERVER, '--server-mac', place.server.mac(LINKS.relayed)];
  return runLoad(place.relay, 'e0', OTHERS, ['--relay', GIADDR, ...server, ...args]);
}
