import { addon, type Handle } from './addon.ts';

/** Where and how a raw IP socket is opened. */
export interface RawIpOptions {
  /** Path of another network namespace to open the socket in (needs CAP_SYS_ADMIN); absent: our own. */
  readonly netns?: string;
  /** Interface or VRF name that routes are looked up in (SO_BINDTODEVICE). */
  readonly device?: string;
}

/**
 * A socket that routes UDP datagrams over IPv4 from any source address; it never receives. A packet begins with an IP
 * header of 20 octets, of which only the source counts: the kernel writes another, with a time to live of 64, low delay,
 * fragments allowed, and an identification of its own.
 */
export class RawIpSocket {
  readonly #handle: Handle;
  readonly #send = addon().sendRawIp;

  /** Throws SystemError (EPERM without CAP_NET_RAW, ENODEV for an unknown device). */
  static open(options: RawIpOptions = {}): RawIpSocket {
    return new RawIpSocket(options);
  }

  private constructor(options: RawIpOptions) {
    this.#handle = addon().openRawIp(options.netns, options.device);
  }

  /**
   * Sends the first `count` entries (ENTRY.WORDS words each, DESTINATION for the route) out of the
   * arena and returns how many failed; each entry's ERROR says how: EINVAL for a source that no host can have, ENETUNREACH, EPERM …
   */
  send(arena: Uint8Array, entries: Uint32Array, count: number): number {
    return this.#send(this.#handle, arena, entries, count);
  }

  /** Again is harmless. */
  close(): void {
    addon().close(this.#handle);
  }
}

/** A UDP port kept from answering with ICMP port unreachable. */
export interface HeldPort {
  close(): void;
}

/**
 * Binds 0.0.0.0:`port` and drops all that arrives, so that the kernel sends no ICMP port unreachable
 * for packets we read elsewhere. A courtesy: throws SystemError EADDRINUSE or EACCES, which a caller may ignore.
 */
export function holdPort(port: number, netns?: string): HeldPort {
  const handle = addon().holdPort(port, netns);
  held.add(handle);
  return {
    close: () => {
      held.delete(handle);
      addon().close(handle);
    },
  };
}

// The addon closes what is collected as garbage; holding a port is for as long as the process lives
// even if nobody remembers it.
const held = new Set<Handle>();
