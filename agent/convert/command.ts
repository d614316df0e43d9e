import { parseArgs } from 'node:util';
import type { WallMillis } from '../../codec/machine.ts';
import { isDocumentName } from '../../crds/document.ts';
import { UsageError } from '../cli.ts';
import { readText } from '../files.ts';
import { storeDirectory } from '../store/files.ts';
import { type Converted, convert, manifestOf, type SourceKind } from './convert.ts';
import { formatFinding } from './report.ts';
import { labelOf, onDisk, type SourceFile } from './source.ts';
import { storeLeases } from './storeleases.ts';

const CONVERT_HELP = `dhcp-agent convert: make manifests of the files of another DHCP server.

  dhcp-agent convert CONFIG [options]              print a DhcpServer, and tell what is not in it
      --from KIND          dhcpd, kea or dnsmasq; left out, the file itself tells
      --leases FILE        also print a DhcpLease for each address in use; again for more files
      --state-dir DIR      write the leases there instead, as the server's own
      --name NAME          what to call the DhcpServer (dhcpd, kea or dnsmasq)
      --namespace NS       where it is in Kubernetes
      --interface NAME     a link that is served; again for more (else as the file says)

The manifests go to standard output. What could not be carried over goes to standard error, a line each: where it
stands, what it is, why, and what to do about it. Exit status: 0 all carried over, 2 something was not, 1 failed.

Examples:
  dhcp-agent convert /etc/dhcp/dhcpd.conf --leases /var/lib/dhcp/dhcpd.leases --interface eth0 > office.yaml
  dhcp-agent validate -f office.yaml`;

interface Request {
  readonly config: string;
  readonly from: SourceKind | null;
  readonly leases: readonly string[];
  readonly name: string | null;
  readonly namespace: string | null;
  readonly interfaces: readonly string[];
  readonly stateDir: string | null;
}

/** Converts what the command line names; returns the exit status. Throws UsageError, and Errors of one line. */
export async function runConvert(argv: readonly string[]): Promise<number> {
  const request = parseRequest(argv);
  if (request === null) {
    console.log(CONVERT_HELP);
    return 0;
  }
  const { name, namespace, stateDir } = request;
  const converted = convert({
    config: readWhole(request.config),
    from: request.from,
    leases: request.leases.map(readWhole),
    naming: { ...(name !== null && { name }), ...(namespace !== null && { namespace }) },
    interfaces: request.interfaces,
    files: onDisk,
    leasesAsObjects: stateDir === null,
    now: Date.now() as WallMillis,
  });
  const source = labelOf(request.config).replace(/\p{C}/gu, ' ');
  process.stdout.write(`# Made of ${source} (${converted.kind}) by dhcp-agent convert.\n`);
  process.stdout.write(manifestOf(converted));
  for (const finding of converted.findings) console.error(formatFinding(finding));
  if (stateDir !== null) await store(converted, stateDir);
  return converted.findings.length === 0 ? 0 : 2;
}

async function store({ server, placed }: Converted, stateDir: string): Promise<void> {
  const { name, namespace } = server.metadata;
  const key = namespace === undefined ? name : `${namespace}/${name}`;
  const directory = storeDirectory(stateDir, key);
  const { written, older } = await storeLeases(directory, placed);
  const rest = older === 0 ? '' : `; of ${older} it knew more recent things`;
  console.error(`${written} leases written to ${directory}${rest}`);
}

const KINDS: readonly string[] = ['dhcpd', 'kea', 'dnsmasq'];

/** Null asks for help. */
function parseRequest(argv: readonly string[]): Request | null {
  const { values, positionals } = strictly(argv);
  if (values.help === true) return null;
  const { from = null, name = null, namespace = null, leases = [] } = values;
  const stateDir = values['state-dir'] ?? null;
  if (from !== null && !KINDS.includes(from)) {
    throw new UsageError(`--from ${from}: use one of ${KINDS.join(', ')}`);
  }
  checkName('--name', name);
  checkName('--namespace', namespace);
  if (stateDir !== null && leases.length === 0) {
    throw new UsageError('--state-dir takes leases: name their file with --leases');
  }
  const interfaces = values.interface ?? [];
  const config = onlyOne(positionals);
  return { config, from: from as SourceKind | null, leases, name, namespace, interfaces, stateDir };
}

function onlyOne(positionals: readonly string[]): string {
  const [config, ...more] = positionals;
  if (config === undefined) {
    throw new UsageError('convert: name the configuration file; see convert --help');
  }
  if (more.length > 0) {
    throw new UsageError(`convert: one configuration at a time, not also ${more[0]}`);
  }
  return config;
}

function checkName(option: string, name: string | null): void {
  if (name === null || isDocumentName(name)) return;
  throw new UsageError(`${option} ${name}: use lower-case letters, digits and dashes`);
}

const OPTIONS = {
  from: { type: 'string' },
  leases: { type: 'string', multiple: true },
  name: { type: 'string' },
  namespace: { type: 'string' },
  interface: { type: 'string', multiple: true },
  'state-dir': { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

function strictly(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    const message = (error as Error).message.replace(/\. To specify a positional.*$/s, '');
    throw new UsageError(`convert: ${message}; see convert --help`);
  }
}

function readWhole(path: string): SourceFile {
  return { path, text: readText(path) };
}
