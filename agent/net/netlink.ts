import { addon, type Handle } from './addon.ts';

/** How to subscribe to the kernel's routing messages. */
export interface NetlinkOptions {
  /** Path of another network namespace to open the socket in (needs CAP_SYS_ADMIN); absent: our own. */
  readonly netns?: string;
  /** RTMGRP_ bits (linux/rtnetlink.h) to subscribe to. */
  readonly groups: number;
  readonly receiveBufferBytes?: number;
  /** One datagram of netlink messages from the kernel, or null: some were lost (ENOBUFS) before now, ask again for everything. */
  readonly onMessages: (bytes: Buffer | null) => void;
}

/** An rtnetlink socket; it needs no privilege, and stays open, keeping the process alive, until closed. */
export class NetlinkSocket {
  readonly #handle: Handle;

  static open(options: NetlinkOptions): NetlinkSocket {
    return new NetlinkSocket(options);
  }

  private constructor(options: NetlinkOptions) {
    this.#handle = addon().openNetlink({
      netns: options.netns,
      groups: options.groups,
      receiveBufferBytes: options.receiveBufferBytes ?? DEFAULT_RECEIVE_BUFFER_BYTES,
      onMessages: options.onMessages,
    });
  }

  /** Sends one request to the kernel. */
  send(bytes: Uint8Array): void {
    addon().sendNetlink(this.#handle, bytes);
  }

  /** Again is harmless. */
  close(): void {
    addon().close(this.#handle);
  }
}

// Holds 900 link events, with CAP_NET_ADMIN or where net.core.rmem_max allows it; 180 where that is 212,992.
const DEFAULT_RECEIVE_BUFFER_BYTES = 1 << 20;
