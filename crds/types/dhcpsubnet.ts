import type {
  Duration,
  HardwareAddress,
  InterfacePattern,
  Ipv4Address,
  Ipv4Cidr,
} from './common.ts';
import type { DhcpOptions } from './dhcpoptions.ts';

/**
 * A network that clients are on. A request belongs to it when a selector says so; else when the client's place is in
 * `cidr`: the address in sub-option 5 of option 82 (RFC 3527), else option 118 (RFC 3011), else giaddr, else an
 * address of the interface that it arrived on.
 */
export interface ServerSubnet {
  readonly cidr: Ipv4Cidr;
  /**
   * What leases and metrics call it. Left out: `cidr`.
   * @minLength 1
   * @maxLength 63
   */
  readonly name?: string;
  /**
   * Subnets with the same name here are on one link: a client may get an address of any of them.
   * @minLength 1
   * @maxLength 63
   */
  readonly sharedNetwork?: string;
  /**
   * Requests that belong to this subnet whatever `cidr` says.
   * @maxItems 256
   */
  readonly selectors?: readonly SubnetSelector[];
  /**
   * Addresses to give to clients. Left out: only reservations.
   * @maxItems 256
   */
  readonly pools?: readonly AddressPool[];
  /**
   * Addresses and settings for particular clients.
   * @maxItems 8192
   */
  readonly reservations?: readonly Reservation[];
  /** For clients of this subnet. */
  readonly options?: DhcpOptions;
  /**
   * What to boot here. What fits nobody here is looked for farther out; an empty list ends the search.
   * @maxItems 64
   */
  readonly boot?: readonly BootEntry[];
  readonly leaseTime?: Duration;
  readonly minLeaseTime?: Duration;
  readonly maxLeaseTime?: Duration;
  /** See `spec.ipv6OnlyWait`. */
  readonly ipv6OnlyWait?: Duration;
}

/** Says which requests belong to a subnet: those that have all that is named here. */
export interface SubnetSelector {
  /** The relay's address in the request. */
  readonly giaddr?: Ipv4Address;
  /** Sub-option 1 of option 82. */
  readonly circuitId?: Octets;
  /** Sub-option 2 of option 82. */
  readonly remoteId?: Octets;
  /**
   * The routing domain in sub-option 151 of option 82 (RFC 6607 §3.4, type 0).
   * @minLength 1
   * @maxLength 128
   */
  readonly vrf?: string;
  /** The interface that the request arrived on, for one that came without a relay. */
  readonly interface?: InterfacePattern;
}

/**
 * Octets as text or in hex. Exactly one of `text` and `hex`.
 * @exactlyOneOf text hex
 */
export interface Octets {
  /**
   * The octets of this text.
   * @minLength 1
   * @maxLength 255
   */
  readonly text?: string;
  /**
   * `01:04` or `0104`.
   * @pattern ^(0x)?[0-9A-Fa-f]{2}([:-]?[0-9A-Fa-f]{2})*$
   */
  readonly hex?: string;
}

/**
 * Addresses to give to clients. Exactly one of `cidr` and the pair `start` and `end`.
 * @exactlyOneOf cidr start+end
 */
export interface AddressPool {
  /** The first address. */
  readonly start?: Ipv4Address;
  /** The last address, which is given too. */
  readonly end?: Ipv4Address;
  /** Every address of a network, except the first and the last of the subnet. */
  readonly cidr?: Ipv4Cidr;
  /**
   * Addresses that are not given.
   * @maxItems 256
   */
  readonly exclude?: readonly AddressRange[];
  /**
   * Only for clients in one of these classes. Left out: for all.
   * @maxItems 16
   */
  readonly classes?: readonly string[];
  /** For clients that get an address of this pool. */
  readonly options?: DhcpOptions;
  readonly leaseTime?: Duration;
}

/**
 * One address, or a range. Exactly one of `address`, `cidr` and the pair `start` and `end`.
 * @exactlyOneOf address cidr start+end
 */
export interface AddressRange {
  readonly address?: Ipv4Address;
  readonly start?: Ipv4Address;
  readonly end?: Ipv4Address;
  readonly cidr?: Ipv4Cidr;
}

/**
 * For one client. Exactly one of `hardwareAddress`, `clientId`, `circuitId`, `remoteId` and `option` says which. With
 * `address`, nobody else gets that address, in a pool or not.
 * @exactlyOneOf hardwareAddress clientId circuitId remoteId option
 */
