// The relay bench as a table.
import type { Load } from './generator.ts';
import { processorName } from './usage.ts';

/** What generator and server do without a relay between them. */
export interface Direct {
  readonly depths: readonly number[];
  /** One for each depth. */
  readonly closed: readonly Load[];
  readonly open: Load;
}

/** One measurement of one relay. */
export interface Row {
  readonly relay: string;
  readonly rounds: number;
  readonly moreInterfaces: number;
  /** One for each depth. */
  readonly closed: readonly Load[];
  /** Seconds of processor time that each of these took the relay. */
  readonly cpu: readonly number[];
  /** Processors that anything else on the machine took meanwhile. */
  readonly disturbed: number;
  readonly open: Load;
  /** What the kernel threw away meanwhile. */
  readonly drops: { readonly [where: string]: number };
  /** Percent of a processor while nobody asked. */
  readonly idle: number;
  readonly rssMiB: number;
}

/** From here on others took so much of the machine that a row says less about its relay. */
const DISTURBED = 0.1;
/** An exchange is four packets, and each comes in and goes out. */
const PACKETS_PER_EXCHANGE = 8;

const HEAD = [
  'relay',
  'exchanges/s in flight',
  '× dhcrelay',
  '× dnsmasq',
  'packets per CPU second',
  'CPU busy',
  'added µs at 10,000/s, p50 / p99',
  'lost of 1,000',
  'RSS MiB',
  'idle CPU',
];

/** Markdown: the circumstances, and a row for each relay with and without many interfaces. */
export function relayTable(direct: Direct, rows: readonly Row[]): string {
  const groups = [...Map.groupBy(rows, nameOf).values()];
  const head = HEAD.map((text) =>
    text.replace('in flight', `with ${direct.depths.join(' / ')} in flight`),
  );
  const marks = head.map((_, i) => (i === 0 ? '---' : '---:'));
  const lines = groups.map((group) => cellsOf(direct, group, rows));
  const table = [head, marks, ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  const before = circumstances(direct, rows[0]?.rounds ?? 0);
  return `${before}\n\n${table}\n${disturbances(rows)}${faults(rows)}`;
}

/** The cells of one relay, of which `group` is what was measured. */
function cellsOf(direct: Direct, group: readonly Row[], rows: readonly Row[]): readonly string[] {
  const { moreInterfaces } = group[0]!;
  const times = (other: string): string => {
    const peers = rows.filter(
      (row) => row.relay === other && row.moreInterfaces === moreInterfaces,
    );
    return peers.length === 0 ? '–' : (bestOf(group) / bestOf(peers)).toFixed(1);
  };
  // REQUEST to ACK: once there and once back. Its tail is compared with the middle without a relay, so that what the
  // machine does to both is counted against the relay rather than for it.
  const added = (at: 'p50' | 'p99'): number =>
    median(group, ({ open }) => open.ackMicros[at] - direct.open.ackMicros.p50);
  return [
    nameOf(group[0]!),
    direct.depths.map((_, i) => whole(speedOf(group, i))).join(' / '),
    times('ISC dhcrelay'),
    times('dnsmasq'),
    whole(median(group, perCpuSecond)),
    percent(median(group, busyShare)),
    `${whole(added('p50'))} / ${whole(added('p99'))}`,
    median(group, lostPerMille).toFixed(2),
    whole(median(group, ({ rssMiB }) => rssMiB)),
    percent(
      median(group, ({ idle }) => idle / 100),
      2,
    ),
  ];
}

function speedOf(group: readonly Row[], depth: number): number {
  return median(group, ({ closed }) => closed[depth]!.perSecond);
}

/** At the depth that suits the relay best. */
function bestOf(group: readonly Row[]): number {
  return Math.max(...group[0]!.closed.map((_, depth) => speedOf(group, depth)));
}

function circumstances({ depths, closed, open }: Direct, rounds: number): string {
  const speeds = closed.map(({ perSecond }, i) => `${whole(perSecond)} with ${depths[i]}`);
  const { p50, p99 } = open.ackMicros;
  return [
    `${processorName()}, ${new Date().toISOString().slice(0, 10)}; median of ${rounds} rounds, with more interfaces one.`,
    'The relay has one processor; generator and stateless server, both polling, share the other.',
    `Without a relay they make ${speeds.join(', ')} in flight, and REQUEST to ACK takes ${p50} µs (p99 ${p99}) at 10,000/s.`,
  ].join('\n');
}

function disturbances(rows: readonly Row[]): string {
  const many = rows.filter(({ disturbed }) => disturbed > DISTURBED).length;
  if (many === 0) return '';
  return `\n${many} of ${rows.length} measurements were disturbed: others took more than ${DISTURBED} processors.\n`;
}

/** A row in a few words, while the others are still being measured. */
export function rowLine(row: Row): string {
  const speeds = row.closed.map(({ perSecond }) => whole(perSecond)).join(', ');
  return `${nameOf(row)}: ${speeds} exchanges/s${row.disturbed > DISTURBED ? `; others took ${row.disturbed.toFixed(2)} processors` : ''}`;
}

/** Nothing, or a line for each relay whose clients were told something wrong. */
function faults(rows: readonly Row[]): string {
  return rows
    .flatMap((row) => [...row.closed, row.open].map((load) => ({ relay: nameOf(row), load })))
    .filter(({ load }) => load.wrong > 0)
    .map(({ relay, load }) => `\nWRONG ANSWERS through ${relay}: ${JSON.stringify(load.wrongBy)}\n`)
    .join('');
}

function nameOf({ relay, moreInterfaces }: Row): string {
  return moreInterfaces > 0 ? `${relay}, ${whole(moreInterfaces)} more interfaces` : relay;
}

function perCpuSecond({ closed, cpu }: Row): number {
  return (sum(closed.map(({ exchanges }) => exchanges)) * PACKETS_PER_EXCHANGE) / sum(cpu);
}

function busyShare({ closed, cpu }: Row): number {
  return sum(cpu) / sum(closed.map(({ seconds }) => seconds));
}

function lostPerMille({ closed, open }: Row): number {
  const loads = [...closed, open];
  const lost = sum(loads.map((load) => load.lost));
  return (lost / (lost + sum(loads.map((load) => load.exchanges)))) * 1000;
}

function median(rows: readonly Row[], of: (row: Row) => number): number {
  return rows.map(of).sort((a, b) => a - b)[rows.length >> 1]!;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}

function whole(n: number): string {
  return Math.round(n).toLocaleString('en');
}

function percent(share: number, digits = 0): string {
  return `${(share * 100).toFixed(digits)} %`;
}
