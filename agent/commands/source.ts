import { formatIpv4, type Ipv4 } from '../../codec/ipv4.ts';
import type { Millis } from '../../codec/machine.ts';
import { API_VERSION } from '../../crds/kinds.ts';
import type { DhcpLease } from '../../crds/types/dhcplease.ts';
import type { IntentConfig } from '../../crds/types/serverconfig.ts';
import {
  intentObject,
  type LeaseOwner,
  leaseName,
  leaseObject,
  nameIn,
  STATE_NAMES,
} from '../core/lease/object.ts';
import type { Lease, LeaseTable } from '../core/lease.ts';
import type { LeaseFilter } from './filter.ts';

/** The leases of one server, to be read: of a store that is open, or of files. */
export interface LeaseSource {
  readonly owner: LeaseOwner;
  /** What users want of single addresses. */
  readonly intents: readonly IntentConfig[];
  readonly leases: Pick<LeaseTable, 'get' | 'entries'>;
  /** The lease clock. */
  now(): Millis;
}

type Intents = readonly [IntentConfig, ...IntentConfig[]];

/** The DhcpLease of one address; null when nothing is known of it and nothing wanted. */
export function objectOf(source: LeaseSource, address: Ipv4): DhcpLease | null {
  const lease = source.leases.get(address) ?? null;
  const intents = source.intents.filter((intent) => intent.address === address);
  return combine(source, lease, isSome(intents) ? intents : null);
}

/** Stands for an address of which nothing is known any more: it has no status. */
export function bareObject({ owner }: LeaseSource, address: Ipv4): DhcpLease {
  const { namespace, name } = nameIn(owner.server);
  return {
    apiVersion: API_VERSION,
    kind: 'DhcpLease',
    metadata: {
      name: leaseName(owner.server, address),
      ...(namespace === null ? {} : { namespace }),
    },
    spec: { serverRef: { name }, address: formatIpv4(address), intent: 'Bind' },
  };
}

/**
 * The DhcpLeases that a filter lets pass, in no order. A null stands for a record that it held back: whoever goes
 * through a million of them can rest there, too.
 */
export function* objectsOf(source: LeaseSource, filter: LeaseFilter): Iterable<DhcpLease | null> {
  const { owner, leases, intents } = source;
  if (filter.server !== null && !isCalled(owner.server, filter.server)) return;
  if (filter.address !== null) {
    yield passed(objectOf(source, filter.address), filter);
    return;
  }
  const wanted = intentsByAddress(intents);
  for (const lease of leases.entries()) {
    const intent = wanted.get(lease.address) ?? null;
    const skip = intent === null && !mayPass(lease, filter);
    yield skip ? null : passed(combine(source, lease, intent), filter);
  }
  for (const [address, intent] of wanted) {
    const recorded = leases.get(address) !== undefined;
    yield recorded ? null : passed(combine(source, null, intent), filter);
  }
}

/** Whether a server is meant by a name: `namespace/name`, or the name alone in any namespace. */
export function isCalled(server: string, name: string): boolean {
  return server === name || server.endsWith(`/${name}`);
}

function combine(
  source: LeaseSource,
  lease: Lease | null,
  intents: Intents | null,
): DhcpLease | null {
  const { owner } = source;
  if (intents !== null) {
    const object = intentObject(intents, lease, owner, source.now());
    // A quarantine that is over, a pin of nobody: nothing is so, whatever was wanted.
    return object.status === undefined ? null : object;
  }
  return lease === null ? null : leaseObject(lease, owner);
}

function intentsByAddress(intents: readonly IntentConfig[]): ReadonlyMap<Ipv4, Intents> {
  const found = new Map<Ipv4, [IntentConfig, ...IntentConfig[]]>();
  for (const intent of intents) {
    const others = found.get(intent.address);
    if (others === undefined) found.set(intent.address, [intent]);
    else others.push(intent);
  }
  return found;
}

function isSome(intents: readonly IntentConfig[]): intents is Intents {
  return intents.length > 0;
}

// Spares a million objects when few are asked for.
function mayPass({ state, hardwareAddress }: Lease, { states, mac }: LeaseFilter): boolean {
  if (states !== null && !states.has(STATE_NAMES[state])) return false;
  return mac === null || Buffer.compare(mac, hardwareAddress) === 0;
}

function passed(object: DhcpLease | null, { states, mac, macText }: LeaseFilter): DhcpLease | null {
  if (object === null) return null;
  const { spec, status } = object;
  if (states !== null && (status?.state === undefined || !states.has(status.state))) return null;
  if (mac === null) return object;
  return macText === (status?.hardwareAddress ?? spec.hardwareAddress) ? object : null;
}
