import { type Prefix, parsePrefix } from '../../codec/ipv4.ts';
import type { RelayConfig, RelayInterfaceConfig } from '../types/agentconfig.ts';
import type { DhcpRelay, DhcpRelaySpec, RelayInterface } from '../types/dhcprelay.ts';
import { type Finding, Findings } from './findings.ts';
import { askedFor, checkRoom, compileInformation } from './relayinformation.ts';
import { checkInterfaces, compileGiaddr, INTERFACE_NAME_MAX, POD_SIDE } from './relayinterfaces.ts';
import { compileUpstreams, type Resolve, type UpstreamFacts } from './relayupstreams.ts';

/** What became of a DhcpRelay: a configuration, unless there are problems; warnings keep nothing from running. */
export interface CompiledRelay {
  readonly config: RelayConfig | null;
  readonly problems: readonly Finding[];
  readonly warnings: readonly Finding[];
}

/** As the schema has them. */
const DEFAULTS = {
  maxHops: 4,
  maxMessageSize: 1472,
  sourcePort: 67,
  perClient: 20,
  perInterface: 0,
};

const EVERY_INTERFACE: readonly RelayInterface[] = [{ match: '*' }];

/** DHCP's other port: what a relay sent from there, servers and clients would take for a client's. */
const CLIENT_PORT = 68;

/** Compiles a DhcpRelay that is of the right shape. Pure. `resolve` is null outside Kubernetes. */
export function compileRelay(relay: DhcpRelay, resolve: Resolve | null): CompiledRelay {
  const { spec, metadata } = relay;
  const { name, namespace } = metadata;
  const findings = new Findings();
  const excluded = spec.excludeInterfaces ?? [];
  const interfaces = spec.interfaces ?? EVERY_INTERFACE;
  checkInterfaces(spec.interfaces ?? [], excluded, findings);
  checkModes(spec, findings);
  checkPorts(spec, findings);
  const links = compileInterfaces(spec, interfaces, { resolve, namespace }, findings);
  const { rateLimit = {} } = spec;
  const config: RelayConfig = {
    name: namespace === undefined ? name : `${namespace}/${name}`,
    interfaces: links,
    exclude: [...POD_SIDE, ...excluded],
    replySources: compileSources(spec.replySources ?? [], findings),
    maxHops: spec.maxHops ?? DEFAULTS.maxHops,
    maxMessageSize: spec.maxMessageSize ?? DEFAULTS.maxMessageSize,
    sourcePort: spec.sourcePort ?? DEFAULTS.sourcePort,
    upstreamDevice: spec.upstreamDevice ?? null,
    rateLimit: {
      perClient: rateLimit.perClient ?? DEFAULTS.perClient,
      perInterface: rateLimit.perInterface ?? DEFAULTS.perInterface,
    },
  };
  const { problems, warnings } = findings;
  return { config: problems.length === 0 ? config : null, problems, warnings };
}

function compileInterfaces(
  spec: DhcpRelaySpec,
  interfaces: readonly RelayInterface[],
  facts: UpstreamFacts,
  findings: Findings,
): RelayInterfaceConfig[] {
  const common = { settings: spec.relayInformation ?? {}, path: 'spec.relayInformation' };
  const upstreams = compileUpstreams(spec.upstreams, 'spec.upstreams', facts, findings);
  const otherPort = (spec.sourcePort ?? DEFAULTS.sourcePort) !== DEFAULTS.sourcePort;
  // What all links share is looked into once, also if no link is left to use it.
  checkRoom(compileInformation(common, null, findings), otherPort, common.path, findings);
  return interfaces.map((entry, i) => {
    const path = `spec.interfaces[${i}]`;
    const own = entry.relayInformation;
    const at = `${path}.relayInformation`;
    const quiet = new Findings();
    const level = own === undefined ? null : { settings: own, path: at };
    const relayInformation = compileInformation(common, level, quiet);
    findings.problems.push(...quiet.problems.filter((one) => one.path.startsWith(at)));
    if (own !== undefined) checkRoom(relayInformation, otherPort, at, findings);
    const trusted = entry.trusted ?? false;
    if (trusted && relayInformation.existing === 'Discard') {
      const message = 'has no effect: existing: Discard drops what it would let in';
      findings.warn(`${path}.trusted`, 'Contradiction', message);
    }
    return {
      match: entry.match,
      giaddr: compileGiaddr(entry.giaddr ?? 'Auto', `${path}.giaddr`, findings) ?? 'Auto',
      trusted,
      upstreams:
        entry.upstreams === undefined
          ? upstreams
          : compileUpstreams(entry.upstreams, `${path}.upstreams`, facts, findings),
      relayInformation,
    };
  });
}

// To say nothing, and to say this: one of the two was not meant.
function checkModes(spec: DhcpRelaySpec, findings: Findings): void {
  const common = spec.relayInformation ?? {};
  const links = spec.interfaces ?? EVERY_INTERFACE;
  const modes = links.map((link) => link.relayInformation?.mode ?? common.mode);
  if (common.mode === 'Never' && modes.every((mode) => mode === 'Never')) {
    contradiction('spec.relayInformation', askedFor(common), findings);
  }
  for (const [i, link] of links.entries()) {
    if (modes[i] !== 'Never') continue;
    const own = link.relayInformation ?? {};
    contradiction(`spec.interfaces[${i}].relayInformation`, askedFor(own), findings);
    if ((spec.sourcePort ?? DEFAULTS.sourcePort) !== DEFAULTS.sourcePort) {
      const message = `needs sub-option 19 (RFC 8357), but spec.interfaces[${i}] ("${link.match}") never adds option 82`;
      findings.problem('spec.sourcePort', 'Contradiction', message);
    }
  }
}

function contradiction(path: string, asked: readonly string[], findings: Findings): void {
  if (asked.length === 0) return;
  const message = `mode: Never says that nothing is added, ${asked.join(' and ')} that something is: leave one out`;
  findings.problem(`${path}.mode`, 'Contradiction', message);
}

function checkPorts({ sourcePort, upstreamDevice }: DhcpRelaySpec, findings: Findings): void {
  if (sourcePort === CLIENT_PORT) {
    const message = '68 is the port of clients: write 67, or one that nothing else uses';
    findings.problem('spec.sourcePort', 'InvalidPort', message);
  }
  const sound = /^[^\s/:*?]+$/.test(upstreamDevice ?? 'vrf');
  const octets = new TextEncoder().encode(upstreamDevice).length;
  if (!sound || octets > INTERFACE_NAME_MAX || /^\.\.?$/.test(upstreamDevice ?? '')) {
    const message = `${JSON.stringify(upstreamDevice)} is no interface name: write one such as vrf-blue`;
    findings.problem('spec.upstreamDevice', 'InvalidName', message);
  }
}

function compileSources(texts: readonly string[], findings: Findings): Prefix[] {
  return texts.flatMap((text, i) => {
    const path = `spec.replySources[${i}]`;
    const prefix = parsePrefix(text);
    if (prefix === null) {
      findings.problem(path, 'InvalidNetwork', `"${text}" is not a network such as 192.0.2.0/24`);
      return [];
    }
    if (prefix.length === 0) {
      const message = 'lets anybody answer: write the networks that servers are in';
      findings.warn(path, 'AnySource', message);
    }
    return [prefix];
  });
}
