import { contains, formatIpv4, type Ipv4, type Prefix } from '../../codec/ipv4.ts';
import type {
  AllowedNetwork,
  ConflictDetection,
  DhcpServer,
  DhcpServerSpec,
  ForeignServers,
  ServerLimits,
} from '../types/dhcpserver.ts';
import type { ClientClass } from '../types/dhcpsubnet.ts';
import type { ClassConfig, IntentConfig, ServerConfig } from '../types/serverconfig.ts';
import { type Finding, Findings } from './findings.ts';
import { checkClassMatch } from './packetcel.ts';
import { address, prefix } from './serverranges.ts';
import { Levels } from './serversettings.ts';
import { compileNetworks } from './serversubnets.ts';

/** What became of a DhcpServer: a configuration, unless there are problems; warnings keep nothing from running. */
export interface CompiledServer {
  readonly config: ServerConfig | null;
  readonly problems: readonly Finding[];
  readonly warnings: readonly Finding[];
}

const MINUTE = 60_000;
/** A DISCOVER to everyone more often than this is a flood. */
const PROBE_INTERVAL_MIN = 100;
/** What a timer can wait for: 2³¹ - 1 ms are 24.8 days, and beyond it fires at once. */
const PROBE_INTERVAL_MAX = 24 * 86_400_000;
/** Several times what any client sends, and too little to fill a pool fast; the same as a relay's. */
const PER_CLIENT = 20;

/** Compiles a DhcpServer that is of the right shape. Pure. */
export function compileServer(
  server: DhcpServer,
  intents: readonly IntentConfig[] = [],
): CompiledServer {
  const { spec } = server;
  const findings = new Findings();
  const classes = new Set((spec.classes ?? []).map(({ name }) => name));
  const levels = new Levels(classes, findings);
  const config: ServerConfig = {
    ...switches(spec),
    name: nameOf(server),
    serverIdentifier: serverIdentifier(spec, findings),
    conflictDetection: conflictDetection(spec.conflictDetection ?? {}, levels),
    declineQuarantine: levels.millis(spec.declineQuarantine, 60 * MINUTE, 'spec.declineQuarantine'),
    offerTime: levels.millis(spec.offerTime, MINUTE, 'spec.offerTime'),
    leaseQueryFrom: allowed(spec.leaseQuery?.from ?? [], 'spec.leaseQuery.from', findings),
    allowedRelays:
      spec.allowedRelays === undefined
        ? null
        : allowed(spec.allowedRelays, 'spec.allowedRelays', findings),
    limits: limits(spec.limits ?? {}),
    foreignServers: foreignServers(spec.foreignServers ?? {}, levels),
    classes: compileClasses(spec.classes ?? [], levels),
    settings: levels.settings(spec, 'spec'),
    networks: compileNetworks(spec.subnets, spec.sharedNetworks ?? [], classes, levels),
    intents,
  };
  checkTogether(spec, config, findings);
  checkIntents(config, findings);
  const { problems, warnings } = findings;
  return { config: problems.length === 0 ? config : null, problems, warnings };
}

function nameOf({ metadata }: DhcpServer): string {
  const { name, namespace } = metadata;
  return namespace === undefined ? name : `${namespace}/${name}`;
}

type Switches = Pick<
  ServerConfig,
  | 'interfaces'
  | 'exclude'
  | 'authoritative'
  | 'identity'
  | 'echoClientId'
  | 'rapidCommit'
  | 'bootp'
  | 'renewalPercent'
  | 'rebindingPercent'
  | 'autoConfigure'
  | 'proxyDhcp'
>;

function switches(spec: DhcpServerSpec): Switches {
  const { interfaces = [], excludeInterfaces = [], authoritative = false } = spec;
  const { identity = 'Auto', echoClientId = true, rapidCommit = false, bootp = 'Never' } = spec;
  const { renewalPercent = 50, rebindingPercent = 87.5 } = spec;
  const { autoConfigure = 'Silent', proxyDhcp = false } = spec;
  return {
    interfaces: interfaces.map(({ match }) => match),
    exclude: excludeInterfaces,
    authoritative,
    identity,
    echoClientId,
    rapidCommit,
    bootp,
    renewalPercent,
    rebindingPercent,
    autoConfigure,
    proxyDhcp,
  };
}

function conflictDetection(
  { mode = 'Auto', timeout, repeatAfter }: ConflictDetection,
  levels: Levels,
): ServerConfig['conflictDetection'] {
  const path = 'spec.conflictDetection';
  return {
    mode,
    timeout: levels.millis(timeout, 300, `${path}.timeout`),
    repeatAfter: levels.millis(repeatAfter, 10 * MINUTE, `${path}.repeatAfter`),
  };
}

function limits(given: ServerLimits): ServerConfig['limits'] {
  const none = { perCircuit: 0, perInterface: 0, leasesPerCircuit: 0, leasesPerHardwareAddress: 0 };
  return { perClient: PER_CLIENT, ...none, ...given };
}

