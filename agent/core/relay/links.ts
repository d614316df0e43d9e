import type { Ipv4, Prefix } from '../../../codec/ipv4.ts';
import type { Address, Link } from '../../../codec/link/rtnetlink.ts';

/** An interface of this node, as far as a relay cares. */
export interface RelayLink {
  readonly index: number;
  readonly name: string;
  readonly up: boolean;
  readonly broadcast: boolean;
  readonly loopback: boolean;
  /** A port of a bridge, bond or team, whose traffic is seen on that instead. */
  readonly enslaved: boolean;
  readonly hardwareAddress: Uint8Array;
  readonly vlanId: number | null;
  /** In the kernel's order. */
  readonly addresses: readonly LinkAddress[];
}

export interface LinkAddress {
  readonly address: Ipv4;
  readonly prefixLength: number;
  /** An alias within a subnet that has an older address (IFA_F_SECONDARY). */
  readonly secondary: boolean;
  /** Reaches beyond this host and this link. */
  readonly global: boolean;
}

/** RT_SCOPE_UNIVERSE: the address reaches beyond this host and this link. */
const SCOPE_UNIVERSE = 0;

/** What a relay cares for in the links that the kernel describes. */
export function relayLinks(
  links: readonly (Link & { readonly addresses: readonly Address[] })[],
): RelayLink[] {
  const kinds = new Map(links.map((link) => [link.index, link.kind]));
  return links.map((link) => ({
    index: link.index,
    name: link.name,
    up: link.up,
    broadcast: link.broadcast,
    loopback: link.loopback,
    // Traffic of a vrf's members is seen on them; that of a bridge's, bond's or team's ports is seen on the master.
    enslaved: link.master !== null && kinds.get(link.master) !== 'vrf',
    hardwareAddress: link.hardwareAddress,
    vlanId: link.vlanId,
    addresses: link.addresses.map(({ local, prefixLength, secondary, scope }) => ({
      address: local,
      prefixLength,
      secondary,
      global: scope === SCOPE_UNIVERSE,
    })),
  }));
}

/**
 * The address that speaks for a link: the oldest global one that is not secondary. Host routes (/32) come last,
 * because floating service addresses are configured like that. Null when it has none.
 */
export function primaryAddress(link: RelayLink): LinkAddress | null {
  const global = link.addresses.filter((a) => a.global && !a.secondary);
  return global.find((a) => a.prefixLength < 32) ?? global[0] ?? null;
}

/** The network of an address on a link. */
export function networkOfAddress(address: LinkAddress): Prefix {
  return { address: address.address, length: address.prefixLength };
}

/** Whether a glob (`*` any characters, `?` one) matches the whole name. */
export function matchesGlob(glob: string, name: string): boolean {
  // Greedy with one point to fall back to: linear space, no regular expression made of users' text.
  let g = 0;
  let n = 0;
  let starAt = -1;
  let resumeAt = 0;
  while (n < name.length) {
    if (glob[g] === '*') {
      starAt = g++;
      resumeAt = n;
    } else if (g < glob.length && (glob[g] === '?' || glob[g] === name[n])) {
      g++;
      n++;
    } else if (starAt >= 0) {
      g = starAt + 1;
      n = ++resumeAt;
    } else {
      return false;
    }
  }
  while (glob[g] === '*') g++;
  return g === glob.length;
}
