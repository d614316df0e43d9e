import { formatIpv4, type Ipv4, LIMITED_BROADCAST, parseIpv4 } from '../../codec/ipv4.ts';
import type { RelayInterface } from '../types/dhcprelay.ts';
import type { Findings } from './findings.ts';
import { covers, isGlob } from './glob.ts';

/** Interfaces that container networks make for their pods, as far as their names tell; `loopback` is known by its flag. */
export const POD_SIDE: readonly string[] = [
  'cni*',
  'veth*',
  'docker*',
  'br-*',
  'flannel*',
  'cali*',
  'cilium*',
  'lxc*',
  'kube-*',
  'tun*',
  'virbr*',
];

/** IFNAMSIZ is 16, the end mark included. */
export const INTERFACE_NAME_MAX = 15;

/** Entries that can never be the one that counts are mistakes. */
export function checkInterfaces(
  interfaces: readonly RelayInterface[],
  excluded: readonly string[],
  findings: Findings,
): void {
  for (const [i, { match }] of interfaces.entries()) {
    const path = `spec.interfaces[${i}].match`;
    const fault = patternFault(match);
    if (fault !== null) findings.problem(path, 'InvalidPattern', fault);
    const before = interfaces.slice(0, i).findIndex((entry) => covers(entry.match, match));
    if (before >= 0) {
      const first = `spec.interfaces[${before}] ("${interfaces[before]!.match}")`;
      const message = `"${match}" never counts, ${first} takes all of it: put the narrower entry first`;
      findings.problem(path, 'Unreachable', message);
    }
    checkExcluded(match, path, excluded, findings);
  }
  for (const [i, glob] of excluded.entries()) {
    const path = `spec.excludeInterfaces[${i}]`;
    const fault = patternFault(glob);
    if (fault !== null) findings.problem(path, 'InvalidPattern', fault);
  }
}

function checkExcluded(
  match: string,
  path: string,
  excluded: readonly string[],
  findings: Findings,
): void {
  const user = excluded.findIndex((glob) => covers(glob, match));
  if (user >= 0) {
    const message = `"${match}" is left alone by spec.excludeInterfaces[${user}] ("${excluded[user]}"): take it out of one`;
    findings.problem(path, 'Contradiction', message);
    return;
  }
  const pod = isGlob(match) ? POD_SIDE.find((glob) => covers(glob, match)) : undefined;
  if (pod === undefined) return;
  const message = `"${match}" matches pods' interfaces ("${pod}") only, which globs pass over: write the name in full`;
  findings.problem(path, 'Unreachable', message);
}

function patternFault(pattern: string): string | null {
  if (/[\s/:]/.test(pattern) || pattern === '.' || pattern === '..') {
    return `${JSON.stringify(pattern)} is no interface name: names have no blanks, "/" or ":"`;
  }
  const least = new TextEncoder().encode(pattern.replaceAll('*', '')).length;
  if (least <= INTERFACE_NAME_MAX) return null;
  return `"${pattern}" matches nothing: interface names have at most ${INTERFACE_NAME_MAX} octets`;
}

/** What goes into giaddr, or null after saying why it cannot. */
export function compileGiaddr(
  text: string,
  path: string,
  findings: Findings,
): 'Auto' | Ipv4 | null {
  if (text === 'Auto') return text;
  const address = parseIpv4(text);
  const fault = address === null ? 'is no IPv4 address' : unusable(address);
  if (fault === null) return address;
  const message = `"${text}" ${fault}: write an address of this node that servers can reach, or Auto`;
  findings.problem(path, 'InvalidAddress', message);
  return null;
}

// Servers send their replies there (RFC 2131 §4.1).
function unusable(address: Ipv4): string | null {
  if (address === LIMITED_BROADCAST) return 'is the broadcast address';
  const first = address >>> 24;
  if (first === 0) return 'is unspecified';
  if (first === 127) return 'is a loopback address';
  if (first >= 240) return 'is a reserved address';
  return first >= 224 ? `is a multicast address (${formatIpv4(address)})` : null;
}
