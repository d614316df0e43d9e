import { formatIpv4, type Ipv4, UNSPECIFIED } from '../../../codec/ipv4.ts';
import { LeaseRoom } from '../lease/room.ts';
import type { Lease } from '../lease.ts';
import type { ServerDrop } from './drops.ts';
import { addressesOf, hasHardware, isHolder, isSameKind } from './identity.ts';
import type { ServerPool, Subnet } from './plan.ts';
import { isMeant, isOfPlace } from './reservations.ts';
import type { Origin, ServerState } from './state.ts';

/** An offer that nobody has asked for in so long may be given to somebody else when nothing is left. */
const OFFER_RECYCLE_AFTER = 10_000;
/** How many entries of a queue are looked at for one client; the rest can wait for its next try. */
const AGED_TURNS = 64;
const RECYCLE_TURNS = 64;

/**
 * Chooses an address for a client that has no offer (RFC 2131 §4.3.1): the one reserved for it, the one it has, the one
 * it had, the one it asks for, a new one. Takes nothing yet; fills `state.choice`.
 */
export function choose(state: ServerState): ServerDrop | null {
  const { request, client, trace } = state;
  const { reservation } = client;
  if (reservation?.address) {
    if (tryReserved(state, reservation.address, reservation.subnet)) return null;
    trace?.push({ about: 'reservation', because: `${formatIpv4(reservation.address)} is in use` });
  }
  if (tryOwn(state)) return null;
  const { requestedAddress } = request;
  if (requestedAddress !== UNSPECIFIED && tryRequested(state, requestedAddress)) return null;
  const full = overLimit(state);
  if (full !== null) return full;
  if (tryNew(state)) return null;
  trace?.push({ about: 'address', because: 'none is free in the pools for this client' });
  return 'exhausted';
}

/** Whether an address of `subnet` may be given to the client at all, whoever has it now. Says so in `state.trace`. */
export function mayHave(state: ServerState, address: Ipv4, subnet: Subnet): boolean {
  const { plan, request, client, links, trace } = state;
  const reserved = plan.reserved.get(address);
  let why: string | null = null;
  if (subnet.network !== client.network) why = 'is on another link';
  else if (plan.quarantined.has(address)) why = 'is quarantined';
  else if (isRevoked(state, address)) why = 'is revoked for this client';
  else if (links.own.has(address)) why = 'is this server itself';
  else if (reserved !== undefined) {
    if (!isMeant(reserved.match, request)) why = 'is reserved for another client';
  } else {
    const pool = plan.poolOf(address, subnet);
    if (pool === null) why = 'is in no pool';
    else if (!isFor(pool, client.classes.names)) why = 'is in a pool for other classes';
  }
  if (why === null) return true;
  trace?.push({ about: 'refused', because: `${formatIpv4(address)} ${why}` });
  return false;
}

function isRevoked({ plan, request }: ServerState, address: Ipv4): boolean {
  if (plan.revoked.size === 0) return false;
  const match = plan.revoked.get(address);
  return match !== undefined && isMeant(match, request);
}

/** Whether a pool is for clients of these classes. */
export function isFor(pool: ServerPool, classes: readonly string[]): boolean {
  return pool.classes.length === 0 || pool.classes.some((name) => classes.includes(name));
}

function take(state: ServerState, address: Ipv4, subnet: Subnet, origin: Origin): true {
  const { choice, plan, trace } = state;
  choice.address = address;
  choice.subnet = subnet;
  choice.pool = plan.poolOf(address, subnet);
  choice.origin = origin;
  choice.leftAt = -1;
  choice.suspicious = false;
  choice.heldAt = Number.NEGATIVE_INFINITY;
  trace?.push({ about: 'address', because: `${formatIpv4(address)}: ${ORIGINS[origin]}` });
  return true;
}

/** What each origin means, for people. */
export const ORIGINS: { readonly [origin in Origin]: string } = {
  reserved: 'reserved for the client',
  current: 'the client has it',
  previous: 'the client had it last',
  offered: 'offered to the client before',
  requested: 'the client asks for it and it is free',
  fresh: 'the next that nobody has had',
  aged: 'left by its client longest ago',
  recycled: 'offered to another client, who did not take it',
};

/** Whether the address reserved for the client could be given to it now. */
export function canHaveReserved(state: ServerState): boolean {
  const reservation = state.client.reservation!;
  return tryReserved(state, reservation.address!, reservation.subnet);
}

function tryReserved(state: ServerState, address: Ipv4, subnet: Subnet): boolean {
  const { leases, request, offers, client, probes } = state;
  const offer = offers.ofAddress(address);
  const offered = offer !== null && (offer.hash !== request.hash || offer.check !== request.check);
  if (offered || !mayHave(state, address, subnet)) return false;
  const status = leases.stateOf(address);
  if (status === 'declined' || probes.isTaken(address, request.now)) return false;
  if (status !== 'bound') return take(state, address, subnet, 'reserved');
  const lease = leases.get(address)!;
  if (isHolder(state, lease) || hasHardware(request, lease)) {
    take(state, address, subnet, 'reserved');
    state.choice.suspicious = !hasHardware(request, lease);
    state.choice.heldAt = lease.lastTransaction;
    return true;
  }
  // What goes with a port is taken over by what is plugged in next, unless the other answers.
  if (!isOfPlace(client.reservation!.match)) return false;
  take(state, address, subnet, 'reserved');
  state.choice.suspicious = true;
  return true;
}

/** For the lease that is looked at. */
const room = new LeaseRoom();

