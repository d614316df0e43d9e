// The words by which cores and the native packet plane speak of packets that lie in a ring; nothing here does I/O.

/** Word offsets within one slot of `PacketSocket.slotMeta`, and how many words a slot takes. */
export const SLOT = {
  /** Offset of the packet's first octet in the ring. */
  START: 0,
  /** Octets captured. */
  LENGTH: 1,
  /** Octets the packet had; more than LENGTH when the slot was too small for it. */
  ORIGINAL_LENGTH: 2,
  IFINDEX: 3,
  /** One of PACKET_TYPE. */
  PACKET_TYPE: 4,
  /** Bits of STATUS. */
  STATUS: 5,
  /** The 802.1Q tag control information that was taken off, or NO_VLAN. Only a socket of protocol 3 sees it; to others a VLAN nobody here has is OTHER_HOST. */
  VLAN: 6,
  /** EtherType. */
  PROTOCOL: 7,
  /** ARPHRD_ value of the interface: 1 Ethernet, 772 loopback, 65534 none … */
  HARDWARE_TYPE: 8,
  /** Octets of the link-layer sender in the two words that follow: 0 to 8. */
  HARDWARE_LENGTH: 9,
  /** The sender's first four octets, big-endian. */
  HARDWARE_HIGH: 10,
  /** The sender's next four octets, big-endian. */
  HARDWARE_LOW: 11,
  /** Offset in the ring behind the last octet of the slot: how far the packet may grow. */
  END: 12,
  WORDS: 13,
} as const;

/** Word offsets within one entry of `send`, and how many words an entry takes; packet and raw IP sockets share the layout. */
export const ENTRY = {
  /** Offset and length of the first part in the arena; the packet is the two parts joined. */
  HEAD_AT: 0,
  HEAD_LENGTH: 1,
  /** Offset and length of the second part; either part may be empty. */
  BODY_AT: 2,
  BODY_LENGTH: 3,
  /** Packet sockets: the interface to send on. */
  IFINDEX: 4,
  /** Packet sockets: EtherType. */
  PROTOCOL: 5,
  /** Packet sockets, cooked: octets of the link-layer destination in the two words that follow, 0 to 8. */
  HARDWARE_LENGTH: 6,
  HARDWARE_HIGH: 7,
  HARDWARE_LOW: 8,
  /** Raw IP sockets: the Ipv4 to route to. */
  DESTINATION: 9,
  /** Where in the packet its UDP header begins, whose checksum field holds the pseudo header's sum and is to be completed; 0: nothing is. */
  CHECKSUM_START: 10,
  /** Written by `send`: 0, or the errno this entry failed with. */
  ERROR: 11,
  WORDS: 12,
} as const;

/** Bits of SLOT.STATUS. */
export const STATUS = {
  /** The transport checksum is only a pseudo-header sum: the sender left it to hardware (TP_STATUS_CSUMNOTREADY). */
  CHECKSUM_NOT_READY: 1,
  /** The transport checksum is right: hardware, the sending kernel (TP_STATUS_CSUM_VALID) or, for UDP over IPv4, the addon has looked. */
  CHECKSUM_VALID: 2,
} as const;

/** Bits of SLOT.STATUS, one of which is enough not to look at the transport checksum. */
export const CHECKSUM_VOUCHED = STATUS.CHECKSUM_NOT_READY | STATUS.CHECKSUM_VALID;

/** Values of SLOT.PACKET_TYPE (linux/if_packet.h). */
export const PACKET_TYPE = {
  HOST: 0,
  BROADCAST: 1,
  MULTICAST: 2,
  OTHER_HOST: 3,
  OUTGOING: 4,
} as const;

/** SLOT.VLAN of a packet that carried no tag. */
export const NO_VLAN = 0xffffffff;
