import { parseArgs } from 'node:util';
import type { AgentImage } from './core/children.ts';

/** What the command line asks for. */
export type Command = { readonly kind: 'help' } | { readonly kind: 'version' } | OperatorCommand;

/** Be one replica of the operator. */
export interface OperatorCommand {
  readonly kind: 'run';
  readonly kubeconfig: string | null;
  /** Where the Lease of the leader is. */
  readonly namespace: string;
  readonly agent: AgentImage;
  /** Where health and metrics are served, an empty address for everywhere, or null for nowhere. */
  readonly http: { readonly address: string; readonly port: number } | null;
  readonly logLevel: string;
}

/** A command line that cannot be followed; the message is one line that says what to do. */
export class UsageError extends Error {}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];
const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'] as const;

export const HELP = `dhcp-operator: makes agents of DhcpServers and DhcpRelays.

  dhcp-operator --agent-image IMAGE [options]
      --namespace NS               where the Lease of the leader is ($POD_NAMESPACE, else dhcp-operator)
      --kubeconfig FILE            instead of the pod's service account
      --agent-pull-policy POLICY   ${PULL_POLICIES.join(' ')} (IfNotPresent)
      --agent-pull-secret NAME     may be given several times
      --agent-priority-class NAME  such as system-node-critical
      --agent-monitor-label K=V    for the agents' PodMonitors; may be given several times
      --agent-log-level LEVEL      ${LOG_LEVELS.join(' ')} (info)
      --http ADDR:PORT             /healthz /readyz /metrics; "off" for none (:8080)
      --log-level LEVEL            (info)
  dhcp-operator --version | --help

Example:
  dhcp-operator --agent-image dhcp-operator/agent:0.1.0 --kubeconfig ~/.kube/config --http 127.0.0.1:8080`;

const TEXT = { type: 'string' } as const;
const OPTIONS = {
  'agent-image': TEXT,
  'agent-pull-policy': TEXT,
  'agent-pull-secret': { type: 'string', multiple: true },
  'agent-monitor-label': { type: 'string', multiple: true },
  'agent-priority-class': TEXT,
  'agent-log-level': TEXT,
  namespace: TEXT,
  kubeconfig: TEXT,
  http: TEXT,
  'log-level': TEXT,
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
} as const;

/** Parses the arguments after the program's name; throws UsageError. */
export function parseCommand(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Command {
  const values = parse(argv);
  if (values.help === true) return { kind: 'help' };
  if (values.version === true) return { kind: 'version' };
  const image = values['agent-image'];
  if (!image) throw new UsageError('--agent-image: name the image that agents run; see --help');
  const pullPolicy = oneOf(
    'agent-pull-policy',
    values['agent-pull-policy'] ?? 'IfNotPresent',
    PULL_POLICIES,
  );
  return {
    kind: 'run',
    kubeconfig: values.kubeconfig ?? null,
    namespace: values.namespace ?? env.POD_NAMESPACE ?? 'dhcp-operator',
    agent: {
      image,
      pullPolicy: pullPolicy as AgentImage['pullPolicy'],
      pullSecrets: values['agent-pull-secret'] ?? [],
      priorityClass: values['agent-priority-class'] || null,
      logLevel: oneOf('agent-log-level', values['agent-log-level'] ?? 'info', LOG_LEVELS),
      monitorLabels: Object.fromEntries((values['agent-monitor-label'] ?? []).map(parseLabel)),
    },
    http: parseHttp(values.http ?? ':8080'),
    logLevel: oneOf('log-level', values['log-level'] ?? 'info', LOG_LEVELS),
  };
}

function parse(
  argv: readonly string[],
): ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'] {
  try {
    return parseArgs({ args: [...argv], options: OPTIONS }).values;
  } catch (error) {
    const message = (error as Error).message.replace(/\. To specify a positional.*$/s, '');
    throw new UsageError(`${message}; see --help`);
  }
}

function parseLabel(label: string): readonly [key: string, value: string] {
  const at = label.indexOf('=');
  if (at > 0) return [label.slice(0, at), label.slice(at + 1)];
  throw new UsageError(
    `--agent-monitor-label ${label}: write KEY=VALUE such as release=prometheus`,
  );
}

function oneOf(option: string, value: string, words: readonly string[]): string {
  if (words.includes(value)) return value;
  throw new UsageError(`--${option} ${value}: use one of ${words.join(', ')}`);
}

function parseHttp(value: string): OperatorCommand['http'] {
  if (value === 'off') return null;
  const match = /^(?:\[([\da-fA-F:]+)\]|([^:]*)):(\d{1,5})$/.exec(value);
  const port = Number(match?.[3]);
  if (match === null || port > 65535)
    throw new UsageError(`--http ${value}: write ADDRESS:PORT such as 0.0.0.0:8080, or off`);
  return { address: match[1] ?? match[2] ?? '', port };
}