// What the client has now comes before what it had: the table lists the latest first.
function tryOwn(state: ServerState): boolean {
  const { leases, request, plan, client } = state;
  const byId = request.identity === 'clientId';
  const found = addressesOf(leases, request);
  if (found.length === 0) return false;
  let previous = UNSPECIFIED;
  for (const address of found) {
    const subnet = plan.subnetOf(address);
    if (subnet?.network !== client.network) continue;
    const lease = leases.get(address, room)!;
    if (lease.state === 'declined' || (!byId && !isSameKind(state, lease))) continue;
    if (lease.state === 'bound') return tryCurrent(state, lease, subnet);
    if (previous === UNSPECIFIED) previous = address;
  }
  return previous !== UNSPECIFIED && tryPrevious(state, leases.get(previous, room)!);
}

function tryCurrent(state: ServerState, lease: Lease, subnet: Subnet): boolean {
  if (!mayHave(state, lease.address, subnet)) return false;
  take(state, lease.address, subnet, 'current');
  // The same identifier at another hardware address: moved, or cloned.
  state.choice.suspicious = !hasHardware(state.request, lease);
  return true;
}

function tryPrevious(state: ServerState, lease: Lease): boolean {
  const { address } = lease;
  const subnet = state.plan.subnetOf(address)!;
  if (state.offers.ofAddress(address) !== null || !mayHave(state, address, subnet)) return false;
  take(state, address, subnet, 'previous');
  state.choice.heldAt = lease.lastTransaction;
  return true;
}

function tryRequested(state: ServerState, address: Ipv4): boolean {
  const { plan, offers, leases } = state;
  const subnet = plan.subnetOf(address);
  if (subnet === null || !mayHave(state, address, subnet)) return false;
  // What another client had is kept for it as long as there are fresh ones.
  if (leases.stateOf(address) !== 'free' || offers.ofAddress(address) !== null) return false;
  return overLimit(state) === null && take(state, address, subnet, 'requested');
}

function overLimit(state: ServerState): ServerDrop | null {
  const { leasesPerHardwareAddress: most } = state.plan.config.limits;
  if (most > 0) {
    const { htype, bytes, chaddrAt, chaddrLength } = state.request.view;
    const held = state.leases
      .byHardwareAddress(htype, bytes, chaddrAt, chaddrLength)
      .filter((address) => state.leases.stateOf(address) === 'bound');
    if (held.length >= most) return 'clientFull';
  }
  return state.circuits.isFull(state.request) ? 'circuitFull' : null;
}

// The selected subnet first, then the others of its shared network; pools for the client's classes before those for all.
function tryNew(state: ServerState): boolean {
  const { client } = state;
  return (
    tryFresh(state, client.subnet) ||
    client.network.subnets.some((s) => s !== client.subnet && tryFresh(state, s)) ||
    tryAged(state) ||
    tryRecycled(state)
  );
}

function tryFresh(state: ServerState, subnet: Subnet): boolean {
  const { classes } = state.client;
  if (classes.id !== 0) {
    for (const pool of subnet.pools) {
      if (pool.classes.length > 0 && isFor(pool, classes.names) && fromPool(state, pool))
        return true;
    }
  }
  for (const pool of subnet.pools) {
    if (pool.classes.length === 0 && fromPool(state, pool)) return true;
  }
  return false;
}

function fromPool(state: ServerState, pool: ServerPool): boolean {
  let address = pool.addresses.next();
  // Our own addresses come and go with the interfaces; they are found out here.
  while (address !== null && state.links.own.has(address)) {
    pool.addresses.take(address);
    state.withheld.add(address);
    address = pool.addresses.next();
  }
  return address !== null && take(state, address, pool.subnet, 'fresh');
}

function tryAged(state: ServerState): boolean {
  const { client } = state;
  let oldest: ServerPool | null = null;
  for (const subnet of client.network.subnets) {
    for (const pool of subnet.pools) {
      if (!isFor(pool, client.classes.names) || firstAged(state, pool) === null) continue;
      if (oldest === null || pool.aged.firstLeftAt() < oldest.aged.firstLeftAt()) oldest = pool;
    }
  }
  if (oldest === null) return false;
  take(state, oldest.aged.first()!, oldest.subnet, 'aged');
  state.choice.leftAt = oldest.aged.firstLeftAt();
  return true;
}

// An address that is being offered, to the client that left it, is as good as taken: its turn comes again last.
function firstAged({ offers, links }: ServerState, { aged }: ServerPool): Ipv4 | null {
  for (let turns = 0; turns < AGED_TURNS; turns++) {
    const address = aged.first();
    if (address === null) return null;
    if (offers.ofAddress(address) === null && !links.own.has(address)) return address;
    const leftAt = aged.firstLeftAt();
    aged.drop();
    aged.push(address, leftAt);
  }
  return null;
}

// Forged DISCOVERs may hold every address for the time of an offer, but no longer than a client takes to answer one.
function tryRecycled(state: ServerState): boolean {
  const { offers, plan, request, client } = state;
  const { offerTime } = plan.config;
  let looked = 0;
  for (const offer of offers.all()) {
    if (++looked > RECYCLE_TURNS || offer.expires - offerTime + OFFER_RECYCLE_AFTER > request.now)
      return false;
    const subnet = plan.subnetOf(offer.address);
    if (subnet?.network !== client.network || state.leases.stateOf(offer.address) === 'bound')
      continue;
    if (offer.probe === 'running' || !mayHave(state, offer.address, subnet)) continue;
    take(state, offer.address, subnet, 'recycled');
    // Should nobody take it this time either, it goes back to where it came from first.
    state.choice.leftAt = offer.leftAt;
    return true;
  }
  return false;
}
