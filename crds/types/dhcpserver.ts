import type {
  Condition,
  Duration,
  InterfacePattern,
  Ipv4Address,
  Ipv4Cidr,
  NodeStatus,
  ObjectMeta,
  Placement,
} from './common.ts';
import type { DhcpOptions } from './dhcpoptions.ts';
import type { BootEntry, ClientClass, ServerSubnet, SharedNetwork } from './dhcpsubnet.ts';

/** Gives addresses and settings to clients, directly and through relays (RFC 2131). */
export interface DhcpServer {
  readonly apiVersion: 'dhcp-operator.io/v1alpha1';
  readonly kind: 'DhcpServer';
  readonly metadata: ObjectMeta;
  /** What is wanted. */
  readonly spec: DhcpServerSpec;
  /** What is so. */
  readonly status?: DhcpServerStatus;
}

/** Which networks are served, and how. */
export interface DhcpServerSpec {
  /**
   * The links that are answered directly. Left out: relayed requests and unicast renewals only.
   * @maxItems 64
   */
  readonly interfaces?: readonly ServerInterface[];
  /**
   * Interfaces left alone even when `interfaces` matches them.
   * @maxItems 64
   */
  readonly excludeInterfaces?: readonly InterfacePattern[];
  /**
   * The networks that clients are on.
   * @minItems 1
   * @maxItems 4096
   */
  readonly subnets: readonly ServerSubnet[];
  /**
   * Settings of several subnets that share one link, by the name they give in `sharedNetwork`.
   * @maxItems 1024
   */
  readonly sharedNetworks?: readonly SharedNetwork[];
  /** For every client, unless something nearer to it says otherwise. */
  readonly options?: DhcpOptions;
  /**
   * Groups of clients, told by what they send. A client may be in several; of two that set the same, the first counts.
   * @maxItems 64
   */
  readonly classes?: readonly ClientClass[];
  /**
   * What to boot, for clients that no nearer table has anything for. The first entry that fits counts.
   * @maxItems 64
   */
  readonly boot?: readonly BootEntry[];
  /** How long an address is given for. Left out: 12h, or as near to it as `minLeaseTime` and `maxLeaseTime` let it. */
  readonly leaseTime?: Duration;
  /** Clients that ask for less get this. Left out: they get what they ask for, but at least one minute. */
  readonly minLeaseTime?: Duration;
  /** Clients that ask for more get this. Left out: `leaseTime`. */
  readonly maxLeaseTime?: Duration;
  /**
   * When clients renew with this server (T1), in percent of the lease.
   * @minimum 1
   * @maximum 99
   * @default 50
   */
  readonly renewalPercent?: number;
  /**
   * When clients renew with any server (T2), in percent of the lease.
   * Left out: 87.5 (RFC 2131 §4.4.5).
   * @minimum 1
   * @maximum 99
   */
  readonly rebindingPercent?: number;
  /**
   * This server alone serves its subnets. A client that comes back with an address that nothing is known of is given
   * it if it is free, and refused if not; otherwise such a client is left to another server (RFC 2131 §4.3.2).
   * @default false
   */
  readonly authoritative?: boolean;
  /**
   * What tells clients apart. `Auto`: the client identifier, else the hardware address, and clones that share an
   * identifier are noticed and kept apart. `ClientId`: the same without looking for clones.
   * `HardwareAddress`: client identifiers are ignored.
   * @default "Auto"
   */
  readonly identity?: 'Auto' | 'ClientId' | 'HardwareAddress';
  /**
   * The address that clients know this server by (option 54). `Auto`: the address that the request arrived at, or the
   * first of the interface. `Service`: that of the Service that the operator makes for this server, which stays the same
   * when another node serves; only in Kubernetes.
   * @default "Auto"
   */
  readonly serverIdentifier?: 'Auto' | 'Service' | Ipv4Address;
  /**
   * Sends the client identifier back, as RFC 6842 wants. Some old clients cannot bear it.
   * @default true
   */
  readonly echoClientId?: boolean;
  /**
   * A client that asks for it is given its address at once (RFC 4039). Only where no other server answers.
   * @default false
   */
  readonly rapidCommit?: boolean;
  /**
   * Whether clients of BOOTP are answered: `Never`, when there is a reservation for them (`Reserved`), or also from
   * the pools, for ever (`Dynamic`, RFC 1534).
   * @default "Never"
   */
  readonly bootp?: 'Never' | 'Reserved' | 'Dynamic';
  /** How an address is found to be in use by somebody else before it is offered (RFC 2131 §2.2). */
  readonly conflictDetection?: ConflictDetection;
  /**
   * How long an address is kept out of use after a client declined it or a probe found it taken.
   * @default "1h"
   */
  readonly declineQuarantine?: Duration;
  /**
   * How long an offered address is held for the client.
   * @default "60s"
   */
  readonly offerTime?: Duration;
  /**
   * How long a client that can do without IPv4 leaves it off (V6ONLY_WAIT, RFC 8925). Left out: IPv4 is given to all.
   * At least 5 minutes.
   */
  readonly ipv6OnlyWait?: Duration;
  /**
   * What a client that gets no address is told about making up its own in 169.254.0.0/16 (RFC 2563): nothing (`Silent`),
   * that it should (`Allow`), or that it must not (`Forbid`).
   * @default "Silent"
   */
  readonly autoConfigure?: 'Silent' | 'Allow' | 'Forbid';
  /**
   * Only tells clients what to boot and leaves addresses to another server on the link (PXE 2.1 §2.2).
   * @default false
   */
  readonly proxyDhcp?: boolean;
  /** Who may ask for leases by DHCPLEASEQUERY (RFC 4388). Left out: nobody. */
  readonly leaseQuery?: LeaseQuery;
  /**
   * The relays that may ask, by giaddr. Left out: all of them.
   * @minItems 1
   * @maxItems 1024
   */
  readonly allowedRelays?: readonly AllowedNetwork[];
  /** How much one client, one circuit or one interface may ask for and hold. */
  readonly limits?: ServerLimits;
  /** Other DHCP servers that answer on our links are noticed and reported. */
  readonly foreignServers?: ForeignServers;
  /**
   * Which leases have a DhcpLease object: `All`, only those of reserved addresses, or `None`. Others lose theirs, which
   * revokes nothing. A server on several nodes needs `All`: the one that takes over knows what the objects tell. Ignored
   * outside Kubernetes.
   * @default "All"
   */
  readonly leaseObjects?: 'All' | 'Reserved' | 'None';
  /** Which nodes serve. Left out: any. Ignored outside Kubernetes. */
  readonly placement?: Placement;
}

