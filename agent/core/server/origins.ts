import { formatIpv4 } from '../../../codec/ipv4.ts';
import type { SettingsConfig } from '../../../crds/types/serverconfig.ts';
import type { ServerPool, Subnet } from './plan.ts';
import { OPTION } from './request.ts';
import type { ServerState } from './state.ts';

/** A place in a DhcpServer that says something of what a client gets. */
export interface Level {
  /** For people: `subnet lab`, `class phones`, `server`. */
  readonly name: string;
  readonly settings: SettingsConfig;
  /** Of a reservation: what the client is called. */
  readonly hostname: string | null;
}

/** The levels that hold for a client with an address of this pool, or of the subnet outside its pools; the nearest first. */
export function levelsFor(
  { plan, client }: ServerState,
  subnet: Subnet,
  pool: ServerPool | null,
): Level[] {
  const { reservation, classes } = client;
  const { config } = plan;
  const level = (name: string, settings: SettingsConfig): Level[] => [
    { name, settings, hostname: null },
  ];
  const reserved = reservation?.settings ?? null;
  const shared = config.networks.find(({ name }) => name === subnet.network.name);
  const inPool = pool === null ? null : subnet.config.pools[subnet.pools.indexOf(pool)]!;
  return [
    ...(reserved === null ? [] : [{ name: 'reservation', ...reserved }]),
    ...classes.names.flatMap((name, i) => level(`class ${name}`, classes.settings[i]!)),
    ...(inPool === null ? [] : level(poolName(inPool.ranges), inPool.settings)),
    ...level(`subnet ${subnet.name}`, subnet.config.settings),
    ...(shared === undefined ? [] : level(`shared network ${shared.name}`, shared.settings)),
    ...level('server', config.settings),
  ];
}

/** Where an option that is sent comes from. */
export function optionOrigin(levels: readonly Level[], code: number): string {
  if (code === OPTION.ipv6OnlyPreferred) {
    const wait = levels.find(({ settings }) => settings.ipv6OnlyWait !== null);
    if (wait !== undefined) return wait.name;
  }
  const named = levels.find(({ hostname }) => hostname !== null);
  if (code === OPTION.hostName && named !== undefined) return named.name;
  const says = levels.find(({ settings }) =>
    settings.options.values.some((option) => option.code === code),
  );
  if (says !== undefined) return says.name;
  if (code === OPTION.microsoftClasslessStaticRoutes) {
    return `${optionOrigin(levels, OPTION.classlessStaticRoutes)}, as option 121`;
  }
  return "the subnet's cidr";
}

/** Where the lease time comes from that is given unasked. */
export function leaseTimeOrigin(levels: readonly Level[]): string {
  return levels.find(({ settings }) => settings.leaseTime !== null)?.name ?? 'default';
}

function poolName(ranges: SettingsRanges): string {
  const [first] = ranges;
  const last = ranges.at(-1);
  if (first === undefined || last === undefined) return 'pool';
  return `pool ${formatIpv4(first.start)} to ${formatIpv4(last.end)}`;
}

type SettingsRanges = Subnet['config']['pools'][number]['ranges'];
