import { type Ipv4, LIMITED_BROADCAST, UNSPECIFIED } from '../../../codec/ipv4.ts';
import type { Datagram } from '../../../codec/link/datagram.ts';
import { encodeInto } from '../../../codec/v4/encode.ts';
import * as H from '../../../codec/v4/header.ts';
import type { Message } from '../../../codec/v4/message.ts';
import { REPLY_MAX } from './arena.ts';
import type { ServerLink } from './links.ts';
import { OPTION } from './request.ts';
import type { ServerState } from './state.ts';

const ONES = 0xffffffff;

/**
 * Looks at an answer to a client that passed by: tells when it is another server's. `state.request` has the message in
 * view and the link that it was seen on.
 */
export function noticeAnswer(state: ServerState, { source }: Datagram): void {
  const { view } = state.request;
  if (!isWatching(state) || view.op !== H.BOOTREPLY) return;
  view.scan();
  if (view.messageType !== H.DHCPOFFER && view.messageType !== H.DHCPACK) return;
  // Relays answer for others; the identifier tells for whom.
  const identifier = view.u32(OPTION.serverIdentifier);
  notice(state, (identifier > 0 ? identifier : source) as Ipv4);
}

/**
 * A client on a link of ours that had our offer has taken another server's. Offers go to clients alone where there are
 * switches, but what a client takes is said to everyone (RFC 2131 §3.1.3).
 */
export function noticeChoice(state: ServerState): void {
  const { request } = state;
  // Relays ask several servers by intent.
  if (request.giaddr === UNSPECIFIED && isWatching(state)) notice(state, request.serverIdentifier);
}

function isWatching({ request, plan }: ServerState): boolean {
  return plan.config.foreignServers.mode !== 'Off' && request.link?.served === true;
}

function notice({ request, links, plan, observer }: ServerState, server: Ipv4): void {
  if (links.own.has(server) || server === plan.config.serverIdentifier) return;
  if (!plan.config.foreignServers.known.includes(server)) {
    observer.foreignServer(server, request.link!.name);
  }
}

/** Broadcasts a DHCPDISCOVER on a link, whose offers are only looked at; the servers forget them soon. */
export function askForServers(
  { arena, delivery }: ServerState,
  link: ServerLink,
  xid: number,
): void {
  const message: Message = {
    op: H.BOOTREQUEST,
    htype: H.HTYPE_ETHERNET,
    hops: 0,
    xid,
    secs: 0,
    // Offers to everyone are seen by us without an address to take them at.
    flags: H.BROADCAST_FLAG,
    ciaddr: UNSPECIFIED,
    yiaddr: UNSPECIFIED,
    siaddr: UNSPECIFIED,
    giaddr: UNSPECIFIED,
    chaddr: link.hardwareAddress,
    sname: new Uint8Array(),
    file: new Uint8Array(),
    hasCookie: true,
    options: [{ code: OPTION.messageType, data: Uint8Array.of(H.DHCPDISCOVER) }],
  };
  delivery.routed = false;
  delivery.ifindex = link.index;
  delivery.hardwareLength = link.hardwareLength;
  delivery.hardwareHigh = ONES;
  delivery.hardwareLow = ONES;
  delivery.source = UNSPECIFIED;
  delivery.sourcePort = H.CLIENT_PORT;
  delivery.destination = LIMITED_BROADCAST;
  delivery.destinationPort = H.SERVER_PORT;
  const limits = { maxBytes: REPLY_MAX, overload: false };
  arena.send(delivery, encodeInto(message, arena.bytes, arena.immediateSlot(), limits, []));
}
