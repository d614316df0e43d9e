import type { DatagramDrop } from '../../../codec/link/datagram.ts';

/** Why a message gets no answer, with what it means to whoever reads the counters. */
export const SERVER_DROPS = {
  otherHost:
    'the frame was addressed to another host, or carried a VLAN tag that has no interface here',
  ownOutput: 'a packet of our own, seen on its way out',
  notForUs: 'routed through this node, addressed neither to it nor to everyone',
  toClient: 'an answer to a client, seen in passing',
  noProxy: 'a request to port 4011, where only proxies answer (proxyDhcp)',
  notServed: 'a broadcast on an interface that this server does not serve',
  heardTwice:
    'relayed by this node from a link where its clients are answered as well: the relay need not serve that',
  short: 'too short for a BOOTP message',
  badOp: 'no BOOTREQUEST',
  badHardwareLength:
    'hlen says more than the 16 octets that chaddr has, or nothing identifies the client',
  malformedOptions: 'an option reaches past the end of the message',
  bootpRefused: 'a BOOTP client, and the server is not told to answer those',
  bootpUnknown: 'a BOOTP client without a reservation',
  badType: 'a message type that servers do not answer',
  relayNotAllowed: 'giaddr is no relay that may ask',
  noSubnet: 'no subnet is configured for where the client is',
  refusedByClass: 'the client is in a class that is refused',
  clientRate: 'one client asks too often',
  circuitRate: 'one circuit asks too often',
  interfaceRate: 'one interface asks too often',
  overload: 'too many answers wait to be durable, and clients that hold a lease go first',
  exhausted: 'no address is free in the pools that the client may have one from',
  circuitFull: 'the circuit holds as many addresses as it may',
  clientFull: 'the hardware address holds as many addresses as it may',
  storeUnavailable: 'leases cannot be written, so no new one is given',
  allInUse:
    'several addresses in a row were probed and are in use; others are tried when the client asks again',
  probing: 'the client asked again while its address was being probed; one offer answers both',
  otherServer: 'the client has taken the offer of another server',
  noRecord:
    'nothing is known of the client, and only an authoritative server may speak then (RFC 2131 §4.3.2)',
  noAddress: 'a DHCPREQUEST that names no address',
  notHolder: 'the client has not the address that it releases or declines',
  notSelected: 'the message names another server',
  informWithoutAddress: 'a DHCPINFORM from nowhere',
  queryNotAllowed: 'DHCPLEASEQUERY from a giaddr that may not ask (RFC 4388 §6.3)',
  queryMalformed:
    'DHCPLEASEQUERY without giaddr, or not by exactly one of address, hardware and client identifier',
  nothingToBoot: 'the client wants to boot, and the table has nothing for it',
  fenced: 'this agent does not hold the Lease of its server any more, so another one may answer',
  noServerAddress: 'the interface has no address that a reply could come from',
} as const;

/** Every reason a server has for not answering. */
export type ServerDrop = keyof typeof SERVER_DROPS | DatagramDrop;

/** A reason, or that the message is put aside and answered when a probe is over. */
export type Unanswered = ServerDrop | 'putAside';
