import type { Ipv4, Prefix } from '../../codec/ipv4.ts';
import type { Millis, WallMillis } from '../../codec/machine.ts';

/** A DhcpServer, compiled: every default filled in, every text parsed, plain data. */
export interface ServerConfig {
  /** `namespace/name`, or the name alone. */
  readonly name: string;
  /** Globs of the links that are answered directly. */
  readonly interfaces: readonly string[];
  /** Globs that win over `interfaces`. */
  readonly exclude: readonly string[];
  readonly authoritative: boolean;
  readonly identity: 'Auto' | 'ClientId' | 'HardwareAddress';
  /** Null: whatever address the request arrived at. */
  readonly serverIdentifier: Ipv4 | null;
  readonly echoClientId: boolean;
  readonly rapidCommit: boolean;
  readonly bootp: 'Never' | 'Reserved' | 'Dynamic';
  readonly renewalPercent: number;
  readonly rebindingPercent: number;
  readonly conflictDetection: {
    readonly mode: 'Auto' | 'Arp' | 'Icmp' | 'Off';
    readonly timeout: Millis;
    readonly repeatAfter: Millis;
  };
  readonly declineQuarantine: Millis;
  readonly offerTime: Millis;
  readonly autoConfigure: 'Silent' | 'Allow' | 'Forbid';
  readonly proxyDhcp: boolean;
  readonly leaseQueryFrom: readonly Prefix[];
  /** Null: any relay may ask. */
  readonly allowedRelays: readonly Prefix[] | null;
  readonly limits: ServerLimitsConfig;
  readonly foreignServers: {
    readonly mode: 'Off' | 'Passive' | 'Probe';
    readonly interval: Millis;
    readonly known: readonly Ipv4[];
  };
  /** In order of precedence. */
  readonly classes: readonly ClassConfig[];
  readonly settings: SettingsConfig;
  readonly networks: readonly NetworkConfig[];
  /** What users want of single addresses. */
  readonly intents: readonly IntentConfig[];
}

/** Rates are messages a second; 0 is no limit everywhere. */
export interface ServerLimitsConfig {
  readonly perClient: number;
  readonly perCircuit: number;
  readonly perInterface: number;
  readonly leasesPerCircuit: number;
  readonly leasesPerHardwareAddress: number;
}

/** What one level (server, shared network, subnet, pool, class, reservation) says; null where it is silent. */
export interface SettingsConfig {
  readonly options: OptionsConfig;
  readonly boot: readonly BootConfig[] | null;
  /** Seconds. */
  readonly leaseTime: number | null;
  readonly minLeaseTime: number | null;
  readonly maxLeaseTime: number | null;
  readonly ipv6OnlyWait: number | null;
}

/** Options of one level, codes ascending. */
export interface OptionsConfig {
  readonly values: readonly OptionConfig[];
  readonly force: readonly number[];
  readonly suppress: readonly number[];
}

export interface OptionConfig {
  readonly code: number;
  readonly data: Uint8Array;
}

export interface ClassConfig {
  readonly name: string;
  /** CEL, already checked. */
  readonly match: string;
  readonly refuse: boolean;
  readonly settings: SettingsConfig;
}

/** The subnets of one link: those of a shared network, or one alone. */
export interface NetworkConfig {
  readonly name: string;
  readonly settings: SettingsConfig;
  readonly subnets: readonly SubnetConfig[];
}

export interface SubnetConfig {
  readonly name: string;
  readonly prefix: Prefix;
  readonly selectors: readonly SelectorConfig[];
  readonly pools: readonly PoolConfig[];
  readonly reservations: readonly ReservationConfig[];
  readonly settings: SettingsConfig;
}

/** All that is not null must be so. */
export interface SelectorConfig {
  readonly giaddr: Ipv4 | null;
  readonly circuitId: Uint8Array | null;
  readonly remoteId: Uint8Array | null;
  readonly vrf: string | null;
  readonly interface: string | null;
}

export interface PoolConfig {
  /** Ascending, apart from each other, exclusions taken out. */
  readonly ranges: readonly RangeConfig[];
  /** Names; empty: for all clients. */
  readonly classes: readonly string[];
  readonly settings: SettingsConfig;
}

/** Both ends belong to it. */
export interface RangeConfig {
  readonly start: Ipv4;
  readonly end: Ipv4;
}

export interface ReservationConfig {
  /** Null: settings only, the address comes from a pool. */
  readonly address: Ipv4 | null;
  readonly match: ClientMatch;
  readonly hostname: string | null;
  readonly settings: SettingsConfig;
}

/** Says which client is meant. */
export type ClientMatch =
  /** Whatever the hardware type. */
  | { readonly kind: 'hardwareAddress'; readonly octets: Uint8Array }
  /** `orTyped`: also with a type octet of 0 in front. */
  | { readonly kind: 'clientId'; readonly octets: Uint8Array; readonly orTyped: boolean }
  | { readonly kind: 'circuitId'; readonly octets: Uint8Array }
  | { readonly kind: 'remoteId'; readonly octets: Uint8Array }
  | { readonly kind: 'option'; readonly code: number; readonly octets: Uint8Array };

export interface BootConfig {
  /** Values of option 93; empty: any. */
  readonly architectures: readonly number[];
  readonly userClass: string | null;
  /** A beginning of option 60. */
  readonly vendorClass: string | null;
  readonly classes: readonly string[];
  /** Null: this server. */
  readonly nextServer: Ipv4 | null;
  readonly serverName: string | null;
  /** A file name or, with `http`, a URL. */
  readonly file: string;
  readonly http: boolean;
}

/** What a user wants of an address, by the DhcpLease called `source`. */
export type IntentConfig =
  /** Only that client gets it, in a pool or outside. */
  | {
      readonly kind: 'Reserve';
      readonly address: Ipv4;
      readonly match: ClientMatch;
      readonly hostname: string | null;
      readonly source: string;
    }
  /** Nobody gets it until then, and who holds it must let it go; milliseconds since 1970, Infinity for ever. */
  | {
      readonly kind: 'Quarantine';
      readonly address: Ipv4;
      readonly until: WallMillis;
      readonly source: string;
    }
  /** Who holds it keeps it. */
  | { readonly kind: 'Pin'; readonly address: Ipv4; readonly source: string }
  /** That client, or who holds it if none is named, must let it go, and may ask for another. */
  | {
      readonly kind: 'Revoke';
      readonly address: Ipv4;
      readonly match: ClientMatch | null;
      readonly source: string;
    };
