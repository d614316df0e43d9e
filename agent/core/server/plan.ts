import { contains, type Ipv4, type Prefix } from '../../../codec/ipv4.ts';
import type { Millis } from '../../../codec/machine.ts';
import type {
  ClientMatch,
  IntentConfig,
  NetworkConfig,
  PoolConfig,
  ReservationConfig,
  SelectorConfig,
  ServerConfig,
  SettingsConfig,
  SubnetConfig,
} from '../../../crds/types/serverconfig.ts';
import type { LeaseTable } from '../lease.ts';
import { Aged } from './aged.ts';
import { Classes } from './classes.ts';
import type { Offers } from './offers.ts';
import { Pool } from './pool.ts';
import { type Reservation, Reservations } from './reservations.ts';
import { type ReservedSettings, Scope } from './settings.ts';

/** The subnets that clients of one link may get addresses of. */
export interface Network {
  readonly name: string;
  readonly subnets: readonly Subnet[];
  readonly reservations: Reservations;
}

export interface Subnet {
  readonly name: string;
  readonly prefix: Prefix;
  readonly config: SubnetConfig;
  readonly network: Network;
  readonly pools: readonly ServerPool[];
  /** For what is not given out of a pool. */
  readonly scope: Scope;
}

export interface ServerPool {
  readonly subnet: Subnet;
  readonly addresses: Pool;
  /** Addresses that clients have left. */
  readonly aged: Aged;
  /** Names of the classes that it is for; empty: for all. */
  readonly classes: readonly string[];
  readonly scope: Scope;
}

/** A subnet, and which requests belong to it. */
export interface SelectedSubnet {
  readonly selector: SelectorConfig;
  readonly subnet: Subnet;
}

/** A configuration, made ready to be asked. */
export class ServerPlan {
  readonly config: ServerConfig;
  readonly classes: Classes;
  readonly networks: readonly Network[];
  /** All of them, by ascending address. */
  readonly subnets: readonly Subnet[];
  /** Reservations by their address. */
  readonly reserved: ReadonlyMap<Ipv4, Reservation>;
  /** Addresses that a user has taken out of use, and until when. */
  readonly quarantined: Map<Ipv4, Millis>;
  /** Clients that a user has told to let an address go. */
  readonly revoked: ReadonlyMap<Ipv4, ClientMatch>;
  /** What says which requests belong to a subnet apart from addresses in it: by giaddr, and without one. */
  readonly selectorsByGiaddr: ReadonlyMap<Ipv4, readonly SelectedSubnet[]>;
  readonly selectors: readonly SelectedSubnet[];
  private settingsCount = 0;

  /** `leases` tells which addresses of the pools are taken; `before` is asked first, as most edits leave pools alone. */
  constructor(config: ServerConfig, leases: LeaseTable, before: ServerPlan | null) {
    this.config = config;
    const unchanged = before !== null && samePools(before.config, config);
    const kept = unchanged ? before.pools() : [];
    this.classes = new Classes(config.classes);
    const reserved = new Map<Ipv4, Reservation>();
    this.reserved = reserved;
    this.networks = config.networks.map((network) => this.network(network, leases, reserved, kept));
    this.subnets = this.networks
      .flatMap(({ subnets }) => subnets)
      .sort((a, b) => a.prefix.address - b.prefix.address);
    this.quarantined = new Map();
    const revoked = new Map<Ipv4, ClientMatch>();
    this.revoked = revoked;
    const selected = this.subnets.flatMap((subnet) =>
      subnet.config.selectors.map((selector) => ({ selector, subnet })),
    );
    this.selectors = selected.filter(({ selector }) => selector.giaddr === null);
    this.selectorsByGiaddr = Map.groupBy(
      selected.filter(({ selector }) => selector.giaddr !== null),
      ({ selector }) => selector.giaddr!,
    );
    for (const intent of config.intents) this.follow(intent, leases, reserved, revoked);
    if (!unchanged) this.fill(leases);
  }

  pools(): ServerPool[] {
    return this.networks.flatMap(({ subnets }) => subnets.flatMap(({ pools }) => pools));
  }

