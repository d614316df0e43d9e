import type { WallMillis } from '../../codec/machine.ts';
import type { DhcpLease } from '../../crds/types/dhcplease.ts';
import { STATE_DIR, strictly, text, UsageError } from '../cli.ts';
import { ask, lines, NoAgentError, socketPath } from './client.ts';
import type { Outcome } from './door.ts';
import { type FilterTexts, parseFilter } from './filter.ts';
import { asked, byAddress, FORMATS, type Format, type Listing, parametersOf } from './listing.ts';
import { storedLeases } from './offline.ts';
import { jsonOf, listPieces, yamlOf } from './print.ts';
import { objectsOf } from './source.ts';
import { LeaseTableText } from './table.ts';
import { watch } from './watch.ts';
import type { LeaseEvent } from './watching.ts';

const LEASES_HELP = `dhcp-agent leases [IP] [options]                   list leases, reservations and quarantines
dhcp-agent leases release IP                       end a lease, or a quarantine after a DHCPDECLINE
dhcp-agent leases reserve IP [--mac MAC | --client-id ID] [--hostname NAME]
                                                   for one client only; by default for the one that has the address
dhcp-agent leases quarantine IP [--for 2h]         for nobody
dhcp-agent leases delete IP                        take back what reserve and quarantine did

  -o FORMAT            wide, json, yaml, name
  -w, --watch          go on with what changes
  --mac MAC            of this client
  --state STATE,...    Reserved Bound Released Expired Declined Quarantined
  --server NAME        of this DhcpServer
  --no-headers         rows only
  --state-dir DIR      where the agent keeps its state (${STATE_DIR})

A client identifier is text, or octets such as 01:02:00:00:00:00:0a or 0x01020000.`;

/** Runs `leases` with the arguments behind it; throws UsageError and Errors of one line. Resolves with the exit status. */
export async function runLeases(argv: readonly string[]): Promise<number> {
  const { values, positionals } = strictly(argv, OPTIONS);
  if (values.help === true) {
    console.log(LEASES_HELP);
    return 0;
  }
  // Who reads it may have seen enough, as head does.
  process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
    process.exit(code === 'EPIPE' ? 0 : 1);
  });
  const [verb] = positionals;
  return verb !== undefined && VERBS.includes(verb)
    ? change(verb, positionals.slice(1), values)
    : list(positionals, values);
}

const VERBS: readonly string[] = ['release', 'reserve', 'quarantine', 'delete'];

