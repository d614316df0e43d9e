import type { Ipv4 } from '../../../codec/ipv4.ts';
import type { Lease } from '../lease.ts';
import type { ServerDrop } from './drops.ts';

/** What a server tells besides the replies it sends. Nothing here may take long. */
export interface ServerObserver {
  /** A message was taken up; `type` is option 53, or 0 for BOOTP. */
  request(interfaceName: string, type: number): void;
  reply(interfaceName: string, type: number): void;
  drop(reason: ServerDrop): void;
  /** An address is given, renewed, left, declined or has run out. The object is the server's: copy what is kept. */
  lease(lease: Lease): void;
  /** An address is in use by somebody who did not get it here; octets of a hardware address, when known. */
  conflict(address: Ipv4, hardwareAddress: Uint8Array | null): void;
  /** A client says that the address it was given is in use (RFC 2131 §4.3.3: tell the administrator). */
  declined(address: Ipv4, hardwareAddress: Uint8Array): void;
  /** Two machines use one client identifier at the same time; from now on they are told apart by hardware address. */
  clone(clientId: Uint8Array, hardwareAddress: Uint8Array): void;
  /** Too many probes were under way, and an address was offered unseen. */
  probeSkipped(address: Ipv4): void;
  /** Option 82 did not fit into a reply and was left out whole (RFC 3046 §2.1). */
  informationOmitted(): void;
  /** Another DHCP server answered on a link of ours. */
  foreignServer(server: Ipv4, interfaceName: string): void;
}

/** How a server has an address looked for. Answers come back by `probeAnswered`; that there is none, by time alone. */
export interface ProbePort {
  /** Broadcasts an ARP probe (RFC 5227 §2.1.1). */
  arp(ifindex: number, address: Ipv4): void;
  /** Sends an ICMP echo request. */
  icmp(address: Ipv4): void;
}

/** One step of a decision, for who asks why. */
export interface TraceStep {
  /** What was decided: `subnet`, `class`, `reservation`, `address`, `answer` … */
  readonly about: string;
  readonly because: string;
}

/** Collects the steps of a decision; absent while nobody asks. */
export type Trace = TraceStep[];
