import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { getSystemErrorName } from 'node:util';
import { ENTRY, SLOT } from '../core/ring.ts';

export { ENTRY, NO_VLAN, PACKET_TYPE, SLOT, STATUS } from '../core/ring.ts';

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

/** A packet socket, and the memory that it shares with the kernel: slots, scratch area, metadata of a batch. */
export interface PacketHandle extends Handle {
  readonly memory: Buffer;
  readonly scratchAt: number;
  readonly metaAt: number;
}

/** Packets that reached a socket and packets the kernel had to drop because its ring was full. */
export interface PacketStatistics {
  readonly received: number;
  readonly dropped: number;
}

/** The errno name for a number found in ENTRY.ERROR: `ENETUNREACH`. */
export function errnoName(errno: number): string {
  return getSystemErrorName(-errno);
}

/** The functions of build/packet.node (agent/native); each throws TypeError or RangeError on misuse and SystemError on refusal. */
export interface Addon {
  readonly layout: { readonly slot: typeof SLOT; readonly entry: typeof ENTRY };
  openPacket(options: NativePacketOptions): PacketHandle;
  sendPackets(handle: Handle, entries: Uint32Array, count: number): number;
  packetStatistics(handle: Handle): PacketStatistics;
  openRawIp(netns: string | undefined, device: string | undefined): Handle;
  sendRawIp(handle: Handle, arena: Uint8Array, entries: Uint32Array, count: number): number;
  holdPort(port: number, netns: string | undefined): Handle;
  openNetlink(options: NativeNetlinkOptions): Handle;
  sendNetlink(handle: Handle, bytes: Uint8Array): void;
  close(handle: Handle): void;
  /** Writes on a pool thread, durably; `bytes` must stay as they are until `done`. */
  writeDurably(
    fd: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    position: number,
    done: (error: SystemError | null) => void,
  ): void;
  /** Writes zeros to these octets of a file on a pool thread, durably. */
  clearDurably(
    fd: number,
    start: number,
    end: number,
    done: (error: SystemError | null) => void,
  ): void;
  /** Whether the lock of the open file is ours now; never waits. */
  lockFile(fd: number): boolean;
  /** CLOCK_BOOTTIME: never steps, also runs in suspend. */
  bootMillis(): number;
}

export interface NativePacketOptions {
  readonly netns: string | undefined;
  readonly ifindex: number;
  readonly protocol: number;
  readonly cooked: boolean;
  readonly filter: Uint8Array;
  readonly slots: number;
  readonly slotBytes: number;
  readonly headroom: number;
  readonly batch: number;
  readonly scratchBytes: number;
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
