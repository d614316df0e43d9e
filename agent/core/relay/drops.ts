import type { DatagramDrop } from '../../../codec/link/datagram.ts';

/** Why a packet went no further, with what it means to whoever reads the counters. */
const RELAY_DROPS = {
  otherHost:
    'the frame was addressed to another host, or carried a VLAN tag that has no interface here',
  ownOutput: 'a packet of our own came back',
  notForUs: 'routed through this node, addressed neither to it nor to everyone',
  notServed: 'a request on an interface that this relay does not serve',
  serverHere: 'a request sent to this node by unicast, which the server on it hears by itself',
  short: 'too short for a BOOTP message',
  badOp: 'neither BOOTREQUEST nor BOOTREPLY',
  malformedOptions: 'an option reaches past the end of the message',
  tooManyHops: 'passed too many relays (RFC 1542 §4.1.1)',
  clientRate: 'one client asks too often',
  interfaceRate: 'one interface asks too often',
  untrustedRelayInformation: 'option 82 without giaddr on an untrusted interface (RFC 3046 §2.1)',
  existingRelayInformation: 'came with option 82 and the policy is Discard',
  spoofedGiaddr:
    'giaddr is an address of ours, but the request did not come through us (RFC 3046 §2.1.1)',
  noUpstream: 'no server is known, or none of the names resolves yet',
  notFromServer: 'a reply from an address that is no configured server',
  giaddrNotOurs: 'a reply whose giaddr is no address that this relay put in',
  ambiguousLink:
    'several interfaces share the giaddr and the reply does not tell which (no option 82 echoed)',
  virtualSubnetNotUnderstood: 'the server did not understand the virtual subnet (RFC 6607 §7)',
  linkGone: 'the interface that the client was on has gone',
} as const;

/** Every reason a relay has for dropping a packet. */
export type RelayDrop = keyof typeof RELAY_DROPS | DatagramDrop;
