import type { Logger } from 'pino';
import { formatHardwareAddress } from '../../../codec/hardware.ts';
import { formatIpv4, type Ipv4 } from '../../../codec/ipv4.ts';
import type { Lease } from '../../core/lease.ts';
import { ServerCounters } from '../../core/server/counters.ts';

/** Conflicts, declines and clones come in storms when a network is broken; a line of each kind in so long says it too. */
const QUIET_MILLIS = 1_000;

/** Counts what a server does, and writes down what somebody may have to mend. */
export class ServerEvents extends ServerCounters {
  private readonly log: Logger;
  private readonly now: () => number;
  private readonly onLease: (lease: Lease) => void;
  private readonly saidAt = new Map<string, number>();
  private readonly unsaid = new Map<string, number>();

  constructor(log: Logger, now: () => number, onLease: (lease: Lease) => void) {
    super();
    this.log = log;
    this.now = now;
    this.onLease = onLease;
  }

  override lease(lease: Lease): void {
    super.lease(lease);
    this.onLease(lease);
  }

  override conflict(address: Ipv4, hardwareAddress: Uint8Array | null): void {
    super.conflict(address, hardwareAddress);
    this.warn('conflict', 'somebody who did not get it here uses an address of a pool', {
      address: formatIpv4(address),
      ...(hardwareAddress === null ? {} : { usedBy: formatHardwareAddress(hardwareAddress) }),
    });
  }

  override declined(address: Ipv4, hardwareAddress: Uint8Array): void {
    super.declined(address, hardwareAddress);
    this.warn('declined', 'a client found its address in use; it is out of use for a while', {
      address: formatIpv4(address),
      client: formatHardwareAddress(hardwareAddress),
    });
  }

  override clone(clientId: Uint8Array, hardwareAddress: Uint8Array): void {
    super.clone(clientId, hardwareAddress);
    this.warn(
      'clone',
      'several machines use one client identifier; each gets an address of its own',
      {
        clientId: formatHardwareAddress(clientId),
        oneOfThem: formatHardwareAddress(hardwareAddress),
      },
    );
  }

  override foreignServer(server: Ipv4, interfaceName: string): void {
    const known = this.foreignServers.size;
    super.foreignServer(server, interfaceName);
    // One that was heard before, or one more than are told of.
    if (this.foreignServers.size === known) return;
    this.warn(
      `foreign ${server}`,
      'another DHCP server answers here; name it in foreignServers.known if it should',
      {
        server: formatIpv4(server),
        interface: interfaceName,
      },
    );
  }

  private warn(kind: string, message: string, facts: object): void {
    const now = this.now();
    if (now - (this.saidAt.get(kind) ?? Number.NEGATIVE_INFINITY) < QUIET_MILLIS) {
      this.unsaid.set(kind, (this.unsaid.get(kind) ?? 0) + 1);
      return;
    }
    const notShown = this.unsaid.get(kind);
    this.saidAt.set(kind, now);
    this.unsaid.delete(kind);
    this.log.warn({ ...facts, ...(notShown === undefined ? {} : { notShown }) }, message);
  }
}