function foreignServers(
  { mode = 'Passive', interval, known = [] }: ForeignServers,
  levels: Levels,
): ServerConfig['foreignServers'] {
  const path = 'spec.foreignServers';
  const addresses = known.map((server, i) =>
    address(server.address, `${path}.known[${i}].address`, levels.findings),
  );
  const millis = levels.millis(interval, 15 * MINUTE, `${path}.interval`);
  checkProbeInterval(millis, `${path}.interval`, levels.findings);
  return { mode, interval: millis, known: addresses.filter((one) => one !== null) };
}

function checkProbeInterval(millis: number, path: string, findings: Findings): void {
  if (millis < PROBE_INTERVAL_MIN) {
    findings.problem(path, 'TooShort', 'floods the link with DISCOVERs: write 100ms or more');
  } else if (millis > PROBE_INTERVAL_MAX) {
    findings.problem(path, 'TooLong', 'is more than a timer can wait: write 24d or less');
  }
}

function serverIdentifier(spec: DhcpServerSpec, findings: Findings): Ipv4 | null {
  const given = spec.serverIdentifier ?? 'Auto';
  if (given === 'Service') {
    const message = 'is known in Kubernetes only: write the address here, or Auto';
    findings.problem('spec.serverIdentifier', 'OnlyInKubernetes', message);
    return null;
  }
  return given === 'Auto' ? null : address(given, 'spec.serverIdentifier', findings);
}

function compileClasses(classes: readonly ClientClass[], levels: Levels): readonly ClassConfig[] {
  const { findings } = levels;
  const names = new Map<string, number>();
  return classes.map((entry, i) => {
    const path = `spec.classes[${i}]`;
    const first = names.get(entry.name);
    if (first === undefined) names.set(entry.name, i);
    else
      findings.problem(
        `${path}.name`,
        'Duplicate',
        `spec.classes[${first}] is called ${entry.name} too`,
      );
    const fault = checkClassMatch(entry.match);
    if (fault !== null) findings.problem(`${path}.match`, 'InvalidExpression', fault);
    const refuse = entry.refuse ?? false;
    if (refuse && (entry.options ?? entry.boot ?? entry.leaseTime) !== undefined) {
      findings.warn(path, 'Contradiction', 'is refused, so what else it says has no effect');
    }
    return { name: entry.name, match: entry.match, refuse, settings: levels.settings(entry, path) };
  });
}

function allowed(
  entries: readonly AllowedNetwork[],
  path: string,
  findings: Findings,
): readonly Prefix[] {
  const networks: Prefix[] = [];
  for (const [i, entry] of entries.entries()) {
    const at = `${path}[${i}]`;
    if ((entry.address === undefined) === (entry.cidr === undefined)) {
      findings.problem(at, 'ExactlyOneOf', 'exactly one of address and cidr says who');
    } else if (entry.cidr !== undefined) {
      const network = prefix(entry.cidr, `${at}.cidr`, findings);
      if (network !== null) networks.push(network);
    } else {
      const single = address(entry.address!, `${at}.address`, findings);
      if (single !== null) networks.push({ address: single, length: 32 });
    }
  }
  return networks;
}

// They come from other objects, which are right by themselves; the server does without those that it cannot follow.
function checkIntents({ intents, networks }: ServerConfig, findings: Findings): void {
  const subnets = networks.flatMap((network) => network.subnets);
  for (const { address: at, source } of intents) {
    if (subnets.some((subnet) => contains(subnet.prefix, at))) continue;
    const message = `DhcpLease ${source} speaks of ${formatIpv4(at)}, which is in no subnet`;
    findings.warn('spec.subnets', 'LeaseOutsideSubnets', message);
  }
}

// Settings that are each fine and make no sense together.
function checkTogether(spec: DhcpServerSpec, config: ServerConfig, findings: Findings): void {
  if (config.renewalPercent >= config.rebindingPercent) {
    const message = `${config.renewalPercent} is not below rebindingPercent (${config.rebindingPercent})`;
    findings.problem('spec.renewalPercent', 'Contradiction', message);
  }
  if (config.conflictDetection.mode !== 'Off' && config.conflictDetection.timeout > 2_000) {
    // RFC 2131 §4.1: clients try again after 4 s, and some give up after the second try.
    const message = 'makes clients wait longer than they do: write 2s or less';
    findings.problem('spec.conflictDetection.timeout', 'TooLong', message);
  }
  if (config.proxyDhcp && config.interfaces.length === 0 && config.allowedRelays === null) {
    const message = 'without interfaces nothing is answered but what relays send here too';
    findings.warn('spec.proxyDhcp', 'NoInterfaces', message);
  }
  if (config.proxyDhcp && config.rapidCommit) {
    const message = 'a proxy gives no addresses: leave one of proxyDhcp and rapidCommit out';
    findings.problem('spec.rapidCommit', 'Contradiction', message);
  }
  if ((spec.interfaces ?? []).length === 0 && (spec.excludeInterfaces ?? []).length > 0) {
    const message = 'excludes from nothing: name interfaces, or leave it out';
    findings.warn('spec.excludeInterfaces', 'Unused', message);
  }
}
