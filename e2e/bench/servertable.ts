// The server bench as tables.
import type { Load } from './generator.ts';
import type { Way } from './servers.ts';
import { processorName } from './usage.ts';

/** Who asks, and how many exchanges at a time. */
export interface Scenario {
  readonly way: Way;
  readonly clients: number;
  readonly depth: number;
}

/** What one server did in one scenario. */
export interface Run {
  readonly server: string;
  readonly scenario: Scenario;
  /** Every client once, from an empty table of leases. */
  readonly fresh: Load;
  /** The same clients again. */
  readonly known: Load;
  /** Seconds of processor time that each took the server. */
  readonly cpu: { readonly fresh: number; readonly known: number };
  /** After the fresh clients. */
  readonly rssMiB: number;
  /** What the disk took to sync just before. */
  readonly sync: { readonly p50: number; readonly p99: number };
}

/** How fast a server answered at a fixed rate. */
export interface Answering {
  readonly server: string;
  readonly load: Load;
}

/** Everything that was measured. */
export interface Results {
  readonly runs: readonly Run[];
  readonly answering: readonly Answering[];
  /** Exchanges a second in `answering`. */
  readonly rate: number;
  readonly rounds: number;
}

/** Markdown: exchanges a second for each scenario, then the answering times. */
export function serverTable(results: Results): string {
  const { runs, answering, rate, rounds } = results;
  const servers = [...new Set(runs.map(({ server }) => server))];
  const lines = [...Map.groupBy(runs, titleOf)].flatMap(([title, group]) =>
    (['fresh', 'known'] as const).map((kind) => speeds(title, kind, group, servers)),
  );
  const before = [
    `${processorName()}, ${new Date().toISOString().slice(0, 10)}; best of ${rounds}, as others may use the disk.`,
    'The server has one processor; the generator, polling, has the other. Leases are kept as each server does by default:',
    'dhcp-agent and ISC dhcpd sync them to disk before they answer, Kea and dnsmasq write and do not sync.',
    `The disk took ${median(runs, ({ sync }) => sync.p50).toFixed(2)} ms to sync 4 KiB (p99 ${median(runs, ({ sync }) => sync.p99).toFixed(2)}), whatever else used it.`,
  ].join('\n');
  const table = markdown(
    ['exchanges/s', 'in flight', ...servers, ...servers.filter(isPeer).map((peer) => `× ${peer}`)],
    lines,
  );
  const times = markdown(
    ['server', `ACK µs at ${whole(rate)}/s, p50 / p99`, 'lost', 'RSS MiB with 10,000 leases'],
    servers.map((server) => answers(server, answering, runs)),
  );
  return `${before}\n\n${table}\n\n${times}\n${faults(runs)}`;
}

const OURS = 'dhcp-agent';
/** The generator does not tell longer times apart. */
const LONGEST = 99_999;

function isPeer(server: string): boolean {
  return server !== OURS;
}

function titleOf({ scenario: { way, clients, depth } }: Run): string {
  return `${way}, ${whole(clients)} clients|${depth}`;
}

function speeds(
  title: string,
  kind: 'fresh' | 'known',
  group: readonly Run[],
  servers: readonly string[],
): readonly string[] {
  const [who, depth] = title.split('|') as [string, string];
  const speedOf = (server: string): number =>
    Math.max(...group.filter((run) => run.server === server).map((run) => run[kind].perSecond));
  const cells = servers.map((server) => whole(speedOf(server)));
  const times = servers.filter(isPeer).map((peer) => ratio(speedOf(OURS), speedOf(peer)));
  return [`${who}, ${kind}`, depth, ...cells, ...times];
}

function ratio(ours: number, peers: number): string {
  return peers < 1 ? '–' : (ours / peers).toFixed(1);
}

function answers(
  server: string,
  answering: readonly Answering[],
  runs: readonly Run[],
): readonly string[] {
  const own = answering.filter((one) => one.server === server).map(({ load }) => load);
  const best = own.reduce((a, b) => (b.ackMicros.p99 < a.ackMicros.p99 ? b : a));
  const small = runs.filter((run) => run.server === server && run.scenario.clients === 10_000);
  const micros = (at: 'p50' | 'p99'): string => {
    const time = best.ackMicros[at];
    return time >= LONGEST ? '> 0.1 s' : whole(time);
  };
  return [
    server,
    `${micros('p50')} / ${micros('p99')}`,
    whole(best.lost),
    whole(median(small, ({ rssMiB }) => rssMiB)),
  ];
}

/** A run in a few words, while the others are still being measured. */
export function runLine(run: Run): string {
  const { server, fresh, known, cpu, rssMiB, sync } = run;
  const phase = (name: 'fresh' | 'known', load: Load): string =>
    `${name} ${whole(load.perSecond)}/s (${((cpu[name] / Math.max(load.exchanges, 1)) * 1e6).toFixed(1)} µs of CPU each, ${load.lost} lost)`;
  return `${titleOf(run).replace('|', ', ')} in flight, ${server}: ${phase('fresh', fresh)}, ${phase('known', known)}, ${whole(rssMiB)} MiB; sync ${sync.p50.toFixed(2)} ms (p99 ${sync.p99.toFixed(1)})`;
}

/** Nothing, or a line for each server whose clients were told something wrong, or were refused what they had been offered. */
function faults(runs: readonly Run[]): string {
  return runs
    .flatMap((run) => (['fresh', 'known'] as const).map((phase) => ({ run, phase })))
    .filter(({ run, phase }) => run[phase].wrong > 0)
    .map(
      ({ run, phase }) =>
        `\nWrong or refused by ${run.server} (${titleOf(run).replace('|', ', ')} in flight, ${phase}): ${reasons(run[phase])}`,
    )
    .join('');
}

function reasons({ wrongBy }: Load): string {
  return Object.entries(wrongBy)
    .filter(([, count]) => count > 0)
    .map(([fault, count]) => `${fault} ${whole(count)}`)
    .join(', ');
}

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const marks = head.map((_, i) => (i === 0 ? '---' : '---:'));
  return [head, marks, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function median<T>(rows: readonly T[], of: (row: T) => number): number {
  return rows.map(of).sort((a, b) => a - b)[rows.length >> 1] ?? Number.NaN;
}

function whole(n: number): string {
  return Math.round(n).toLocaleString('en');
}
