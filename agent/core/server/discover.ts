import { type Ipv4, UNSPECIFIED } from '../../../codec/ipv4.ts';
import { DHCPACK, DHCPOFFER, INFINITE } from '../../../codec/v4/header.ts';
import { addSettings, addTimes, begin, effectiveFor, leaseSeconds, sendNow } from './answer.ts';
import { canHaveReserved, choose, mayHave } from './choose.ts';
import type { ServerDrop, Unanswered } from './drops.ts';
import { grant } from './grant.ts';
import { dropOffer, holdOffer } from './hold.ts';
import type { Offer } from './offers.ts';
import { ATTEMPTS_MAX } from './probes.ts';
import { probeFirst, whyUnprobed } from './probing.ts';
import { proxyOffer } from './proxy.ts';
import { OPTION } from './request.ts';
import type { ServerState } from './state.ts';

/** Answers a DHCPDISCOVER (RFC 2131 §4.3.1). */
export function discover(state: ServerState): Unanswered | null {
  const { plan, arena } = state;
  if (plan.config.proxyDhcp) return proxyOffer(state);
  // Who holds a lease goes first: a new client can wait for the next try, which it makes anyway.
  if (arena.waiting * 2 > arena.capacity) return 'overload';
  const drop = findAddress(state);
  // There may be an address for it yet.
  if (drop === 'putAside' || drop === 'probing' || drop === 'allInUse') return drop;
  if (drop !== null) return withoutAddress(state, drop);
  if (wantsRapidCommit(state)) return commit(state);
  return offerAddress(state);
}

/** Answers a BOOTREQUEST that is no DHCP (RFC 951, RFC 1534 §2). */
export function bootp(state: ServerState): Unanswered | null {
  const { plan, client } = state;
  const policy = plan.config.bootp;
  if (policy === 'Never' || plan.config.proxyDhcp) return 'bootpRefused';
  if (policy === 'Reserved' && !client.reservation?.address) return 'bootpUnknown';
  const drop = findAddress(state);
  if (drop !== null) return drop;
  const { address, subnet } = state.choice;
  if (policy === 'Reserved' && address !== client.reservation!.address) return 'bootpUnknown';
  begin(state, 0);
  return grant(state, address, subnet, UNSPECIFIED, INFINITE);
}

/** Holds an address for the client; `state.choice` says which. */
function findAddress(state: ServerState): Unanswered | null {
  const { offers, request, probes } = state;
  let offer = offers.ofClient(request.hash, request.check);
  if (offer !== null && !isStillGood(state, offer)) {
    dropOffer(state, offer);
    offer = null;
  }
  if (offer === null) return holdNew(state);
  if (offer.probe === 'running') {
    probes.replace(offer.address, request);
    return 'probing';
  }
  const { choice, plan } = state;
  choice.address = offer.address;
  choice.subnet = plan.subnetOf(offer.address)!;
  choice.pool = plan.poolOf(offer.address, choice.subnet);
  choice.origin = 'offered';
  return null;
}

function holdNew(state: ServerState): Unanswered | null {
  const { request, choice } = state;
  const drop = choose(state);
  if (drop !== null) return drop;
  // What cannot be given must not be offered; who has a lease is answered for as long as that lasts.
  if (request.now < state.refusedUntil && choice.origin !== 'current') return 'storeUnavailable';
  if (state.attempts >= ATTEMPTS_MAX && whyUnprobed(state, choice.address) === null)
    return 'allInUse';
  const offer = holdOffer(state);
  return probeFirst(state, offer) ? 'putAside' : null;
}

/**
 * Whether what was offered may be offered again: it may have been given to another class, reserved or excluded since, and
 * the client may have moved.
 */
export function isStillGood(state: ServerState, offer: Offer): boolean {
  const { plan, client } = state;
  const subnet = plan.subnetOf(offer.address);
  if (subnet === null || !mayHave(state, offer.address, subnet)) return false;
  const wanted = client.reservation?.address ?? offer.address;
  return wanted === offer.address || !canHaveReserved(state);
}

function offerAddress(state: ServerState): ServerDrop | null {
  const { choice, reply, request, offers, plan } = state;
  const effective = effectiveFor(state, choice.subnet, choice.pool);
  begin(state, DHCPOFFER);
  reply.yiaddr = choice.address;
  addTimes(state, leaseSeconds(effective, request));
  addSettings(state, effective);
  const offer = offers.ofClient(request.hash, request.check)!;
  offer.sent = true;
  offers.extend(offer, request.now + plan.config.offerTime);
  return sendNow(state, UNSPECIFIED);
}

function wantsRapidCommit({ plan, request }: ServerState): boolean {
  return plan.config.rapidCommit && request.find(OPTION.rapidCommit) >= 0;
}

// RFC 4039 §3.2: the DHCPACK comes at once and says so.
function commit(state: ServerState): ServerDrop | null {
  const { choice, reply } = state;
  begin(state, DHCPACK);
  reply.rapidCommit = true;
  return grant(state, choice.address, choice.subnet, UNSPECIFIED, null);
}

// RFC 2563 §2.3: a client that gets no address is told whether to make one up, if it asked.
function withoutAddress(state: ServerState, drop: ServerDrop): ServerDrop | null {
  const { plan, request, reply, client } = state;
  const policy = plan.config.autoConfigure;
  if (policy === 'Silent' || request.find(OPTION.autoConfigure) < 0) return drop;
  begin(state, DHCPOFFER);
  const own: Uint8Array[] = [Uint8Array.of(OPTION.autoConfigure, 1, policy === 'Allow' ? 1 : 0)];
  // RFC 8925 §3.3.2: with it goes the advice to do without IPv4.
  const v6Only = effectiveFor(state, client.subnet, null).options.get(OPTION.ipv6OnlyPreferred);
  if (v6Only !== undefined && request.asksFor(OPTION.ipv6OnlyPreferred)) own.push(v6Only);
  reply.own = own;
  return sendNow(state, UNSPECIFIED as Ipv4) ?? drop;
}