  /** Takes an address out of its pool, if it is in one. */
  take(address: Ipv4): void {
    const subnet = this.subnetOf(address);
    if (subnet !== null) this.poolOf(address, subnet)?.addresses.take(address);
  }

  /** The subnet that an address is in. */
  subnetOf(address: Ipv4): Subnet | null {
    const { subnets } = this;
    let low = 0;
    let high = subnets.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const subnet = subnets[middle]!;
      if (address < subnet.prefix.address) high = middle - 1;
      else if (contains(subnet.prefix, address)) return subnet;
      else low = middle + 1;
    }
    return null;
  }

  /** The pool that an address is in, also when it is reserved or taken. */
  poolOf(address: Ipv4, subnet: Subnet): ServerPool | null {
    for (const pool of subnet.pools) if (pool.addresses.has(address)) return pool;
    return null;
  }

  /** Ends the quarantines whose time is up. `leases` and `offers` tell which addresses are free then. */
  endQuarantines(now: Millis, leases: LeaseTable, offers: Offers): void {
    for (const [address, until] of this.quarantined) {
      if (until > now) continue;
      this.quarantined.delete(address);
      const state = leases.stateOf(address);
      // An offered address goes back to its pool when the offer ends.
      if (offers.ofAddress(address) !== null) continue;
      if (state === 'free') this.freed(address);
      else if (state !== 'bound') this.left(address, leases.expiresOf(address));
    }
  }

  /** When the first quarantine ends; Infinity when none does. */
  quarantineEnd(): Millis {
    let first = Number.POSITIVE_INFINITY;
    for (const until of this.quarantined.values()) first = Math.min(first, until);
    return first;
  }

  /** Nobody has a record of the address any more. */
  freed(address: Ipv4): void {
    if (this.reserved.has(address) || this.quarantined.has(address)) return;
    const subnet = this.subnetOf(address);
    if (subnet !== null) this.poolOf(address, subnet)?.addresses.give(address);
  }

  /** A client has left the address, which stays recorded as its. */
  left(address: Ipv4, at: number): void {
    if (this.reserved.has(address) || this.quarantined.has(address)) return;
    const subnet = this.subnetOf(address);
    if (subnet !== null) this.poolOf(address, subnet)?.aged.push(address, at);
  }

  private network(
    config: NetworkConfig,
    leases: LeaseTable,
    reserved: Map<Ipv4, Reservation>,
    kept: ServerPool[],
  ): Network {
    const subnets: Subnet[] = [];
    const network: Network = { name: config.name, subnets, reservations: new Reservations() };
    for (const subnetConfig of config.subnets) {
      const levels = [subnetConfig.settings, config.settings, this.config.settings];
      const { prefix } = subnetConfig;
      const pools: ServerPool[] = [];
      const subnet: Subnet = {
        name: subnetConfig.name,
        prefix,
        config: subnetConfig,
        network,
        pools,
        scope: new Scope(levels, prefix),
      };
      for (const pool of subnetConfig.pools) {
        pools.push(serverPool(pool, subnet, levels, kept.shift() ?? freshPool(pool, leases)));
      }
      for (const entry of subnetConfig.reservations) {
        const settings = this.reservedSettings(entry);
        const { address, match } = entry;
        const reservation: Reservation = { subnet, address, match, settings };
        network.reservations.add(reservation);
        if (address !== null) reserved.set(address, reservation);
      }
      subnets.push(subnet);
    }
    return network;
  }

  private reservedSettings({ hostname, settings }: ReservationConfig): ReservedSettings | null {
    if (hostname === null && saysNothing(settings)) return null;
    return { id: ++this.settingsCount, hostname, settings };
  }

  private follow(
    intent: IntentConfig,
    leases: LeaseTable,
    reserved: Map<Ipv4, Reservation>,
    revoked: Map<Ipv4, ClientMatch>,
  ): void {
    const { address } = intent;
    switch (intent.kind) {
      case 'Quarantine':
        this.quarantined.set(address, intent.until);
        return;
      case 'Revoke': {
        const match = intent.match ?? holderOf(address, leases);
        if (match !== null) revoked.set(address, match);
        return;
      }
      case 'Pin': {
        // A pin is a reservation for whoever has the address now.
        const match = holderOf(address, leases);
        if (match !== null) this.reserve(address, match, null, reserved);
        return;
      }
      case 'Reserve':
        this.reserve(address, intent.match, intent.hostname, reserved);
    }
  }

  // What the DhcpServer itself says of an address comes first.
  private reserve(
    address: Ipv4,
    match: ClientMatch,
    hostname: string | null,
    reserved: Map<Ipv4, Reservation>,
  ): void {
    const subnet = this.subnetOf(address);
    if (subnet === null || reserved.has(address)) return;
    const settings =
      hostname === null ? null : { id: ++this.settingsCount, hostname, settings: NO_SETTINGS };
    const reservation: Reservation = { subnet, address, match, settings };
    subnet.network.reservations.add(reservation);
    reserved.set(address, reservation);
  }

  private fill(leases: LeaseTable): void {
    for (const address of [...this.reserved.keys(), ...this.quarantined.keys()]) this.take(address);
    const left: { readonly address: Ipv4; readonly expires: number }[] = [];
    for (const { address, state, expires } of leases.entries()) {
      this.take(address);
      if (state === 'released' || state === 'expired') left.push({ address, expires });
    }
    left.sort((a, b) => a.expires - b.expires);
    for (const { address, expires } of left) this.left(address, expires);
  }
}

