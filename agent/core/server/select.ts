import { formatIpv4, type Ipv4, UNSPECIFIED } from '../../../codec/ipv4.ts';
import { DHCPACK, DHCPNAK } from '../../../codec/v4/header.ts';
import { utf8 } from '../../../codec/v4/kind.ts';
import { SUB_OPTION } from '../../../codec/v4/relayinfo.ts';
import type { Lease } from '../lease.ts';
import { begin, sendNow } from './answer.ts';
import { canHaveReserved, mayHave } from './choose.ts';
import type { ServerDrop } from './drops.ts';
import { noticeChoice } from './foreign.ts';
import { grant } from './grant.ts';
import { dropOffer } from './hold.ts';
import { addressesOf, isHolder, isSameKind, noticeMove } from './identity.ts';
import type { Subnet } from './plan.ts';
import { proxyAck } from './proxy.ts';
import { leave } from './record.ts';
import { OPTION } from './request.ts';
import { encodeOption } from './settings.ts';
import type { ServerState } from './state.ts';

/**
 * Answers a DHCPREQUEST (RFC 2131 §4.3.2, Table 4):
 *
 *     server identifier  requested address  ciaddr │ client is
 *     yes                yes                0      │ SELECTING
 *     no                 yes                0      │ INIT-REBOOT
 *     no                 no                 yes    │ RENEWING (unicast) or REBINDING (broadcast)
 */
export function request(state: ServerState): ServerDrop | null {
  const { plan, request: message, arena } = state;
  const { serverIdentifier, requestedAddress, ciaddr } = message;
  if (plan.config.proxyDhcp) return proxyAck(state);
  if (serverIdentifier !== UNSPECIFIED && ciaddr === UNSPECIFIED) return selecting(state);
  // Some clients name the server when they renew, too.
  if (serverIdentifier !== UNSPECIFIED && !isOurs(state, serverIdentifier)) return 'notSelected';
  if (ciaddr !== UNSPECIFIED) return claim(state, ciaddr, ciaddr);
  if (requestedAddress === UNSPECIFIED) return 'noAddress';
  if (arena.waiting * 4 > arena.capacity * 3) return 'overload';
  return claim(state, requestedAddress, UNSPECIFIED);
}

/** Whether a server identifier means us (RFC 2131 §4.1: any of our addresses; RFC 5107 §4: the relay's for us). */
export function isOurs({ links, plan, request: message }: ServerState, identifier: Ipv4): boolean {
  return (
    links.own.has(identifier) ||
    identifier === plan.config.serverIdentifier ||
    (message.giaddr !== UNSPECIFIED &&
      identifier === message.subAddress(SUB_OPTION.serverIdOverride))
  );
}

function selecting(state: ServerState): ServerDrop | null {
  const { plan, offers, arena, request: message } = state;
  const { requestedAddress: address, hash, check } = message;
  const offer = offers.ofClient(hash, check);
  if (!isOurs(state, message.serverIdentifier)) {
    // RFC 2131 §3.1.4: the client has declined our offer by taking another's.
    if (offer?.sent) noticeChoice(state);
    if (offer !== null) dropOffer(state, offer);
    return 'otherServer';
  }
  if (address === UNSPECIFIED) return 'noAddress';
  if (arena.waiting * 4 > arena.capacity * 3) return 'overload';
  const subnet = plan.subnetOf(address);
  if (subnet === null || !mayHave(state, address, subnet)) {
    return refuse(state, address, 'is not for this client any more');
  }
  const why = takenMeanwhile(state, address, offer?.address === address);
  if (why !== null) return refuse(state, address, why);
  begin(state, DHCPACK);
  return grant(state, address, subnet, UNSPECIFIED, null);
}

// What is offered is the client's to take. Without an offer, because it has run out or was made before a restart, the
// address is good as long as nobody else came in between.
function takenMeanwhile(state: ServerState, address: Ipv4, isOffered: boolean): string | null {
  const { leases, offers, client } = state;
  if (!isOffered) {
    if (offers.ofAddress(address) !== null) return 'is offered to another';
    if (isMisplaced(state, address)) return 'is not the one reserved for the client';
  }
  const status = leases.stateOf(address);
  if (status === 'declined') return 'is out of use';
  if (status !== 'bound') return null;
  const lease = leases.get(address, client.heldRoom)!;
  if (!isHolder(state, lease)) return isOffered ? null : 'has been given to another';
  client.held = lease;
  return stillHolds(state, lease) ? null : 'is used by another with the same identifier';
}