const OPTIONS = {
  output: { type: 'string', short: 'o' },
  watch: { type: 'boolean', short: 'w' },
  mac: { type: 'string' },
  state: { type: 'string' },
  server: { type: 'string' },
  'no-headers': { type: 'boolean' },
  'client-id': { type: 'string' },
  hostname: { type: 'string' },
  for: { type: 'string' },
  'state-dir': { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

type Values = Record<string, unknown>;

async function list(positionals: readonly string[], values: Values): Promise<number> {
  refuse(values, ['client-id', 'hostname', 'for'], 'is for reserve or quarantine');
  if (positionals.length > 1) {
    const verbs = VERBS.join(', ');
    throw new UsageError(
      `leases ${positionals.join(' ')}: one address, or one of ${verbs} and one`,
    );
  }
  const listing: Listing = {
    stateDir: text(values['state-dir']) ?? STATE_DIR,
    texts: {
      address: positionals[0],
      server: text(values.server),
      mac: text(values.mac),
      state: text(values.state),
    },
    format: formatOf(text(values.output)),
    headers: values['no-headers'] !== true,
  };
  // What is wrong with it is said before anybody is asked.
  parseFilter(listing.texts);
  if (values.watch === true) return watch(listing);
  return print(await find(listing), listing);
}

async function change(
  verb: string,
  positionals: readonly string[],
  values: Values,
): Promise<number> {
  refuse(values, ['output', 'watch', 'state', 'no-headers'], 'is for lists');
  const [address, ...more] = positionals;
  if (address === undefined || more.length > 0) {
    throw new UsageError(`leases ${verb}: name one address, such as 192.0.2.7`);
  }
  parseFilter({ address });
  if (verb === 'release' || verb === 'delete') {
    refuse(values, ['mac', 'client-id', 'hostname', 'for'], `is not for ${verb}`);
  }
  const parameters = new URLSearchParams({ address });
  for (const name of ['server', 'mac', 'client-id', 'hostname', 'for']) {
    const value = text(values[name]);
    if (value !== undefined) parameters.set(name, value);
  }
  const stateDir = text(values['state-dir']) ?? STATE_DIR;
  const answer = await asked(ask(socketPath(stateDir), 'POST', `/leases/${verb}`, parameters));
  const { done, undo } = JSON.parse(answer) as Outcome;
  for (const line of done) console.log(line);
  if (undo !== undefined) {
    const where = stateDir === STATE_DIR ? [] : ['--state-dir', stateDir];
    console.log(`to undo: ${['dhcp-agent', ...undo, ...where].join(' ')}`);
  }
  return 0;
}

async function find({ stateDir, texts }: Listing): Promise<DhcpLease[]> {
  try {
    return (await ofAgent(stateDir, texts)).sort(byAddress);
  } catch (error) {
    if (!(error instanceof NoAgentError)) return asked(Promise.reject(error));
    const sources = await storedLeases(stateDir);
    if (sources.length === 0) throw new Error(`${error.message}, and no leases are in ${stateDir}`);
    console.error(`${error.message}; this is what ${stateDir} holds`);
    const filter = parseFilter(texts);
    const found = sources.flatMap((source) => [...objectsOf(source, filter)]);
    return found.filter((object) => object !== null).sort(byAddress);
  }
}

async function ofAgent(stateDir: string, texts: FilterTexts): Promise<DhcpLease[]> {
  const found: DhcpLease[] = [];
  let whole = false;
  for await (const line of lines(socketPath(stateDir), '/leases', parametersOf(texts))) {
    const event = JSON.parse(line) as LeaseEvent;
    if (event.type === 'ADDED') found.push(event.object);
    else whole = true;
  }
  if (!whole) throw new Error('the agent ended before it had said all: ask again');
  return found;
}

function print(leases: readonly DhcpLease[], { format, texts, headers }: Listing): number {
  const { address } = texts;
  if (leases.length === 0 && (format === 'table' || format === 'wide' || format === 'name')) {
    console.error(address === undefined ? 'No leases found.' : `No lease of ${address} found.`);
    return address === undefined ? 0 : 1;
  }
  // One that is named is printed itself, as kubectl does.
  const [only, ...others] = leases;
  const single = address !== undefined && only !== undefined && others.length === 0 ? only : null;
  for (const piece of piecesOf(leases, single, format, headers)) process.stdout.write(piece);
  return address !== undefined && leases.length === 0 ? 1 : 0;
}

function* piecesOf(
  leases: readonly DhcpLease[],
  single: DhcpLease | null,
  format: Format,
  headers: boolean,
): Iterable<string> {
  if (format === 'table' || format === 'wide') {
    const table = new LeaseTableText(format === 'wide');
    const rows = table.rows(leases, Date.now() as WallMillis);
    if (headers) yield `${table.head()}\n`;
    for (const row of rows) yield `${row}\n`;
  } else if (format === 'name') {
    for (const { metadata } of leases) yield `dhcplease.dhcp-operator.io/${metadata.name}\n`;
  } else if (single !== null) {
    yield format === 'yaml' ? yamlOf(single) : `${jsonOf(single, 2)}\n`;
  } else {
    yield* listPieces(leases, format);
  }
}

function formatOf(given: string | undefined): Format {
  const format = FORMATS.find((one) => one === (given ?? 'table'));
  if (format !== undefined) return format;
  throw new UsageError(`-o ${given}: use one of ${FORMATS.slice(1).join(', ')}`);
}

function refuse(values: Values, names: readonly string[], why: string): void {
  const given = names.find((name) => values[name] !== undefined);
  if (given !== undefined) throw new UsageError(`--${given} ${why}; see leases --help`);
}
