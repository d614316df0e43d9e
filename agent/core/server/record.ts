import type { Ipv4 } from '../../../codec/ipv4.ts';
import type { Millis } from '../../../codec/machine.ts';
import { INFINITE } from '../../../codec/v4/header.ts';
import { blankLease, LeaseRoom, type Octets } from '../lease/room.ts';
import type { Lease, Ticket } from '../lease.ts';
import type { Subnet } from './plan.ts';
import { OPTION, type Request } from './request.ts';
import type { ServerState } from './state.ts';
import { fqdnOf, textOf } from './values.ts';

/** After a refusal of the store, how long to wait before offering addresses again. */
const REFUSAL_MILLIS = 1_000;

/** The lease that is being written; what is kept of it is a copy. */
const room = new LeaseRoom();
const draft = room.lease;

/**
 * Binds an address to the client, or renews it. `held` is the client's lease of it, if it has one. 0 when the store
 * takes no leases now; then nothing has changed.
 */
export function bind(
  state: ServerState,
  address: Ipv4,
  subnet: Subnet,
  seconds: number,
  held: Lease | null,
): Ticket {
  const { request, client, reply, leases } = state;
  const { now, view } = request;
  draft.address = address;
  draft.state = 'bound';
  draft.subnet = subnet.name;
  draft.starts = held?.state === 'bound' ? held.starts : now;
  draft.lastTransaction = now;
  draft.expires = expiry(seconds, now, held);
  draft.leaseSeconds = seconds;
  draft.serverIdentifier = reply.serverIdentifier;
  draft.hardwareType = view.htype;
  draft.hardwareAddress = room.hardware.of(view.bytes, view.chaddrAt, view.chaddrLength);
  draft.clientId =
    request.clientIdLength === 0
      ? null
      : room.clientId.of(request.bytes, request.clientIdAt, request.clientIdLength);
  describe(request, held);
  draft.hostname = client.reservation?.settings?.hostname ?? draft.hostname;
  draft.epoch = state.epoch;
  draft.reserved = client.reservation?.address === address;
  draft.bootp = request.type === 0;
  const ticket = leases.put(draft);
  if (ticket === 0) {
    state.refusedUntil = Math.max(state.refusedUntil, now + REFUSAL_MILLIS);
    return 0;
  }
  state.refusedUntil = 0;
  state.circuits.note(draft);
  state.observer.lease(draft);
  return ticket;
}

// What the client was told before holds as long as it said: the request may be an old one that was on its way for long, or its
// answer may be lost, and then the client believes the longer time.
function expiry(seconds: number, now: Millis, held: Lease | null): Millis {
  if (seconds === INFINITE) return Number.POSITIVE_INFINITY;
  const until = now + seconds * 1000;
  if (held?.state !== 'bound' || held.expires === Number.POSITIVE_INFINITY) return until;
  return Math.max(until, held.expires);
}

// A renewal that comes past the relay says nothing of it, so what was said last still holds.
function describe(request: Request, held: Lease | null): void {
  const { relayBytes, relayAt, relayLength, giaddr } = request;
  const direct = giaddr === 0 && !request.relayEchoed && held !== null;
  draft.giaddr = direct ? held.giaddr : giaddr;
  draft.relayInformation =
    relayLength === 0 ? null : room.relayInformation.of(relayBytes, relayAt, relayLength);
  draft.interfaceName = request.link?.name ?? null;
  draft.vendorClass =
    octetsOf(request, OPTION.vendorClass, room.vendorClass) ?? held?.vendorClass ?? null;
  draft.userClass = octetsOf(request, OPTION.userClass, room.userClass) ?? held?.userClass ?? null;
  draft.architecture =
    octetsOf(request, OPTION.architecture, room.architecture) ?? held?.architecture ?? null;
  const host = request.find(OPTION.hostName);
  draft.hostname =
    host < 0
      ? (held?.hostname ?? null)
      : textOf(request.bytes.subarray(host, host + request.length));
  const fqdn = request.find(OPTION.clientFqdn);
  draft.fqdn =
    fqdn < 0 ? (held?.fqdn ?? null) : fqdnOf(request.bytes.subarray(fqdn, fqdn + request.length));
}

function octetsOf(request: Request, code: number, octets: Octets): Uint8Array | null {
  const at = request.find(code);
  return at < 0 || request.length === 0 ? null : octets.of(request.bytes, at, request.length);
}

/** Ends a lease: it stays on record for its client until somebody needs the address. */
export function leave(state: ServerState, lease: Lease, now: Millis): Ticket {
  return rewrite(state, { ...lease, state: 'released', lastTransaction: now, expires: now });
}

/** Takes an address out of use for as long as the configuration says; `by` is who told, if anybody did. */
export function quarantine(
  state: ServerState,
  address: Ipv4,
  subnet: string,
  by: Lease | null,
  now: Millis,
): Ticket {
  const base = by ?? { ...blankLease(), address, subnet, starts: now };
  const expires = now + state.plan.config.declineQuarantine;
  return rewrite(state, { ...base, state: 'declined', lastTransaction: now, expires });
}

/** Follows a record that has gone back to what it was, because the new one could not be written. */
export function takeBack({ leases, offers, plan, circuits }: ServerState, address: Ipv4): void {
  const lease = leases.get(address);
  circuits.note(lease ?? { ...blankLease(), address, state: 'released' });
  // An offered address goes back to its pool when the offer ends.
  if (offers.ofAddress(address) !== null) return;
  if (lease === undefined) plan.freed(address);
  else if (lease.state === 'released' || lease.state === 'expired')
    plan.left(address, lease.expires);
}

function rewrite(state: ServerState, lease: Lease): Ticket {
  const ticket = state.leases.put(lease);
  if (ticket !== 0) {
    state.circuits.note(lease);
    state.observer.lease(lease);
    if (lease.state === 'released') state.plan.left(lease.address, lease.expires);
  }
  return ticket;
}