function serverPool(
  config: PoolConfig,
  subnet: Subnet,
  levels: readonly SettingsConfig[],
  { addresses, aged }: Pick<ServerPool, 'addresses' | 'aged'>,
): ServerPool {
  const scope = new Scope([config.settings, ...levels], subnet.prefix);
  return { subnet, addresses, aged, classes: config.classes, scope };
}

function freshPool(config: PoolConfig, leases: LeaseTable): Pick<ServerPool, 'addresses' | 'aged'> {
  const addresses = new Pool(config.ranges);
  const isCurrent = (address: Ipv4, at: number): boolean => {
    const state = leases.stateOf(address);
    return (state === 'released' || state === 'expired') && leases.expiresOf(address) === at;
  };
  return { addresses, aged: new Aged(addresses.size, isCurrent) };
}

/** Whether both have the same addresses to give, in the same order of pools. */
function samePools(some: ServerConfig, other: ServerConfig): boolean {
  return addressesIn(some) === addressesIn(other);
}

function addressesIn({ networks, intents }: ServerConfig): string {
  const subnets = networks.flatMap((network) => network.subnets);
  return JSON.stringify([
    subnets.map(({ prefix, pools }) => [prefix, pools.map(({ ranges }) => ranges)]),
    subnets.map(({ reservations }) => reservations.map(({ address }) => address)),
    intents.map(({ kind, address }) => [kind, address]),
  ]);
}

const NO_SETTINGS: SettingsConfig = {
  options: { values: [], force: [], suppress: [] },
  boot: null,
  leaseTime: null,
  minLeaseTime: null,
  maxLeaseTime: null,
  ipv6OnlyWait: null,
};

/** Who an address is recorded for. */
function holderOf(address: Ipv4, leases: LeaseTable): ClientMatch | null {
  const lease = leases.get(address);
  if (lease === undefined) return null;
  if (lease.clientId !== null) {
    return { kind: 'clientId', octets: lease.clientId, orTyped: false };
  }
  const { hardwareAddress: octets } = lease;
  return octets.length === 0 ? null : { kind: 'hardwareAddress', octets };
}

function saysNothing(settings: SettingsConfig): boolean {
  const { options, boot, leaseTime, minLeaseTime, maxLeaseTime, ipv6OnlyWait } = settings;
  return (
    options.values.length + options.force.length + options.suppress.length === 0 &&
    boot === null &&
    leaseTime === null &&
    minLeaseTime === null &&
    maxLeaseTime === null &&
    ipv6OnlyWait === null
  );
}
