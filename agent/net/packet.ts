import { addon, type PacketHandle, type PacketStatistics, SLOT } from './addon.ts';

export {
  ENTRY,
  errnoName,
  NO_VLAN,
  PACKET_TYPE,
  type PacketStatistics,
  SLOT,
  STATUS,
  type SystemError,
} from './addon.ts';

/** How to open a packet socket; everything but protocol, filter, cooked and onBatch has a default. */
export interface PacketSocketOptions {
  /** Path of another network namespace to open the socket in (needs CAP_SYS_ADMIN); absent: our own. */
  readonly netns?: string;
  /** Interface to receive from; 0 or absent: every one, present and future. */
  readonly ifindex?: number;
  /** EtherType to receive: 0x0800 IPv4, 0x0806 ARP, 3 all; 0 receives nothing (a socket for sending only). */
  readonly protocol: number;
  /** True (SOCK_DGRAM): packets start at the network header and the kernel builds link headers. False (SOCK_RAW): whole frames. */
  readonly cooked: boolean;
  /** A classic BPF program as an array of struct sock_filter in host byte order; in force before the first packet. */
  readonly filter: Uint8Array;
  /** Packets that the ring holds until they are looked at, rounded up to fill whole pages; what does not fit is dropped and counted. */
  readonly slots?: number;
  /** A power of two. The kernel takes up to 96 octets of each slot; then come headroom and packet, which is cut where it does not fit. */
  readonly slotBytes?: number;
  /** Octets left free before each packet, for a header the caller may want to put there. */
  readonly headroom?: number;
  /** Packets per batch at most. */
  readonly batch?: number;
  /** Octets of the ring after the slots, for packets the caller makes up. */
  readonly scratchBytes?: number;
  /** Packets 0 to count-1 lie in the ring, described by slotMeta, until this returns. */
  readonly onBatch: (count: number) => void;
  /** Receiving failed: ENETDOWN when the bound interface went down (it resumes by itself) or away (it does not). Absent: ignored. */
  readonly onError?: (errno: number) => void;
}

/**
 * An AF_PACKET socket. Received packets lie in `ring`, where the kernel put them, one per slot; they may be edited in
 * place, and packets are sent from the same memory. It stays open, and keeps the process alive, until closed.
 *
 *     ring: | slot 0                         | slot 1               | …          | scratch        |
 *           | kernel's | headroom | packet … | kernel's | headroom … |            ^ scratchAt
 */
export class PacketSocket {
  readonly ring: Buffer;
  /** SLOT.WORDS words per packet of a batch. */
  readonly slotMeta: Uint32Array;
  /** Offset of the scratch area in the ring. */
  readonly scratchAt: number;
  readonly #handle: PacketHandle;
  readonly #send = addon().sendPackets;

  /** Opens the socket and starts receiving; throws SystemError, or TypeError and RangeError for arguments that make no sense. */
  static open(options: PacketSocketOptions): PacketSocket {
    return new PacketSocket(options);
  }

  private constructor(options: PacketSocketOptions) {
    const { slots = 512, slotBytes = 2048, headroom = 64, scratchBytes = 65536 } = options;
    const { batch = Math.min(slots, 64), onBatch, onError = () => {} } = options;
    checkGeometry({ slots, slotBytes, headroom, batch, scratchBytes });
    if (typeof onBatch !== 'function') throw new TypeError('onBatch must be a function');
    this.#handle = addon().openPacket({
      netns: options.netns,
      ifindex: options.ifindex ?? 0,
      protocol: options.protocol,
      cooked: options.cooked,
      filter: options.filter,
      slots,
      slotBytes,
      headroom,
      batch,
      scratchBytes,
      onBatch: (count) => (count > 0 ? onBatch(count) : onError(-count)),
    });
    const { memory, scratchAt, metaAt } = this.#handle;
    this.scratchAt = scratchAt;
    this.ring = memory.subarray(0, scratchAt + scratchBytes);
    this.slotMeta = new Uint32Array(memory.buffer, memory.byteOffset + metaAt, batch * SLOT.WORDS);
  }

  /**
   * Sends the first `count` entries (ENTRY.WORDS words each) out of the ring and returns how many
   * failed; each entry's ERROR says how. A failing entry does not keep the others from going.
   */
  send(entries: Uint32Array, count: number): number {
    return this.#send(this.#handle, entries, count);
  }

  /** Totals since opening; they stay readable after close. */
  statistics(): PacketStatistics {
    return addon().packetStatistics(this.#handle);
  }

  /** Stops receiving at once; the descriptor is closed on another thread, as the kernel makes that wait for 8 to 24 ms. Again is harmless. */
  close(): void {
    addon().close(this.#handle);
  }
}

const MAX_SLOTS = 1 << 16;
// The largest IP packet, with room around it.
const MAX_SLOT_BYTES = 1 << 17;
// Beyond it, a batch keeps others waiting for milliseconds.
const MAX_BATCH = 1024;
const MAX_SCRATCH_BYTES = 1 << 28;

function checkGeometry(
  sizes: Record<'slots' | 'slotBytes' | 'headroom' | 'batch' | 'scratchBytes', number>,
): void {
  const limits = [
    ['slots', 1, MAX_SLOTS],
    ['slotBytes', 128, MAX_SLOT_BYTES],
    ['headroom', 0, sizes.slotBytes - 1],
    ['batch', 1, MAX_BATCH],
    ['scratchBytes', 0, MAX_SCRATCH_BYTES],
  ] as const;
  for (const [name, least, most] of limits) {
    const value = sizes[name];
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new RangeError(`${name} must be an integer from ${least} to ${most}, not ${value}`);
    }
  }
}
