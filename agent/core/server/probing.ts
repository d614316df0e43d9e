import { type Ipv4, UNSPECIFIED } from '../../../codec/ipv4.ts';
import type { Millis } from '../../../codec/machine.ts';
import { identify } from './identity.ts';
import { linkOf, type ServerLink } from './links.ts';
import type { ProbePort } from './observer.ts';
import type { Offer } from './offers.ts';
import type { Waiting } from './probes.ts';
import { quarantine } from './record.ts';
import { equals } from './reservations.ts';
import type { ServerState } from './state.ts';

/**
 * Has the address of a new offer probed if it should be; true when the client has to wait. Others do not: the request is
 * put aside, and taken up again after `probeClear` or `probeTaken`.
 */
export function probeFirst(state: ServerState, offer: Offer): boolean {
  const { plan, probes, request, observer, port } = state;
  if (whyUnprobed(state, offer.address) !== null) return false;
  const { mode, timeout } = plan.config.conflictDetection;
  const link = probeLink(state, offer.address);
  if (probes.isFull) {
    observer.probeSkipped(offer.address);
    return false;
  }
  offer.probe = 'running';
  probes.start(offer.address, request.now + timeout, state.attempts, request);
  sendProbe(port, link, mode === 'Icmp', offer.address);
  return true;
}

/** Why an address is offered without a look at who uses it, for people. */
export const UNPROBED = {
  off: 'conflict detection is off',
  current: 'the client uses the address',
  held: 'the client used it lately',
  clear: 'nobody used it when somebody looked lately',
  beyond: 'it is on no link of ours, and conflict detection is by ARP alone',
} as const;

/** Why an address need not be probed before it is offered; null: it is. */
export function whyUnprobed(state: ServerState, address: Ipv4): keyof typeof UNPROBED | null {
  const { plan, probes, request, choice } = state;
  const { mode, timeout, repeatAfter } = plan.config.conflictDetection;
  if (mode === 'Off' || timeout === 0) return 'off';
  const since = request.now - repeatAfter;
  if (!choice.suspicious) {
    if (choice.origin === 'current') return 'current';
    if (choice.heldAt >= since) return 'held';
    if (probes.isClear(address, since)) return 'clear';
  }
  return mode === 'Arp' && probeLink(state, address) === null ? 'beyond' : null;
}

/** How an address is probed, for people. */
export function howProbed(state: ServerState, address: Ipv4): string {
  const { mode, timeout } = state.plan.config.conflictDetection;
  const link = probeLink(state, address);
  const how = link === null || mode === 'Icmp' ? 'ICMP' : `ARP on ${link.name}`;
  return `${how} for ${timeout} ms first, as nobody looked lately`;
}

function sendProbe(port: ProbePort, link: ServerLink | null, icmp: boolean, address: Ipv4): void {
  if (link === null || icmp) port.icmp(address);
  else port.arp(link.index, address);
}

// A client that came without a relay is on the link it came in on; another may still be on one of ours.
function probeLink({ request, links }: ServerState, address: Ipv4): ServerLink | null {
  if (request.giaddr === UNSPECIFIED && request.link !== null && !request.unicast)
    return request.link;
  return linkOf(links, address);
}

/** Nobody has answered a probe in time: its client may have the address. */
export function probeClear(state: ServerState, address: Ipv4, now: Millis): Waiting | null {
  const { offers, probes } = state;
  const waiting = probes.finish(address);
  if (waiting === null) return null;
  const offer = offers.ofAddress(address);
  probes.noteClear(address, now);
  if (offer === null) return null;
  offer.probe = 'clear';
  return waiting;
}

/**
 * Somebody has answered a probe. The address is taken out of use, unless it is the client itself that answers, or the
 * clone of it that rightly holds the address. Returns the request, which is to be answered with another address.
 */
export function probeTaken(
  state: ServerState,
  address: Ipv4,
  hardwareAddress: Uint8Array | null,
  now: Millis,
): Waiting | null {
  const { offers, probes, leases, plan, observer } = state;
  const waiting = probes.finish(address);
  const offer = offers.ofAddress(address);
  if (waiting === null || offer === null) return null;
  if (hardwareAddress !== null && isAsking(waiting, hardwareAddress)) {
    offer.probe = 'clear';
    return waiting;
  }
  offer.probe = 'none';
  offers.remove(offer);
  const holder = leases.stateOf(address) === 'bound' ? leases.get(address)! : null;
  if (holder !== null) {
    // Its holder is alive. Who asked shares an identifier with it, or is plugged in where it was.
    probes.noteTaken(address, now + plan.config.conflictDetection.repeatAfter);
    if (holder.clientId !== null && state.clones.add(waiting.hash, waiting.check)) {
      observer.clone(holder.clientId, holder.hardwareAddress);
    }
  } else {
    observer.conflict(address, hardwareAddress);
    const subnet = plan.subnetOf(address);
    if (subnet !== null) quarantine(state, address, subnet.name, leases.get(address) ?? null, now);
  }
  return waiting;
}

/** Points `state.request` at a request that waited; false when it cannot be read any more. */
export function takeUp(state: ServerState, waiting: Waiting, now: Millis): boolean {
  const { request, links } = state;
  const { message } = waiting;
  if (request.view.over(message, 0, message.length) !== null) return false;
  request.view.scan();
  request.now = now;
  request.ifindex = waiting.ifindex;
  request.link = links.byIndex.get(waiting.ifindex) ?? null;
  request.source = waiting.source;
  request.sourcePort = waiting.sourcePort;
  request.destination = waiting.destination;
  request.destinationPort = waiting.destinationPort;
  request.unicast = waiting.unicast;
  request.senderLength = 0;
  if (!request.read()) return false;
  identify(state);
  return true;
}

function isAsking({ message }: Waiting, hardwareAddress: Uint8Array): boolean {
  const length = Math.min(message[2]!, 16);
  return length === hardwareAddress.length && equals(hardwareAddress, message, 28, length);
}
