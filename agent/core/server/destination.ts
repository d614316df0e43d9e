import { type Ipv4, LIMITED_BROADCAST, UNSPECIFIED } from '../../../codec/ipv4.ts';
import { CLIENT_PORT, DHCPNAK, HTYPE_ETHERNET, SERVER_PORT } from '../../../codec/v4/header.ts';
import { SUB_OPTION } from '../../../codec/v4/relayinfo.ts';
import type { Outbox } from '../outbox.ts';
import { hardwareWord, isStation } from '../station.ts';
import { isOnLink } from './links.ts';
import type { Request } from './request.ts';

/** All octets of a link-layer broadcast address, as words. */
const ONES = 0xffffffff;

/** Where a reply goes; filled again for each one. */
export class Delivery {
  /** By whatever route the host has, or straight onto a link. */
  routed = false;
  ifindex = 0;
  hardwareLength = 0;
  hardwareHigh = 0;
  hardwareLow = 0;
  source: Ipv4 = UNSPECIFIED;
  sourcePort: number = SERVER_PORT;
  destination: Ipv4 = UNSPECIFIED;
  destinationPort: number = CLIENT_PORT;

  copy(other: Delivery): void {
    this.routed = other.routed;
    this.ifindex = other.ifindex;
    this.hardwareLength = other.hardwareLength;
    this.hardwareHigh = other.hardwareHigh;
    this.hardwareLow = other.hardwareLow;
    this.source = other.source;
    this.sourcePort = other.sourcePort;
    this.destination = other.destination;
    this.destinationPort = other.destinationPort;
  }

  /** Queues bytes[at, end) of the outbox's memory. */
  put(routed: Outbox, link: Outbox, at: number, end: number): void {
    const { source, sourcePort, destination, destinationPort } = this;
    if (this.routed) {
      routed.route(source, sourcePort, destination, destinationPort, at, end);
    } else {
      const { ifindex, hardwareLength, hardwareHigh, hardwareLow } = this;
      link.link(
        ifindex,
        hardwareLength,
        hardwareHigh,
        hardwareLow,
        source,
        sourcePort,
        destination,
        destinationPort,
        at,
        end,
      );
    }
  }
}

/**
 * RFC 2131 §4.1, as one table:
 *
 *     giaddr    ciaddr     BROADCAST  message  │ goes to
 *     not 0     any        any        any      │ giaddr, port 67 (RFC 8357: the port it came from)
 *     0         any        any        NAK      │ 255.255.255.255, everyone on the link
 *     0         not 0      any        others   │ ciaddr, port 68
 *     0         0          set        others   │ 255.255.255.255, everyone on the link
 *     0         0          clear      others   │ yiaddr, port 68, to chaddr
 *
 * `ciaddr` is where the client is reached: 0 in what answers a DHCPDISCOVER. Returns false when there is no link to
 * put it on.
 */
export function address(
  delivery: Delivery,
  request: Request,
  source: Ipv4,
  type: number,
  ciaddr: Ipv4,
  yiaddr: Ipv4,
): boolean {
  delivery.source = source;
  // 67, or the port of a proxy (PXE 2.1 §2.2.4).
  delivery.sourcePort = request.destinationPort;
  if (request.giaddr !== UNSPECIFIED) {
    const port =
      request.findSubOption(SUB_OPTION.sourcePort) < 0 ? SERVER_PORT : request.sourcePort;
    route(delivery, request.giaddr, port);
    return true;
  }
  delivery.destinationPort =
    request.destinationPort === SERVER_PORT ? CLIENT_PORT : request.sourcePort;
  if (ciaddr !== UNSPECIFIED && type !== DHCPNAK) return toHolder(delivery, request, ciaddr);
  const { link, view } = request;
  if (link === null) return false;
  delivery.routed = false;
  delivery.ifindex = link.index;
  const length = view.chaddrLength;
  const unicast =
    type !== DHCPNAK &&
    !view.broadcastFlag &&
    yiaddr !== UNSPECIFIED &&
    view.htype === HTYPE_ETHERNET &&
    length === link.hardwareLength &&
    isStation(view.bytes, view.chaddrAt, length);
  if (unicast) {
    delivery.destination = yiaddr;
    delivery.hardwareLength = length;
    delivery.hardwareHigh = hardwareWord(view.bytes, view.chaddrAt, length);
    delivery.hardwareLow = hardwareWord(view.bytes, view.chaddrAt + 4, length - 4);
  } else {
    delivery.destination = LIMITED_BROADCAST;
    delivery.hardwareLength = link.hardwareLength;
    delivery.hardwareHigh = ONES;
    delivery.hardwareLow = ONES;
  }
  return true;
}

// A client that has its address. On our link, where broadcasts come from in any case, it is answered at once to where the
// frame came from, which needs no entry in the kernel's ARP table (of 1,024 for all); elsewhere by the route to it.
function toHolder(delivery: Delivery, request: Request, ciaddr: Ipv4): boolean {
  const { link } = request;
  const onLink = link !== null && (!request.unicast || isOnLink(link, ciaddr));
  if (!onLink || request.senderLength === 0) {
    route(delivery, ciaddr, delivery.destinationPort);
    return true;
  }
  delivery.routed = false;
  delivery.ifindex = link.index;
  delivery.destination = ciaddr;
  delivery.hardwareLength = request.senderLength;
  delivery.hardwareHigh = request.senderHigh;
  delivery.hardwareLow = request.senderLow;
  return true;
}

function route(delivery: Delivery, destination: Ipv4, port: number): void {
  delivery.routed = true;
  delivery.destination = destination;
  delivery.destinationPort = port;
}