/** A link that clients are on. */
export interface ServerInterface {
  /** A name or a glob. */
  readonly match: InterfacePattern;
}

/** How an address is found to be in use before it is offered. */
export interface ConflictDetection {
  /**
   * `Auto`: an ARP probe when the client is on a link of ours (RFC 5227 §2.1.1), an ICMP echo request when a relay is
   * between. `"Off"`, in quotes since kubectl takes a bare Off for false: addresses are offered unseen.
   * @default "Auto"
   */
  readonly mode?: 'Auto' | 'Arp' | 'Icmp' | 'Off';
  /**
   * How long an answer is waited for. The offer comes so much later, once for each address.
   * @default "300ms"
   */
  readonly timeout?: Duration;
  /**
   * An address that was probed, or held by its client, is not probed again for so long.
   * @default "10m"
   */
  readonly repeatAfter?: Duration;
}

/** Leasequery (RFC 4388). */
export interface LeaseQuery {
  /**
   * The askers, by giaddr.
   * @minItems 1
   * @maxItems 256
   */
  readonly from: readonly AllowedNetwork[];
}

/**
 * Addresses that are trusted. Exactly one of `address` and `cidr`.
 * @exactlyOneOf address cidr
 */
export interface AllowedNetwork {
  readonly address?: Ipv4Address;
  readonly cidr?: Ipv4Cidr;
}

/** What is above a rate is dropped and counted; what is above a number gets no new address. */
export interface ServerLimits {
  /**
   * Messages a second from one hardware address; 0 is no limit.
   * @minimum 0
   * @maximum 100000
   * @default 20
   */
  readonly perClient?: number;
  /**
   * Messages a second from one circuit of one relay (option 82); 0 is no limit.
   * @minimum 0
   * @maximum 1000000
   * @default 0
   */
  readonly perCircuit?: number;
  /**
   * Messages a second that arrive on one interface; 0 is no limit.
   * @minimum 0
   * @maximum 10000000
   * @default 0
   */
  readonly perInterface?: number;
  /**
   * Addresses that one circuit of one relay holds at a time; 0 is no limit.
   * @minimum 0
   * @maximum 65536
   * @default 0
   */
  readonly leasesPerCircuit?: number;
  /**
   * Addresses that one hardware address holds at a time, whatever client identifiers come with it; 0 is no limit.
   * @minimum 0
   * @maximum 64
   * @default 0
   */
  readonly leasesPerHardwareAddress?: number;
}

/** Other DHCP servers on our links. */
export interface ForeignServers {
  /**
   * `Passive`: what passes by is looked at. `Probe`: a DISCOVER is sent now and then too, and the offers it gets are
   * never taken. `"Off"`, in quotes since kubectl takes a bare Off for false: not looked at.
   * @default "Passive"
   */
  readonly mode?: 'Off' | 'Passive' | 'Probe';
  /**
   * Time between two probes, from 100ms to 24d.
   * @default "15m"
   */
  readonly interval?: Duration;
  /**
   * Servers that are there by intent.
   * @maxItems 64
   */
  readonly known?: readonly KnownServer[];
}

/** A server that is there by intent. */
export interface KnownServer {
  readonly address: Ipv4Address;
}

export interface DhcpServerStatus {
  readonly observedGeneration?: number;
  /** @listMapKey type */
  readonly conditions?: readonly Condition[];
  /** Nodes that should serve, and nodes that do. */
  readonly desiredNodes?: number;
  readonly readyNodes?: number;
  /**
   * What the agents say.
   * @listMapKey node
   */
  readonly nodes?: readonly NodeStatus[];
  /** Where it answers: the addresses that relays can name. */
  readonly endpoints?: readonly Ipv4Address[];
  /** How full the subnets are. */
  readonly subnets?: readonly SubnetStatus[];
}

/** How full a subnet is. */
export interface SubnetStatus {
  /** Its name. */
  readonly name: string;
  readonly cidr: Ipv4Cidr;
  /** Addresses in pools and reservations. */
  readonly total: number;
  /** Addresses that clients hold. */
  readonly bound: number;
  /** Addresses out of use because somebody declined them or a probe found them taken. */
  readonly declined: number;
  /** Addresses held for clients that have been offered them and have yet to ask for them. */
  readonly offered?: number;
  /** `bound` in percent of `total`. */
  readonly utilization: number;
}
