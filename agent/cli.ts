import { parseArgs } from 'node:util';

/** What the command line asks for. */
export type Command =
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | RunCommand
  | KubernetesCommand
  | { readonly kind: 'validate'; readonly files: readonly string[] }
  | { readonly kind: 'convert' | 'leases' | 'explain'; readonly argv: readonly string[] };

/** Relay and serve what the manifests say. */
export interface RunCommand extends ServiceOptions {
  readonly kind: 'run';
  readonly files: readonly string[];
}

/** Be the agent of one object of a cluster. */
export interface KubernetesCommand extends ServiceOptions {
  readonly kind: 'kubernetes';
  readonly object: {
    readonly kind: 'DhcpServer' | 'DhcpRelay';
    readonly namespace: string;
    readonly name: string;
  };
  readonly kubeconfig: string | null;
}

/** What every command that runs on takes. */
export interface ServiceOptions {
  readonly stateDir: string;
  readonly logLevel: string;
  /** Where health and metrics are served, or null for nowhere. */
  readonly http: HttpAddress | null;
  /** Whether /debug/ answers. */
  readonly debug: boolean;
}

/** An address to listen on, and whether somebody asked for it. */
export interface HttpAddress {
  readonly address: string;
  readonly port: number;
  readonly asked: boolean;
}

/** A command line that cannot be followed; the message is one line that says what to do. */
export class UsageError extends Error {}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];
/** Where state is kept unless somebody says otherwise. */
export const STATE_DIR = '/var/lib/dhcp-operator';
const HTTP = '127.0.0.1:9067';

export const HELP = `dhcp-agent: DHCP relay and server for Linux, driven by the manifests that Kubernetes takes.

  dhcp-agent run -f FILE-OR-DIR... [options]       run what the manifests say, and follow their edits
      --state-dir DIR      where leases are kept (${STATE_DIR})
      --log-level LEVEL    ${LOG_LEVELS.join(' ')} (info)
      --http ADDR:PORT     /healthz /readyz /status /metrics; "off" for none (${HTTP})
      --debug              also /debug/profile?seconds=N and /debug/heap
  dhcp-agent leases [IP] [-o wide|json|yaml] [-w]  list the leases of the agent that runs here; see leases --help
  dhcp-agent leases release|reserve|quarantine|delete IP
  dhcp-agent explain --mac MAC [--giaddr IP] ...   what a client would be told and why; see explain --help
  dhcp-agent validate -f FILE-OR-DIR...            check manifests and explain what is wrong with them
  dhcp-agent convert CONFIG [--leases FILE]        make manifests of the files of dhcpd, Kea or dnsmasq; see convert --help
  dhcp-agent kubernetes --object KIND/NAMESPACE/NAME [--kubeconfig FILE] [options]
                                                   be the agent of a DhcpServer or DhcpRelay, as the operator runs it
  dhcp-agent --version | --help

Examples:
  dhcp-agent validate -f office.yaml
  dhcp-agent run -f office.yaml --log-level debug
  dhcp-agent run -f /etc/dhcp-operator --http 127.0.0.1:9067
  dhcp-agent leases --server office --watch
  dhcp-agent explain --mac 02:00:00:00:00:0a --giaddr 192.0.2.1
  curl -s 127.0.0.1:9067/status

SIGHUP reads the manifests again; SIGTERM and SIGINT end cleanly. Relaying needs CAP_NET_RAW and nothing else.`;

/** Parses the arguments after the program's name; throws UsageError. */
export function parseCommand(argv: readonly string[]): Command {
  const [verb, ...rest] = argv;
  switch (verb) {
    case undefined:
    case 'help':
    case '--help':
    case '-h':
      return { kind: 'help' };
    case 'version':
    case '--version':
      return { kind: 'version' };
    case 'run':
      return parseRun(rest);
    case 'kubernetes':
      return parseKubernetes(rest);
    case 'validate':
      return parseValidate(rest);
    case 'convert':
    case 'leases':
    case 'explain':
      return { kind: verb, argv: rest };
    default:
      throw new UsageError(
        `unknown command "${verb}": use run, leases, explain, validate, convert or kubernetes, or --help`,
      );
  }
}

