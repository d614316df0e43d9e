import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { getSystemErrorName } from 'node:util';

/** What the operating system refused: `code` is the errno name, `operation` what was attempted; the message adds a remedy where one is known. */
export interface SystemError extends Error {
  readonly code: string;
  readonly errno: number;
  readonly operation: string;
}

/** An open descriptor inside the addon; it means something to the addon's functions only. */
export interface Handle {
  readonly __handle: never;
}

/** Packets that reached a socket and packets the kernel had to drop because its receive buffer was full. */
export interface PacketStatistics {
  readonly received: number;
  readonly dropped: number;
}

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
  /** The 802.1Q tag control information the driver or kernel stripped, or NO_VLAN. */
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
  WORDS: 12,
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
  /** Written by `send`: 0, or the errno this entry failed with. */
  ERROR: 10,
  WORDS: 11,
} as const;

/** Bits of SLOT.STATUS. */
export const STATUS = {
  /** The transport checksum is only a pseudo-header sum: the sender left it to hardware (TP_STATUS_CSUMNOTREADY). */
  CHECKSUM_NOT_READY: 1,
  /** Hardware or the sending kernel vouches for the transport checksum (TP_STATUS_CSUM_VALID). */
  CHECKSUM_VALID: 2,
} as const;

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

/** The errno name for a number found in ENTRY.ERROR: `ENETUNREACH`. */
export function errnoName(errno: number): string {
  return getSystemErrorName(-errno);
}

/** The functions of build/packet.node (agent/native); each throws TypeError or RangeError on misuse and SystemError on refusal. */
export interface Addon {
  readonly layout: { readonly slot: typeof SLOT; readonly entry: typeof ENTRY };
  openPacket(options: NativePacketOptions): Handle;
  sendPackets(handle: Handle, entries: Uint32Array, count: number): number;
  packetStatistics(handle: Handle): PacketStatistics;
  openRawIp(netns: string | undefined, device: string | undefined): Handle;
  sendRawIp(handle: Handle, arena: Uint8Array, entries: Uint32Array, count: number): number;
  holdPort(port: number, netns: string | undefined): Handle;
  openNetlink(options: NativeNetlinkOptions): Handle;
  sendNetlink(handle: Handle, bytes: Uint8Array): void;
  close(handle: Handle): void;
}

export interface NativePacketOptions {
  readonly netns: string | undefined;
  readonly ifindex: number;
  readonly protocol: number;
  readonly cooked: boolean;
  readonly filter: Uint8Array;
  readonly receiveBufferBytes: number;
  readonly slots: number;
  readonly slotBytes: number;
  readonly headroom: number;
  readonly ring: Buffer;
  readonly slotMeta: Uint32Array;
  /** A batch of so many packets, or minus an errno. */
  readonly onBatch: (count: number) => void;
}

export interface NativeNetlinkOptions {
  readonly netns: string | undefined;
  readonly groups: number;
  readonly receiveBufferBytes: number;
  readonly onMessages: (bytes: Buffer | null) => void;
}

let loaded: Addon | undefined;

/** Loads the addon on first use, so that a command without packets to handle needs none. */
export function addon(): Addon {
  loaded ??= load();
  return loaded;
}

function load(): Addon {
  // In the source tree the addon is a product of `make`; in an image it lies beside the bundle.
  const places = ['../../build/packet.node', './packet.node'].map((place) =>
    fileURLToPath(new URL(place, import.meta.url)),
  );
  const found = places.find((place) => existsSync(place));
  if (found === undefined) {
    throw new Error(`no native addon at ${places.join(' or ')}: run \`make setup\``);
  }
  const native = createRequire(import.meta.url)(found) as Addon;
  // C and TypeScript each name the words; an addon of another build must not scramble packets.
  assert.deepEqual(native.layout, { slot: SLOT, entry: ENTRY }, `${found} is stale: run \`make\``);
  return native;
}
