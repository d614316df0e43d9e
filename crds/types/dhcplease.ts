import type {
  Condition,
  HardwareAddress,
  Ipv4Address,
  Moment,
  ObjectMeta,
  OctetsInHex,
} from './common.ts';
import type { Octets } from './dhcpsubnet.ts';

/**
 * An address of a DhcpServer. The server writes one for every binding, named after the server and the address; a user
 * writes one to reserve an address, to put it in quarantine, to pin it or to take it away. `spec` is what is wanted,
 * `status` is what happened on the wire.
 */
export interface DhcpLease {
  readonly apiVersion: 'dhcp-operator.io/v1alpha1';
  readonly kind: 'DhcpLease';
  readonly metadata: ObjectMeta;
  /** What is wanted of the address. */
  readonly spec: DhcpLeaseSpec;
  /** What happened on the wire. */
  readonly status?: DhcpLeaseStatus;
}

/** What is wanted of an address. */
export interface DhcpLeaseSpec {
  /** The server that gives the address; it is in the same namespace. */
  readonly serverRef: ServerRef;
  /** The address that this is about. */
  readonly address: Ipv4Address;
  /** The client, by the hardware address in its requests (chaddr). */
  readonly hardwareAddress?: HardwareAddress;
  /** The client, by option 61. A `text` matches with and without the type octet 0 in front (RFC 2132 §9.14). */
  readonly clientId?: Octets;
  /** Whoever is at this circuit of a relay: sub-option 1 of option 82. */
  readonly circuitId?: Octets;
  /** Whoever is at this remote end of a relay: sub-option 2 of option 82. */
  readonly remoteId?: Octets;
  /**
   * The name to give to the client (option 12).
   * @minLength 1
   * @maxLength 63
   */
  readonly hostname?: string;
  /**
   * `Reserve`: only the client named here gets the address, which may lie in a pool or outside. `Quarantine`: nobody gets it, and
   * who holds it must let it go at the next renewal, until this object is deleted. `Bind`: the server gave it; nothing is wanted.
   * @default "Reserve"
   */
  readonly intent?: 'Reserve' | 'Quarantine' | 'Bind';
  /**
   * Who holds the address keeps it, whatever else runs out.
   * @default false
   */
  readonly pin?: boolean;
  /**
   * Who holds the address must let it go at the next renewal, and may ask for another. Of a client that is named here,
   * only that one.
   * @default false
   */
  readonly revoke?: boolean;
  /** When the quarantine ends. Left out: when this object is deleted. */
  readonly quarantineUntil?: Moment;
}

/** A DhcpServer in the same namespace. */
export interface ServerRef {
  /**
   * Its name.
   * @minLength 1
   * @maxLength 253
   */
  readonly name: string;
}

/** What happened on the wire. All of it is the server's word; times are its node's. */
export interface DhcpLeaseStatus {
  /** The generation of the spec that the server acts on. */
  readonly observedGeneration?: number;
  /** @listMapKey type */
  readonly conditions?: readonly Condition[];
  /**
   * `Reserved`: for a client that has not come yet. `Bound`: a client holds it. `Released`: the client gave it back.
   * `Expired`: the client did not renew. `Declined`: a client or a probe found somebody else there.
   * `Quarantined`: a user took it out of use. What is only offered is not recorded.
   */
  readonly state?: 'Reserved' | 'Bound' | 'Released' | 'Expired' | 'Declined' | 'Quarantined';
  /** As in the spec. */
  readonly address?: Ipv4Address;
  /** Of the subnet's mask. */
  readonly prefixLength?: number;
  /** The name of the subnet. */
  readonly subnet?: string;
  /** The kind of link, as in ARP (htype); 1 is Ethernet. */
  readonly hardwareType?: number;
  /** The client's (chaddr). */
  readonly hardwareAddress?: HardwareAddress;
  /** Option 61, type octet included. */
  readonly clientId?: OctetsInHex;
  /** Option 12. */
  readonly hostname?: string;
  /** The name in option 81. */
  readonly fqdn?: string;
  /** Option 60. */
  readonly vendorClass?: string;
  /** Option 77. */
  readonly userClass?: string;
  /** Option 93 by name, such as `x64-uefi`, or its number. */
  readonly architecture?: string;
  /** When this client first got the address. */
  readonly starts?: Moment;
  /** When the client was last heard of (cltt, RFC 4388 §6.1). */
  readonly lastTransaction?: Moment;
  /** When the state ends. Left out: never. */
  readonly expires?: Moment;
  /** When the client that holds the address renews (T1). */
  readonly renews?: Moment;
  /** When it rebinds (T2). */
  readonly rebinds?: Moment;
  /** The relay that the client is behind, and what it said of the client's place. */
  readonly relay?: LeaseRelay;
  /** The interface that the client was last heard on. */
  readonly interface?: string;
  /** What the client knows the server by (option 54). */
  readonly serverIdentifier?: Ipv4Address;
  /** Where the agent that gave the address runs. */
  readonly node?: string;
  /** The fencing number of that agent; a higher one knows better. */
  readonly epoch?: number;
}

/** The relay that a client is behind (option 82). Octets that are not printable text are `0x` and hex. */
export interface LeaseRelay {
  /** Its address. */
  readonly giaddr?: Ipv4Address;
  /** Sub-option 1. */
  readonly circuitId?: string;
  /** Sub-option 2. */
  readonly remoteId?: string;
  /** Sub-option 6. */
  readonly subscriberId?: string;
  /** Sub-option 12, a DUID. */
  readonly relayId?: OctetsInHex;
  /** The routing domain in sub-option 151. */
  readonly vrf?: string;
}
