import { formatPrefix, overlaps, type Prefix, parsePrefix } from '../../codec/ipv4.ts';
import { type Document, keyOf } from '../document.ts';
import type { DhcpServer } from '../types/dhcpserver.ts';
import type { ServerConfig } from '../types/serverconfig.ts';
import type { Finding } from './findings.ts';
import { covers } from './glob.ts';

/** On a DhcpServer: "true" lets its subnets overlap with others, for sites that have nothing to do with each other. */
export const ALLOW_OVERLAP = 'dhcp-operator.io/allow-overlap';

/** A server that has been accepted, and who wrote it. */
export interface Accepted {
  readonly document: Document;
  readonly config: ServerConfig;
}

/**
 * What first is wrong with running a server beside others in one agent: each keeps leases of its own, so of one subnet both
 * would give the same address to different clients. Servers of different links may have the same private network, and
 * who is a proxy gives no addresses.
 */
export function serverClashes(
  others: readonly Accepted[],
  config: ServerConfig,
  { metadata, spec }: DhcpServer,
): readonly Finding[] {
  if (metadata.annotations?.[ALLOW_OVERLAP] === 'true') return [];
  for (const { document, config: other } of others) {
    if (!meet(other, config)) continue;
    const theirs = prefixesOf(other);
    for (const [i, { cidr }] of spec.subnets.entries()) {
      const own = parsePrefix(cidr);
      const both = own === null ? undefined : theirs.find((prefix) => overlaps(prefix, own));
      if (both === undefined) continue;
      const message = `${cidr} overlaps ${formatPrefix(both)} of ${keyOf(document)}, and both would give its addresses: merge the two, or annotate with ${ALLOW_OVERLAP}=true if their clients never meet`;
      return [{ path: `spec.subnets[${i}].cidr`, reason: 'Overlap', message }];
    }
  }
  return [];
}

// Relayed requests reach all, so only servers that are told their links are taken to be apart.
function meet(a: ServerConfig, b: ServerConfig): boolean {
  if (a.proxyDhcp || b.proxyDhcp) return false;
  if (a.interfaces.length === 0 || b.interfaces.length === 0) return true;
  return a.interfaces.some((x) => b.interfaces.some((y) => share(x, a, y, b)));
}

// One takes all that the other takes, and leaves none of it alone.
function share(x: string, ofX: ServerConfig, y: string, ofY: ServerConfig): boolean {
  if (covers(x, y)) return !ofX.exclude.some((glob) => covers(glob, y));
  return covers(y, x) && !ofY.exclude.some((glob) => covers(glob, x));
}

function prefixesOf({ networks }: ServerConfig): Prefix[] {
  return networks.flatMap(({ subnets }) => subnets.map(({ prefix }) => prefix));
}
