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
  const { request, links, plan, observer } = state;
  const { view, link } = request;
  const { mode, known } = plan.config.foreignServers;
  if (mode === 'Off' || link?.served !== true || view.op !== H.BOOTREPLY) return;
  view.scan();
  if (view.messageType !== H.DHCPOFFER && view.messageType !== H.DHCPACK) return;
  // Relays answer for others; the identifier tells for whom.
  const identifier = view.u32(OPTION.serverIdentifier);
  const server = (identifier > 0 ? identifier : source) as Ipv4;
  if (links.own.has(server) || server === plan.config.serverIdentifier) return;
  if (!known.includes(server)) observer.foreignServer(server, link.name);
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
