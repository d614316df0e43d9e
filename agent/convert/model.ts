import type { Ipv4, Prefix } from '../../codec/ipv4.ts';
import type { WallMillis } from '../../codec/machine.ts';
import type { Condition } from './condition.ts';
import type { Place } from './report.ts';

// What the other servers' files say, in terms that all of them have in common. It is filled in while a file is read
// and written out as manifests afterwards.

/** What to boot at one level. Absent: as the next level out says. */
export interface Boot {
  file?: string;
  /** 0.0.0.0 is this server. */
  nextServer?: Ipv4;
  serverName?: string;
}

/** What to boot for some clients of a level; the first that holds counts, before the level's own. */
export interface BootCase extends Boot {
  readonly when: Condition;
  readonly place: Place;
}

/** What any level may say. Times are in seconds. */
export interface Level {
  readonly options: Map<number, Uint8Array>;
  readonly force: Set<number>;
  readonly suppress: Set<number>;
  readonly boot: Boot;
  readonly bootCases: BootCase[];
  leaseTime?: number;
  minLeaseTime?: number;
  maxLeaseTime?: number;
  ipv6OnlyWait?: number;
  /** T1 and T2, which the new server tells in percent of the lease, once for all. */
  renewalTime?: { readonly seconds: number; readonly place: Place };
  rebindingTime?: { readonly seconds: number; readonly place: Place };
}

/** A level that says nothing. */
export function newLevel(): Level {
  return { options: new Map(), force: new Set(), suppress: new Set(), boot: {}, bootCases: [] };
}

/** Both ends belong to it. */
export interface Range {
  readonly start: Ipv4;
  readonly end: Ipv4;
}

/** Addresses to give, for those clients only whom `permits` lets in. */
export interface Pool {
  readonly place: Place;
  readonly level: Level;
  readonly ranges: Range[];
  /** All of these are to be met; empty: everybody. */
  readonly permits: Permit[];
}

/** Clients in any of `allow`, if there are such, and in none of `deny`. */
export interface Permit {
  readonly allow: readonly Condition[];
  readonly deny: readonly Condition[];
}

/** Who a reservation is for. */
export type Client =
  | { readonly kind: 'hardwareAddress'; readonly octets: Uint8Array }
  | { readonly kind: 'clientId'; readonly octets: Uint8Array; readonly isText: boolean }
  | { readonly kind: 'circuitId' | 'remoteId'; readonly octets: Uint8Array }
  | { readonly kind: 'option'; readonly code: number; readonly octets: Uint8Array };

/** An address, a name or settings for one client. */
export interface Reservation {
  readonly place: Place;
  /** In the words of the file, such as `host printer`. */
  readonly what: string;
  readonly client: Client;
  readonly address: Ipv4 | null;
  readonly hostname: string | null;
  readonly level: Level;
}

/** Says that requests belong to a subnet, whatever its addresses say. */
export interface Selector {
  readonly giaddr?: Ipv4;
  readonly interface?: string;
}

export interface Subnet {
  readonly place: Place;
  readonly prefix: Prefix;
  name: string | null;
  sharedNetwork: string | null;
  readonly selectors: Selector[];
  readonly pools: Pool[];
  readonly reservations: Reservation[];
  readonly level: Level;
}

export interface SharedNetwork {
  readonly place: Place;
  readonly name: string;
  readonly level: Level;
}

/** A group of clients. */
export interface Class {
  readonly place: Place;
  readonly name: string;
  /** Any of these: long lists of clients are told in several classes. */
  readonly when: Condition;
  readonly refuse: boolean;
  readonly level: Level;
}

/** What becomes the fields of `spec` that hold for the whole server. */
export interface Switches {
  authoritative?: boolean;
  identity?: 'HardwareAddress';
  serverIdentifier?: Ipv4;
  echoClientId?: false;
  rapidCommit?: true;
  bootp?: 'Reserved' | 'Dynamic';
  renewalPercent?: number;
  rebindingPercent?: number;
  proxyDhcp?: true;
  /** Milliseconds. */
  pingTimeout?: number;
  pingOff?: true;
  /** Seconds. */
  declineQuarantine?: number;
  offerTime?: number;
  leasesPerCircuit?: number;
  leaseQueryFrom?: Prefix[];
}

/** A server, as one of the other programs was told to be one. */
export interface ServerModel {
  readonly switches: Switches;
  readonly interfaces: string[];
  /** Where the file says that there are none. */
  noInterfaces?: Place;
  readonly excludeInterfaces: string[];
  readonly level: Level;
  readonly classes: Class[];
  readonly sharedNetworks: SharedNetwork[];
  readonly subnets: Subnet[];
  /** Reservations that hold wherever their client is; those with an address go to its subnet. */
  readonly reservations: Reservation[];
}

/** A server that serves nothing. */
export function newServer(): ServerModel {
  return {
    switches: {},
    interfaces: [],
    excludeInterfaces: [],
    level: newLevel(),
    classes: [],
    sharedNetworks: [],
    subnets: [],
    reservations: [],
  };
}

/** A lease as another server's file has it. */
export interface ImportedLease {
  readonly place: Place;
  readonly address: Ipv4;
  readonly state: 'bound' | 'declined' | 'free';
  readonly hardwareType: number;
  /** Empty when the file does not tell. */
  readonly hardwareAddress: Uint8Array;
  readonly clientId: Uint8Array | null;
  /** These two are 0 when the file does not tell. */
  readonly starts: WallMillis;
  readonly lastTransaction: WallMillis;
  /** Infinity is never. */
  readonly expires: WallMillis;
  readonly hostname: string | null;
  readonly fqdn: string | null;
  readonly vendorClass: Uint8Array | null;
  /** Option 82 as the relay sent it. */
  readonly relayInformation: Uint8Array | null;
}
