import { formatIpv4, type Ipv4, LIMITED_BROADCAST, parseIpv4 } from '../../codec/ipv4.ts';
import type { UpstreamConfig } from '../types/agentconfig.ts';
import type { ObjectRef } from '../types/common.ts';
import type { RelayUpstream } from '../types/dhcprelay.ts';
import type { Findings } from './findings.ts';

/** Finds what a reference points at: addresses, or why there are none. */
export type Resolve = (
  kind: 'Service' | 'DhcpServer',
  ref: { readonly namespace: string | undefined; readonly name: string },
) => readonly Ipv4[] | string;

/** What is known outside a DhcpRelay when it is compiled. */
export interface UpstreamFacts {
  /** Null outside Kubernetes, where nothing can be referred to. */
  readonly resolve: Resolve | null;
  readonly namespace: string | undefined;
}

const WAYS = ['address', 'hostname', 'serviceRef', 'serverRef'] as const;

/** Compiles one list of upstreams. */
export function compileUpstreams(
  upstreams: readonly RelayUpstream[],
  path: string,
  facts: UpstreamFacts,
  findings: Findings,
): readonly UpstreamConfig[] {
  const first = new Map<string, string>();
  return upstreams.flatMap((upstream, i) => {
    const at = `${path}[${i}]`;
    return compileUpstream(upstream, at, facts, findings).filter((compiled) => {
      const key = compiled.kind === 'address' ? formatIpv4(compiled.address) : compiled.hostname;
      const before = first.get(key);
      if (before === undefined) first.set(key, at);
      else findings.problem(at, 'Duplicate', `${key} is ${before} already: leave one out`);
      return before === undefined;
    });
  });
}

function compileUpstream(
  upstream: RelayUpstream,
  path: string,
  facts: UpstreamFacts,
  findings: Findings,
): readonly UpstreamConfig[] {
  const given = WAYS.filter((way) => upstream[way] !== undefined);
  if (given.length !== 1) {
    const found = given.length === 0 ? 'names no server' : `has ${given.join(' and ')}`;
    const message = `${found}: exactly one of address, hostname, serviceRef and serverRef must be given`;
    findings.problem(path, 'ExactlyOneOf', message);
    return [];
  }
  const { address, hostname, serviceRef, serverRef } = upstream;
  if (address !== undefined) return compileAddress(address, `${path}.address`, findings);
  if (hostname !== undefined) return compileHostname(hostname, `${path}.hostname`, findings);
  if (serviceRef !== undefined) {
    return compileReference('Service', serviceRef, `${path}.serviceRef`, facts, findings);
  }
  return compileReference('DhcpServer', serverRef!, `${path}.serverRef`, facts, findings);
}

function compileAddress(text: string, path: string, findings: Findings): UpstreamConfig[] {
  const address = parseIpv4(text);
  const fault = address === null ? 'is no IPv4 address' : unusable(address);
  if (fault !== null) {
    const message = `"${text}" ${fault}: write the server's own address, such as 192.0.2.1`;
    findings.problem(path, 'InvalidAddress', message);
    return [];
  }
  // Whether it is depends on a mask that only the last router knows.
  if ((address! & 0xff) === 0xff) {
    const message = `${text} looks like a directed broadcast, which routers drop (RFC 2644)`;
    findings.warn(path, 'DirectedBroadcast', message);
  }
  return [{ kind: 'address', address: address! }];
}

// RFC 1542 §5.4 would allow servers to be asked by broadcast; RFC 2644 and every reply's source speak against it.
function unusable(address: Ipv4): string | null {
  if (address === LIMITED_BROADCAST) return 'is the limited broadcast address';
  const first = address >>> 24;
  if (first === 0) return 'is no address of a host';
  if (first >= 240) return 'is a reserved address';
  return first >= 224 ? 'is a multicast address' : null;
}

function compileHostname(text: string, path: string, findings: Findings): UpstreamConfig[] {
  const name = text.toLowerCase().replace(/\.$/, '');
  if (parseIpv4(name) !== null) {
    findings.problem(path, 'InvalidHostname', `"${text}" is an address: write address: ${name}`);
    return [];
  }
  // RFC 1123 §2.1; a last label of digits alone would be an address misspelt.
  const labels = name.split('.');
  const sound = labels.every((label) => /^[a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9])?$/.test(label));
  if (sound && !/^\d+$/.test(labels.at(-1)!)) return [{ kind: 'hostname', hostname: name }];
  const message = `"${text}" is no DNS name: write one such as dhcp.example.org, without port or scheme`;
  findings.problem(path, 'InvalidHostname', message);
  return [];
}

function compileReference(
  kind: 'Service' | 'DhcpServer',
  ref: ObjectRef,
  path: string,
  { resolve, namespace }: UpstreamFacts,
  findings: Findings,
): UpstreamConfig[] {
  if (resolve === null) {
    const message = 'is followed in Kubernetes only: write address or hostname here';
    findings.problem(path, 'OnlyInKubernetes', message);
    return [];
  }
  const found = resolve(kind, { name: ref.name, namespace: ref.namespace ?? namespace });
  if (typeof found === 'string') {
    findings.problem(path, 'UnresolvedReference', `${kind} ${ref.name}: ${found}`);
    return [];
  }
  if (found.length === 0) {
    findings.warn(path, 'NoAddresses', `${kind} ${ref.name} has no address yet`);
  }
  return found.map((address) => ({ kind: 'address', address }));
}