export interface Reservation {
  readonly address?: Ipv4Address;
  readonly hardwareAddress?: HardwareAddress;
  /** Option 61. A `text` matches with and without the type octet 0 in front (RFC 2132 §9.14). */
  readonly clientId?: Octets;
  /** Sub-option 1 of option 82. */
  readonly circuitId?: Octets;
  /** Sub-option 2 of option 82. */
  readonly remoteId?: Octets;
  /** Any option that the client sends. */
  readonly option?: OptionMatch;
  /**
   * Option 12 for the client.
   * @minLength 1
   * @maxLength 63
   */
  readonly hostname?: string;
  readonly options?: DhcpOptions;
  /**
   * What this client boots, as far as it fits, before every other table.
   * @maxItems 64
   */
  readonly boot?: readonly BootEntry[];
  readonly leaseTime?: Duration;
}

/**
 * An option and the octets it must have. Exactly one of `name` and `code`, exactly one of `text` and `hex`.
 * @exactlyOneOf name code; text hex
 */
export interface OptionMatch {
  /** The name of the option in the reference. */
  readonly name?: string;
  /**
   * The code of the option.
   * @minimum 1
   * @maximum 254
   */
  readonly code?: number;
  /**
   * The octets of this text.
   * @minLength 1
   * @maxLength 255
   */
  readonly text?: string;
  /**
   * `01:04` or `0104`.
   * @pattern ^(0x)?[0-9A-Fa-f]{2}([:-]?[0-9A-Fa-f]{2})*$
   */
  readonly hex?: string;
}

/** Subnets that share one link. */
export interface SharedNetwork {
  /**
   * What subnets call it in `sharedNetwork`.
   * @minLength 1
   * @maxLength 63
   */
  readonly name: string;
  readonly options?: DhcpOptions;
  /**
   * What to boot, for clients on this link.
   * @maxItems 64
   */
  readonly boot?: readonly BootEntry[];
  readonly leaseTime?: Duration;
  readonly minLeaseTime?: Duration;
  readonly maxLeaseTime?: Duration;
  /** See `spec.ipv6OnlyWait`. */
  readonly ipv6OnlyWait?: Duration;
}

/** A group of clients. */
export interface ClientClass {
  /**
   * What pools and boot entries call it in `classes`.
   * @minLength 1
   * @maxLength 63
   */
  readonly name: string;
  /**
   * A CEL expression over `packet` that is true for the clients of the class. Text: `vendorClass`, `hostname`, `fqdn`,
   * `circuitId`, `remoteId`, `subscriberId`, `relayId`, `vrf`, `clientIdText`, `hardwareAddress`, `clientId` (both
   * `01:02:…`), `giaddr`, `ciaddr`, `interface`, `messageType`, `machineId`. Lists: `userClasses`, `architectures`,
   * `requestedOptions`. `packet.option(60)` is an option's octets in hex, `packet.text(60)` the same as text,
   * `packet.sent(60)` whether it was sent. What was not sent is empty.
   * @minLength 1
   * @maxLength 4096
   */
  readonly match: string;
  /** Clients of the class get no answer. */
  readonly refuse?: boolean;
  readonly options?: DhcpOptions;
  /**
   * What to boot, for clients of this class.
   * @maxItems 64
   */
  readonly boot?: readonly BootEntry[];
  readonly leaseTime?: Duration;
  readonly minLeaseTime?: Duration;
  readonly maxLeaseTime?: Duration;
}

/**
 * What a client boots. Exactly one of `file` and `httpUrl`.
 * @exactlyOneOf file httpUrl
 */
export interface BootEntry {
  /**
   * The client's architecture (option 93, RFC 5970): `x86-bios`, `x86-uefi`, `x64-uefi`, `arm64-uefi`, `x64-uefi-http` …
   * or its number. `x86-uefi` is also for 64-bit firmware as long as no entry names `x64-uefi`. Left out: any.
   * @maxItems 32
   */
  readonly architectures?: readonly string[];
  /**
   * The user class that the client sends (option 77): `iPXE` tells a chain-loaded iPXE from the firmware that loaded it.
   * @minLength 1
   * @maxLength 255
   */
  readonly userClass?: string;
  /**
   * How the client's vendor class begins (option 60), such as `PXEClient` or `HTTPClient`.
   * @minLength 1
   * @maxLength 255
   */
  readonly vendorClass?: string;
  /**
   * Only for clients in one of these classes.
   * @maxItems 16
   */
  readonly classes?: readonly string[];
  /** The server to load `file` from (siaddr). Left out: this server. */
  readonly nextServer?: Ipv4Address;
  /**
   * The name of that server (sname, option 66).
   * @minLength 1
   * @maxLength 255
   */
  readonly serverName?: string;
  /**
   * What to load (file, option 67).
   * @minLength 1
   * @maxLength 255
   */
  readonly file?: string;
  /**
   * What to load, for a client that boots by HTTP (RFC 5970, UEFI 2.10 §24.7) or an iPXE.
   * @pattern ^https?://
   * @maxLength 255
   */
  readonly httpUrl?: string;
}
