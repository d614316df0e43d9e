import {
  contains,
  formatIpv4,
  formatPrefix,
  type Ipv4,
  type Prefix,
  UNSPECIFIED,
} from '../../../codec/ipv4.ts';
import { SUB_OPTION } from '../../../codec/v4/relayinfo.ts';
import type { SelectorConfig } from '../../../crds/types/serverconfig.ts';
import { matchesGlob } from '../relay/links.ts';
import type { ServerDrop } from './drops.ts';
import type { SelectedSubnet, Subnet } from './plan.ts';
import { OPTION, type Request } from './request.ts';
import { equals, MATCH_WORDS } from './reservations.ts';
import type { ServerState } from './state.ts';

/** Finds out where the client is and what is configured for it; fills `state.client`. */
export function locate(state: ServerState): ServerDrop | null {
  const { request, client, plan, trace } = state;
  const { allowedRelays } = plan.config;
  if (request.giaddr !== UNSPECIFIED && allowedRelays !== null) {
    if (!isAmong(request.giaddr, allowedRelays)) return 'relayNotAllowed';
  }
  client.bySubnetSelection = false;
  client.byVirtualSubnet = false;
  const subnet = selectSubnet(state);
  if (subnet === null) return 'noSubnet';
  client.subnet = subnet;
  client.network = subnet.network;
  client.classes = plan.classes.of(request);
  client.reservation = subnet.network.reservations.find(request, subnet);
  if (trace !== null) explain(state);
  return client.classes.refusedBy === null ? null : 'refusedByClass';
}

/** Whether an address is in one of the networks. */
export function isAmong(address: Ipv4, networks: readonly Prefix[]): boolean {
  for (const network of networks) if (contains(network, address)) return true;
  return false;
}

function explain({ client, trace }: ServerState): void {
  const { classes, reservation } = client;
  const names = classes.names.join(', ') || 'none';
  trace!.push({ about: 'classes', because: names });
  if (classes.refusedBy !== null) {
    trace!.push({ about: 'refused', because: `class ${classes.refusedBy} gets no answer` });
  }
  if (reservation === null) {
    trace!.push({ about: 'reservation', because: 'none for this client' });
  } else {
    const { address, match } = reservation;
    const what = address === null ? 'settings only' : formatIpv4(address);
    trace!.push({ about: 'reservation', because: `${what}, by ${MATCH_WORDS[match.kind]}` });
  }
}

// RFC 3527 §3: link selection before subnet selection before giaddr. By prefix always, never by pool: an address
// that is reserved outside the pools is at home in its subnet like any other.
function selectSubnet(state: ServerState): Subnet | null {
  const { plan, request, client } = state;
  if (plan.selectors.length + plan.selectorsByGiaddr.size > 0) {
    const subnet = bySelector(state);
    if (subnet !== null) return found(state, subnet, 'selectors', subnet.name);
  }
  const { giaddr } = request;
  if (giaddr !== UNSPECIFIED) {
    const link = request.subAddress(SUB_OPTION.linkSelection);
    if (link !== UNSPECIFIED) {
      return found(state, plan.subnetOf(link), 'link selection (option 82.5)', link);
    }
    const selected = request.address(OPTION.subnetSelection);
    if (selected !== UNSPECIFIED) {
      client.bySubnetSelection = true;
      return found(state, plan.subnetOf(selected), 'subnet selection (option 118)', selected);
    }
    return found(state, plan.subnetOf(giaddr), 'giaddr', giaddr);
  }
  // RFC 3011 §3 leaves option 118 of a client that is here itself to the server; it could ask for any subnet.
  if (request.unicast && request.ciaddr !== UNSPECIFIED) {
    // A renewal past the relay: the client is where its address is.
    const subnet = plan.subnetOf(request.ciaddr);
    if (subnet !== null) return found(state, subnet, 'ciaddr', request.ciaddr);
  }
  const { link } = request;
  return found(state, link?.subnet ?? null, 'interface', link?.name ?? 'unknown');
}

function found(
  state: ServerState,
  subnet: Subnet | null,
  by: string,
  what: string | Ipv4,
): Subnet | null {
  if (state.trace === null) return subnet;
  const decider = `${by} ${typeof what === 'string' ? what : formatIpv4(what)}`;
  if (subnet === null) {
    state.trace.push({ about: 'subnet', because: `none is configured for ${decider}` });
  } else {
    const { prefix, network, name } = subnet;
    const shared = network.name === name ? '' : ` of ${network.name}`;
    const because = `${formatPrefix(prefix)}${shared}, by ${decider}`;
    state.trace.push({ about: 'subnet', because });
  }
  return subnet;
}

// What names the relay comes first. There may be thousands of those, as many as there are circuits in a fabric.
function bySelector({ plan, request, client }: ServerState): Subnet | null {
  const named = plan.selectorsByGiaddr.get(request.giaddr) ?? NONE;
  const chosen = firstThatFits(named, request) ?? firstThatFits(plan.selectors, request);
  if (chosen === null) return null;
  client.byVirtualSubnet = chosen.selector.vrf !== null;
  return chosen.subnet;
}

const NONE: readonly SelectedSubnet[] = [];

function firstThatFits(
  selectors: readonly SelectedSubnet[],
  request: Request,
): SelectedSubnet | null {
  for (const selected of selectors) if (fits(selected.selector, request)) return selected;
  return null;
}

function fits(selector: SelectorConfig, request: Request): boolean {
  const { circuitId, remoteId, vrf } = selector;
  if (circuitId !== null && !hasSubOption(request, SUB_OPTION.circuitId, circuitId)) return false;
  if (remoteId !== null && !hasSubOption(request, SUB_OPTION.remoteId, remoteId)) return false;
  if (vrf !== null && !isIn(request, vrf)) return false;
  if (selector.interface === null) return true;
  const { link } = request;
  return (
    request.giaddr === UNSPECIFIED && link !== null && matchesGlob(selector.interface, link.name)
  );
}

function hasSubOption(request: Request, code: number, octets: Uint8Array): boolean {
  const found = request.findSubOption(code);
  return found >= 0 && equals(octets, request.relayBytes, found, request.length);
}

// RFC 6607 §3.4: type 0, then the name.
function isIn(request: Request, vrf: string): boolean {
  const found = request.findSubOption(SUB_OPTION.virtualSubnet);
  if (found < 0 || request.length < 1 || request.relayBytes[found] !== 0) return false;
  const end = found + request.length;
  return request.relayBytes.toString('utf8', found + 1, end) === vrf;
}