const FILE_OPTION = { file: { type: 'string', short: 'f', multiple: true } } as const;

const SERVICE_OPTIONS = {
  'state-dir': { type: 'string' },
  'log-level': { type: 'string' },
  http: { type: 'string' },
  debug: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

function parseRun(argv: readonly string[]): Command {
  const { values, positionals } = strictly(argv, { ...FILE_OPTION, ...SERVICE_OPTIONS });
  if (values.help === true) return { kind: 'help' };
  return { kind: 'run', files: filesOf(values.file, positionals), ...serviceOptions(values) };
}

function parseKubernetes(argv: readonly string[]): Command {
  const { values, positionals } = strictly(argv, {
    object: { type: 'string' },
    kubeconfig: { type: 'string' },
    ...SERVICE_OPTIONS,
  });
  if (values.help === true) return { kind: 'help' };
  if (positionals.length > 0) throw new UsageError(`unexpected "${positionals[0]}"; see --help`);
  const [kind, namespace, name, more] = (text(values.object) ?? '').split('/');
  const known = kind === 'DhcpServer' || kind === 'DhcpRelay';
  if (!known || !namespace || !name || more !== undefined) {
    throw new UsageError('--object: write KIND/NAMESPACE/NAME such as DhcpServer/dhcp/campus');
  }
  const kubeconfig = text(values.kubeconfig) ?? null;
  return {
    kind: 'kubernetes',
    object: { kind, namespace, name },
    kubeconfig,
    ...serviceOptions(values),
  };
}

function serviceOptions(values: Record<string, unknown>): ServiceOptions {
  const logLevel = text(values['log-level']) ?? 'info';
  if (!LOG_LEVELS.includes(logLevel)) {
    throw new UsageError(`--log-level ${logLevel}: use one of ${LOG_LEVELS.join(', ')}`);
  }
  const stateDir = text(values['state-dir']) ?? STATE_DIR;
  // Of an environment variable that is not set, most likely; the working directory is not meant.
  if (stateDir === '')
    throw new UsageError(`--state-dir is empty: name a folder such as ${STATE_DIR}`);
  return {
    stateDir,
    logLevel,
    http: parseHttp(text(values.http)),
    debug: values.debug === true,
  };
}

function parseValidate(argv: readonly string[]): Command {
  const { help } = SERVICE_OPTIONS;
  const { values, positionals } = strictly(argv, { ...FILE_OPTION, help });
  if (values.help === true) return { kind: 'help' };
  return { kind: 'validate', files: filesOf(values.file, positionals) };
}

function filesOf(named: unknown, positionals: readonly string[]): readonly string[] {
  const files = [...((named as string[] | undefined) ?? []), ...positionals];
  if (files.length === 0) throw new UsageError('no manifests: name files or folders with -f');
  return files;
}

function parseHttp(asked: string | undefined): HttpAddress | null {
  if (asked === 'off') return null;
  const value = asked ?? HTTP;
  const match = /^(?:\[([\da-fA-F:.]+)\]|([^:]*)):(\d{1,5})$/.exec(value);
  const port = Number(match?.[3]);
  if (match === null || port > 65535) {
    throw new UsageError(`--http ${value}: write ADDRESS:PORT such as ${HTTP}, or off`);
  }
  return { address: match[1] ?? (match[2] || '127.0.0.1'), port, asked: asked !== undefined };
}

/** The value of an option that takes one, if it was given. */
export function text(value: unknown): string | undefined {
  return value as string | undefined;
}

/** Parses arguments; throws UsageError for those that are not known. */
export function strictly(
  argv: readonly string[],
  options: NonNullable<Parameters<typeof parseArgs>[0]>['options'] & object,
): { values: Record<string, unknown>; positionals: string[] } {
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true });
  } catch (error) {
    // Node's own messages go on with advice about `--` that helps nobody here.
    const message = (error as Error).message.replace(/\. To specify a positional.*$/s, '');
    throw new UsageError(`${message}; see --help`);
  }
}
