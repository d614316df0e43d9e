// RFC 2131 §2, Figure 1: the fixed part of a message, in octets from its start.
//
//     0        1        2        3        4                 8        10       12
//     +--------+--------+--------+--------+--------+--------+--------+--------+
//     |   op   | htype  |  hlen  |  hops  |       xid       |  secs  | flags  |
//     +--------+--------+--------+--------+-----------------+-----------------+
//     |  12 ciaddr      |  16 yiaddr      |  20 siaddr      |  24 giaddr      |
//     +-----------------+-----------------+-----------------+-----------------+
//     |  28 chaddr (16)         |  44 sname (64)      |  108 file (128)       |
//     +-------------------------+---------------------+-----------------------+
//     |  236 magic cookie (4)   |  240 options ...                            |
//     +-------------------------+---------------------------------------------+
export const OP = 0;
export const HTYPE = 1;
export const HLEN = 2;
export const HOPS = 3;
export const XID = 4;
export const SECS = 8;
export const FLAGS = 10;
export const CIADDR = 12;
export const YIADDR = 16;
export const SIADDR = 20;
export const GIADDR = 24;
export const CHADDR = 28;
export const SNAME = 44;
export const FILE = 108;
export const COOKIE = 236;
export const OPTIONS = 240;

/** Octets of the `chaddr` field. */
export const CHADDR_LENGTH = 16;
/** Octets of the `sname` field. */
export const SNAME_LENGTH = 64;
/** Octets of the `file` field. */
export const FILE_LENGTH = 128;

/** Opens the options field (RFC 2132 §2); what lacks it is plain BOOTP. */
export const MAGIC_COOKIE = 0x63825363;
/** Fills space, has no length octet (RFC 2132 §3.1). */
export const PAD = 0;
/** Ends a field of options, has no length octet (RFC 2132 §3.2). */
export const END = 255;

/** The smallest message put on the wire: a BOOTP message with its 64-octet vendor area (RFC 1542 §2.1). */
export const MESSAGE_LENGTH_MIN = 300;
/** What every client takes without saying so, IP and UDP headers not counted (RFC 2131 §2: 576 octets of datagram). */
export const MESSAGE_LENGTH_DEFAULT = 548;
/** IP and UDP headers, which option 57 counts in and our limits do not (RFC 2132 §9.10). */
export const DATAGRAM_OVERHEAD = 28;

export const BOOTREQUEST = 1;
export const BOOTREPLY = 2;

export const SERVER_PORT = 67;
export const CLIENT_PORT = 68;

/** The leftmost bit of `flags`: answer by broadcast (RFC 2131 §2, Figure 2). */
export const BROADCAST_FLAG = 0x8000;

/** `htype` of Ethernet (RFC 1700, "Address Resolution Protocol Parameters"). */
export const HTYPE_ETHERNET = 1;

// Values of option 53 (RFC 2132 §9.6 and the IANA registry "DHCP Message Type 53 Values").
export const DHCPDISCOVER = 1;
export const DHCPOFFER = 2;
export const DHCPREQUEST = 3;
export const DHCPDECLINE = 4;
export const DHCPACK = 5;
export const DHCPNAK = 6;
export const DHCPRELEASE = 7;
export const DHCPINFORM = 8;
export const DHCPFORCERENEW = 9;
export const DHCPLEASEQUERY = 10;
export const DHCPLEASEUNASSIGNED = 11;
export const DHCPLEASEUNKNOWN = 12;
export const DHCPLEASEACTIVE = 13;
export const DHCPBULKLEASEQUERY = 14;
export const DHCPLEASEQUERYDONE = 15;
export const DHCPACTIVELEASEQUERY = 16;
export const DHCPLEASEQUERYSTATUS = 17;
export const DHCPTLS = 18;

/** A lease without end, in seconds (RFC 2131 §3.3). */
export const INFINITE = 0xffffffff;

/** The names of option 53's values without their `DHCP`, by value; 0 stands for BOOTP, which has no option 53. */
export const MESSAGE_TYPE_NAMES: readonly string[] = [
  'BOOTP',
  'DISCOVER',
  'OFFER',
  'REQUEST',
  'DECLINE',
  'ACK',
  'NAK',
  'RELEASE',
  'INFORM',
  'FORCERENEW',
  'LEASEQUERY',
  'LEASEUNASSIGNED',
  'LEASEUNKNOWN',
  'LEASEACTIVE',
  'BULKLEASEQUERY',
  'LEASEQUERYDONE',
  'ACTIVELEASEQUERY',
  'LEASEQUERYSTATUS',
  'TLS',
];

/** `DISCOVER` for 1, `TYPE 99` for what nobody has registered. */
export function messageTypeName(type: number): string {
  return MESSAGE_TYPE_NAMES[type] ?? `TYPE ${type}`;
}
