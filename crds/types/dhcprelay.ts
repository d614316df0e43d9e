import type {
  Condition,
  InterfacePattern,
  Ipv4Address,
  Ipv4Cidr,
  NodeStatus,
  ObjectMeta,
  ObjectRef,
  Placement,
} from './common.ts';

/** Carries DHCP between clients on the links of a node and servers elsewhere (RFC 1542 §4, RFC 3046). */
export interface DhcpRelay {
  readonly apiVersion: 'dhcp-operator.io/v1alpha1';
  readonly kind: 'DhcpRelay';
  readonly metadata: ObjectMeta;
  /** What is wanted. */
  readonly spec: DhcpRelaySpec;
  /** What is so. */
  readonly status?: DhcpRelayStatus;
}

/** What a relay does, where, and for which servers. */
export interface DhcpRelaySpec {
  /**
   * The links that clients are on. Left out: every broadcast-capable interface that has an address.
   * Loopback and pods' interfaces (cni*, veth*, docker*, br-*, flannel*, cali*, cilium*, lxc*, kube-*, tun* and virbr*)
   * are left alone, also when a glob matches them; an entry that spells such a name out is taken at its word.
   * Of several entries that match a name, the first counts.
   * @minItems 1
   * @maxItems 64
   * @listMapKey match
   */
  readonly interfaces?: readonly RelayInterface[];
  /**
   * Interfaces left alone even when `interfaces` matches them.
   * @maxItems 64
   * @unique
   */
  readonly excludeInterfaces?: readonly InterfacePattern[];
  /**
   * The servers. Every request goes to all of them.
   * @minItems 1
   * @maxItems 16
   */
  readonly upstreams: readonly RelayUpstream[];
  /**
   * Networks that replies may come from besides the upstreams themselves: for an upstream that is itself a relay
   * (its servers answer past it), or a server that answers from another of its addresses.
   * @maxItems 64
   * @unique
   */
  readonly replySources?: readonly Ipv4Cidr[];
  /** What is said of the client's place in option 82 (RFC 3046). */
  readonly relayInformation?: RelayInformation;
  /**
   * Requests that have passed this many relays are dropped (RFC 1542 §4.1.1).
   * @minimum 1
   * @maximum 16
   * @default 4
   */
  readonly maxHops?: number;
  /**
   * The largest DHCP message sent on, in octets. A message that option 82 would make larger goes without it (RFC 3046 §2.1).
   * @minimum 576
   * @maximum 1472
   * @default 1472
   */
  readonly maxMessageSize?: number;
  /**
   * The UDP port that requests are sent from. Another one than 67 is told to the server by sub-option 19 (RFC 8357).
   * @minimum 1
   * @maximum 65535
   * @default 67
   */
  readonly sourcePort?: number;
  /**
   * A virtual routing domain's device (vrf) that leads to the servers. Left out: the routing table of the host.
   * @minLength 1
   * @maxLength 15
   */
  readonly upstreamDevice?: string;
  /** How much one client or one interface may ask for. */
  readonly rateLimit?: RelayRateLimit;
  /** Which nodes relay. Left out: all. Ignored outside Kubernetes. */
  readonly placement?: Placement;
}

/** A link that clients are on. */
export interface RelayInterface {
  /** A name or a glob. */
  readonly match: InterfacePattern;
  /**
   * What goes into giaddr: `Auto` is the interface's primary address, else an address of this node.
   * When it is not on the client's link, option 82 tells the link (RFC 3527).
   * @default "Auto"
   */
  readonly giaddr?: 'Auto' | Ipv4Address;
  /**
   * Option 82 in a request without giaddr is believed here, because the switch in front adds it (RFC 3046 §2.1).
   * @default false
   */
  readonly trusted?: boolean;
  /**
   * Servers for this link instead of the ones in spec.
   * @minItems 1
   * @maxItems 16
   */
  readonly upstreams?: readonly RelayUpstream[];
  /**
   * Replaces the settings of `spec.relayInformation` for this link, one by one.
   * @withoutDefaults
   */
  readonly relayInformation?: RelayInformation;
}

/**
 * A server, or a next relay. Exactly one of `address`, `hostname`, `serviceRef` and `serverRef`.
 * @exactlyOneOf address hostname serviceRef serverRef
 */
