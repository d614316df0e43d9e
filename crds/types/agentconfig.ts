import type { Ipv4, Prefix } from '../../codec/ipv4.ts';
import type { ServerConfig } from './serverconfig.ts';

/** What `compile` makes of manifests and an agent runs: every default filled in, every text parsed. */
export interface AgentConfig {
  readonly relays: readonly RelayConfig[];
  readonly servers: readonly ServerConfig[];
}

/** A DhcpRelay, compiled. */
export interface RelayConfig {
  /** `namespace/name`, or the name alone. */
  readonly name: string;
  /** In order; the first that matches a link counts. */
  readonly interfaces: readonly RelayInterfaceConfig[];
  /** Globs that win over `interfaces`. */
  readonly exclude: readonly string[];
  /** Networks that replies may come from besides the upstreams' own addresses. */
  readonly replySources: readonly Prefix[];
  readonly maxHops: number;
  /** Octets of DHCP message, UDP header not counted. */
  readonly maxMessageSize: number;
  readonly sourcePort: number;
  readonly upstreamDevice: string | null;
  /** Requests a second; 0 is no limit. */
  readonly rateLimit: { readonly perClient: number; readonly perInterface: number };
}

export interface RelayInterfaceConfig {
  readonly match: string;
  readonly giaddr: 'Auto' | Ipv4;
  readonly trusted: boolean;
  readonly upstreams: readonly UpstreamConfig[];
  readonly relayInformation: RelayInformationConfig;
}

/** Exactly one of the two is there; references have been resolved to addresses before. */
export type UpstreamConfig =
  | { readonly kind: 'address'; readonly address: Ipv4 }
  | { readonly kind: 'hostname'; readonly hostname: string };

export interface RelayInformationConfig {
  readonly mode: 'Auto' | 'Always' | 'Never';
  readonly existing: 'Forward' | 'Append' | 'Replace' | 'Discard';
  readonly circuitId: Template;
  readonly remoteId: Template | null;
  readonly subscriberId: Template | null;
  /** A DUID; `Auto` is derived from the node's name (RFC 8415 §11.3). */
  readonly relayId: Uint8Array | 'Auto' | null;
  readonly linkSelection: 'Auto' | 'Always' | 'Never';
  readonly serverIdOverride: boolean;
  /** The value of sub-option 151: type octet and data (RFC 6607 §3.4). */
  readonly virtualSubnet: Uint8Array | null;
  /** Whether a sub-option other than the default circuit-id was asked for, which `mode: Auto` takes as a wish for option 82. */
  readonly wanted: boolean;
}

/** Literal octets and places to fill from the link. */
export type Template = readonly TemplatePart[];

export type TemplatePart =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'field'; readonly field: TemplateField };

export type TemplateField = 'interface' | 'vlan' | 'mac' | 'address' | 'node' | 'relay';