/** Whether the client has an address reserved that it could have instead. */
function isMisplaced(state: ServerState, address: Ipv4): boolean {
  const reserved = state.client.reservation?.address ?? null;
  return reserved !== null && reserved !== address && canHaveReserved(state);
}

// A client that says it has an address: after a reboot, or because it wants to keep it.
function claim(state: ServerState, address: Ipv4, ciaddr: Ipv4): ServerDrop | null {
  const { plan, client, leases } = state;
  const subnet = plan.subnetOf(address);
  // RFC 2131 §4.3.2: on the wrong network, whoever it is.
  if (subnet?.network !== client.network) return refuse(state, address, 'is on another network');
  const record = client.held ?? leases.get(address) ?? null;
  const own = record !== null && isOwn(state, record) ? record : null;
  if (!mayHave(state, address, subnet) || isMisplaced(state, address)) {
    return withdraw(state, address, own);
  }
  const offered = isOfferedToOther(state, address);
  if (own !== null && !offered) return confirm(state, address, subnet, ciaddr);
  if (record?.state === 'bound' || offered) return refuse(state, address, "is another client's");
  // RFC 2131 §4.3.2: wrong for a client that we know.
  if (isKnown(state)) return refuse(state, address, "is not the client's");
  // Only who is the sole server may say that an address it has no record of is good: after a loss of its records.
  const free = record?.state !== 'declined';
  if (!plan.config.authoritative || !free) return unknown(state, address);
  return confirm(state, address, subnet, ciaddr);
}

function isOwn(state: ServerState, record: Lease): boolean {
  return record.state !== 'declined' && stillHolds(state, record);
}

// The configuration does not let the client have the address, or not any more.
function withdraw(state: ServerState, address: Ipv4, own: Lease | null): ServerDrop | null {
  if (own === null && !isKnown(state)) return unknown(state, address);
  if (own?.state === 'bound') leave(state, own, state.request.now);
  return refuse(state, address, 'is not given any more');
}

function isOfferedToOther({ offers, request: message }: ServerState, address: Ipv4): boolean {
  const offer = offers.ofAddress(address);
  return offer !== null && (offer.hash !== message.hash || offer.check !== message.check);
}

function confirm(
  state: ServerState,
  address: Ipv4,
  subnet: Subnet,
  ciaddr: Ipv4,
): ServerDrop | null {
  begin(state, DHCPACK);
  return grant(state, address, subnet, ciaddr, null);
}

function unknown(state: ServerState, address: Ipv4): ServerDrop | null {
  if (state.plan.config.authoritative) return refuse(state, address, 'is not known here');
  state.trace?.push({
    about: 'silent',
    because: `no record of ${formatIpv4(address)}, and not authoritative`,
  });
  return 'noRecord';
}

/** Whether the lease is the client's, and not that of a clone with the same identifier, which is found out here. */
function stillHolds(state: ServerState, lease: Lease): boolean {
  if (!isHolder(state, lease)) return false;
  if (!noticeMove(state, lease)) return true;
  state.observer.clone(lease.clientId!, lease.hardwareAddress);
  state.request.identify('both');
  return false;
}

/** Whether the client has an address of ours where it is, so that we may say that another is wrong. */
function isKnown(state: ServerState): boolean {
  const { leases, request: message, plan, client } = state;
  const byId = message.identity === 'clientId';
  return addressesOf(leases, message).some((address) => {
    if (plan.subnetOf(address)?.network !== client.network) return false;
    const lease = leases.get(address)!;
    return lease.state === 'bound' && (byId || isSameKind(state, lease));
  });
}

// RFC 2131 §4.3.2 and Table 3: nothing but who refuses and why.
function refuse(state: ServerState, address: Ipv4, why: string): ServerDrop | null {
  const { reply, trace } = state;
  trace?.push({ about: 'refused', because: `${formatIpv4(address)} ${why}` });
  begin(state, DHCPNAK);
  reply.own = [encodeOption(OPTION.message, utf8(`${formatIpv4(address)} ${why}`))];
  reply.echoSubnetSelection = false;
  return sendNow(state, UNSPECIFIED);
}