export interface RelayUpstream {
  /** Its address. */
  readonly address?: Ipv4Address;
  /**
   * A DNS name, resolved again when its time to live is over; the last good answer is kept.
   * @minLength 1
   * @maxLength 253
   */
  readonly hostname?: string;
  /** A Service whose addresses are followed. Only in Kubernetes. */
  readonly serviceRef?: ObjectRef;
  /** A DhcpServer whose endpoints are followed. Only in Kubernetes. */
  readonly serverRef?: ObjectRef;
}

/** Option 82 (RFC 3046) and its sub-options. */
export interface RelayInformation {
  /**
   * Whether requests get an option 82 from us (RFC 3046 §2.1 leaves it off by default).
   * `Auto`: when the reply needs it to find its way, or when a sub-option is configured here.
   * @default "Auto"
   */
  readonly mode?: 'Auto' | 'Always' | 'Never';
  /**
   * For a request that comes with option 82 from another relay or a trusted link: `Forward` it as it is (RFC 3046 §2.1.1),
   * `Append` ours to it, `Replace` it, or `Discard` the request.
   * @default "Forward"
   */
  readonly existing?: 'Forward' | 'Append' | 'Replace' | 'Discard';
  /**
   * Sub-option 1. `{interface}`, `{vlan}`, `{mac}`, `{address}`, `{node}` and `{relay}` stand for what they say, `{{` for a
   * brace. `hex:` in front makes the rest octets in hex. Left out: `{interface}`.
   * @minLength 1
   * @maxLength 253
   */
  readonly circuitId?: string;
  /**
   * Sub-option 2, likewise; it should be unique in the world. Left out: not sent.
   * @minLength 1
   * @maxLength 253
   */
  readonly remoteId?: string;
  /**
   * Sub-option 6 (RFC 3993), likewise. Left out: not sent.
   * @minLength 1
   * @maxLength 253
   */
  readonly subscriberId?: string;
  /**
   * Sub-option 12 (RFC 6925): a DUID in hex, or `Auto` for one derived from the node's name. Left out: not sent.
   * @pattern ^(Auto|([0-9A-Fa-f]{2})+)$
   * @maxLength 260
   */
  readonly relayId?: string;
  /**
   * Sub-option 5 (RFC 3527): the client's link by an address on it. `Auto`: when giaddr is not on that link.
   * @default "Auto"
   */
  readonly linkSelection?: 'Auto' | 'Always' | 'Never';
  /**
   * Sub-options 11 (RFC 5107) and 10 (RFC 5010): clients renew through this relay, and the server knows how the request came.
   * @default false
   */
  readonly serverIdOverride?: boolean;
  /** Sub-option 151 (RFC 6607): the routing domain that the client is in. */
  readonly virtualSubnet?: VirtualSubnet;
}

/**
 * A virtual subnet selection (RFC 6607 §3.4). Exactly one of `name` and `vpnId`.
 * @exactlyOneOf name vpnId
 */
export interface VirtualSubnet {
  /**
   * Type 0, an NVT ASCII name.
   * @minLength 1
   * @maxLength 128
   */
  readonly name?: string;
  /**
   * Type 1, a VPN identifier of seven octets in hex (RFC 2685).
   * @pattern ^[0-9A-Fa-f]{14}$
   */
  readonly vpnId?: string;
}

/** Token buckets; what is above is dropped and counted. */
export interface RelayRateLimit {
  /**
   * Requests a second from one hardware address; 0 is no limit.
   * @minimum 0
   * @maximum 100000
   * @default 20
   */
  readonly perClient?: number;
  /**
   * Requests a second from one interface; 0 is no limit.
   * @minimum 0
   * @maximum 10000000
   * @default 0
   */
  readonly perInterface?: number;
}

/** How a relay fares. */
export interface DhcpRelayStatus {
  /** The generation of the spec that this speaks of. */
  readonly observedGeneration?: number;
  /** @listMapKey type */
  readonly conditions?: readonly Condition[];
  /** Nodes that should relay. */
  readonly desiredNodes?: number;
  /** Nodes that do. */
  readonly readyNodes?: number;
  /**
   * What the agents say.
   * @listMapKey node
   */
  readonly nodes?: readonly NodeStatus[];
}
