import type { Ipv4 } from '../../../codec/ipv4.ts';
import { INFINITE } from '../../../codec/v4/header.ts';
import type { Lease } from '../lease.ts';
import {
  addSettings,
  addTimes,
  canAnswer,
  effectiveFor,
  leaseSeconds,
  sendNow,
  sendWhenDurable,
} from './answer.ts';
import type { ServerDrop } from './drops.ts';
import { isHolder } from './identity.ts';
import type { Subnet } from './plan.ts';
import { bind } from './record.ts';
import type { ServerState } from './state.ts';

/**
 * Binds an address to the client and answers with the reply that was begun, once the lease is durable. `ciaddr` is
 * where a client that has the address is reached. `seconds` null: what the client may have.
 */
export function grant(
  state: ServerState,
  address: Ipv4,
  subnet: Subnet,
  ciaddr: Ipv4,
  seconds: number | null,
): ServerDrop | null {
  const { plan, reply, request, arena, leases, client } = state;
  if (!canAnswer(state)) return 'noServerAddress';
  if (arena.waiting === arena.capacity) return 'overload';
  const held = client.held?.address === address ? client.held : ownLease(state, address);
  const pool = plan.poolOf(address, subnet);
  const effective = effectiveFor(state, subnet, pool);
  const time = seconds ?? leaseSeconds(effective, request);
  const ticket = bind(state, address, subnet, time, held);
  reply.ciaddr = ciaddr;
  reply.yiaddr = address;
  addSettings(state, effective);
  if (ticket === 0) return answerUnwritten(state, held, ciaddr);
  if (request.type !== 0) addTimes(state, time);
  const offer = state.offers.ofAddress(address);
  if (offer !== null) state.offers.remove(offer);
  if (leases.stateOf(address) === 'bound') pool?.addresses.take(address);
  sendWhenDurable(state, ciaddr, ticket);
  return null;
}

function ownLease(state: ServerState, address: Ipv4): Lease | null {
  if (state.leases.stateOf(address) === 'free') return null;
  const lease = state.leases.get(address)!;
  return isHolder(state, lease) ? lease : null;
}

// The store takes no leases. What it has already taken stays true: the client may use its address for as long as it
// may anyway.
function answerUnwritten(state: ServerState, held: Lease | null, ciaddr: Ipv4): ServerDrop | null {
  const { request } = state;
  if (held?.state !== 'bound' || held.expires < request.now + 1000) return 'storeUnavailable';
  const left = held.expires - request.now;
  addTimes(state, left === Number.POSITIVE_INFINITY ? INFINITE : Math.floor(left / 1000));
  return sendNow(state, ciaddr);
}
