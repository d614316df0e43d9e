// The network that is simulated: a server on one LAN, and two more LANs behind relays.
//
//     lan ── eth0 ┌────────┐ eth1       ┌────────┐
//     192.0.2/24  │ server ├── 10.0.0 ──┤ relay1 ├── floor1, 198.51.100/24
//                 └────────┘       └────┤ relay2 ├── floor2, 203.0.113/24
//                                       └────────┘

import { configOf, link } from '../../agent/core/server/testbed.ts';
import { formatIpv4, type Ipv4, parseIpv4 } from '../../codec/ipv4.ts';
import type { ServerConfig } from '../../crds/types/serverconfig.ts';

/** A link that clients are on. */
export interface Segment {
  readonly index: number;
  readonly name: string;
  /** Its network, as the upper 24 bits of its addresses. */
  readonly network: number;
  readonly cidr: string;
  /** The address of the relay, or of the server where there is none. */
  readonly gateway: Ipv4;
  readonly relayed: boolean;
  readonly first: Ipv4;
  readonly last: Ipv4;
}

/** The server's link to the relays, and its address there. */
export const UPLINK = 3;
export const UPSTREAM = address('10.0.0.1');
/** The server's link to clients. */
export const LAN = 2;

export const SEGMENTS: readonly Segment[] = [
  segment(0, 'lan', '192.0.2', 16, false),
  segment(1, 'floor1', '198.51.100', 20, true),
  segment(2, 'floor2', '203.0.113', 8, true),
];

export const SERVER_LINKS = [link(LAN, 'eth0', '192.0.2.1'), link(UPLINK, 'eth1', '10.0.0.1')];

/** What an administrator may change while it all runs. */
export interface Knobs {
  readonly leaseTime: string;
  readonly authoritative: boolean;
  readonly probing: boolean;
  readonly rapidCommit: boolean;
  /** Taken out of the pool of its segment. */
  readonly excluded: Ipv4 | null;
}

export const KNOBS: Knobs = {
  leaseTime: '10m',
  authoritative: true,
  probing: true,
  rapidCommit: true,
  excluded: null,
};

export const QUARANTINE = 15 * 60_000;
/** The longest that anything lasts that the server grants. */
export const LONGEST = 20 * 60_000;

/** The server's configuration for these settings. */
export function serverConfig(knobs: Knobs): ServerConfig {
  return configOf({
    leaseTime: knobs.leaseTime,
    minLeaseTime: '2m',
    maxLeaseTime: '20m',
    authoritative: knobs.authoritative,
    rapidCommit: knobs.rapidCommit,
    declineQuarantine: '15m',
    conflictDetection: {
      mode: knobs.probing ? 'Auto' : 'Off',
      timeout: '500ms',
      repeatAfter: '1m',
    },
    subnets: SEGMENTS.map((one) => ({
      cidr: one.cidr,
      pools: [
        {
          start: formatIpv4(one.first),
          end: formatIpv4(one.last),
          ...(knobs.excluded !== null && segmentOf(knobs.excluded) === one
            ? { exclude: [{ address: formatIpv4(knobs.excluded) }] }
            : {}),
        },
      ],
    })),
  });
}

/** The segment whose network an address is in; null when there is none. */
export function segmentOf(address: Ipv4): Segment | null {
  return SEGMENTS.find(({ network }) => address >>> 8 === network) ?? null;
}

/** Whether an address is in a pool. */
export function isPooled(address: Ipv4): boolean {
  const segment = segmentOf(address);
  return segment !== null && address >= segment.first && address <= segment.last;
}

function segment(
  index: number,
  name: string,
  network: string,
  size: number,
  relayed: boolean,
): Segment {
  const gateway = address(`${network}.1`);
  return {
    index,
    name,
    network: gateway >>> 8,
    cidr: `${network}.0/24`,
    gateway,
    relayed,
    first: address(`${network}.10`),
    last: address(`${network}.${9 + size}`),
  };
}

function address(text: string): Ipv4 {
  const parsed = parseIpv4(text);
  if (parsed === null) throw new Error(`${text} is no address`);
  return parsed;
}
