import { UNSPECIFIED } from '../../codec/ipv4.ts';
import type { Millis, WallMillis } from '../../codec/machine.ts';
import { INFINITE } from '../../codec/v4/header.ts';
import type { Lease } from '../core/lease.ts';
import { LeaseStore } from '../store/store.ts';
import type { PlacedLease } from './leases.ts';

/** What became of leases that were to be put into a store. */
export interface Stored {
  readonly written: number;
  /** Those that the store knows more recent things of. */
  readonly older: number;
}

/**
 * Puts leases into the store of a server that is not running, as if it had given them: durable when this resolves.
 * Throws an Error of one line when the store is in use or cannot be written to.
 */
export async function storeLeases(
  directory: string,
  placed: readonly PlacedLease[],
): Promise<Stored> {
  const store = await LeaseStore.open({ directory });
  try {
    if (store.state.kind === 'degraded') throw new Error(store.state.reason);
    let written = 0;
    const now = store.now();
    const ahead = store.wallAt(now) - now;
    for (const one of placed) {
      const lease = recordOf(one, now, ahead);
      const known = store.leases.get(lease.address);
      const heard = one.lease.lastTransaction - ahead;
      if (known !== undefined && known.lastTransaction + SECOND > heard) continue;
      // 0 is a store that has enough to write, or cannot: then this throws.
      let ticket = store.leases.put(lease);
      if (ticket === 0) {
        await store.sync();
        ticket = store.leases.put(lease);
      }
      if (ticket === 0) throw new Error(`${directory}: the lease store takes no more`);
      written++;
    }
    await store.sync();
    return { written, older: placed.length - written };
  } finally {
    await store.close();
  }
}

/** Times in the others' files are whole seconds. */
const SECOND = 1000;

function recordOf({ lease, subnet, reserved }: PlacedLease, now: Millis, ahead: Millis): Lease {
  const { address, hardwareType, hardwareAddress, clientId, hostname, fqdn } = lease;
  const { vendorClass, relayInformation } = lease;
  const at = (wall: WallMillis): Millis => wall - ahead;
  const expires = at(lease.expires);
  // 0 is what the file does not tell.
  const heard = (wall: WallMillis): Millis => (wall === 0 ? now : Math.min(at(wall), now));
  const lastTransaction = heard(lease.lastTransaction);
  const seconds = Math.round((expires - lastTransaction) / 1000);
  const isOver = lease.state === 'free' || expires <= now;
  return {
    address,
    // A client that comes back gets what it had before.
    state: isOver ? 'expired' : (lease.state as 'bound' | 'declined'),
    hardwareType,
    hardwareAddress,
    clientId,
    subnet,
    starts: heard(lease.starts),
    lastTransaction,
    expires: isOver ? Math.min(expires, now) : expires,
    leaseSeconds: Math.min(Math.max(seconds, 0), INFINITE),
    serverIdentifier: UNSPECIFIED,
    giaddr: UNSPECIFIED,
    relayInformation,
    interfaceName: null,
    hostname,
    fqdn,
    vendorClass,
    userClass: null,
    architecture: null,
    epoch: 0,
    reserved,
    bootp: false,
  };
}
