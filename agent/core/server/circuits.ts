import type { Ipv4 } from '../../../codec/ipv4.ts';
import { SUB_OPTION, subOptionAt } from '../../../codec/v4/relayinfo.ts';
import type { Lease, LeaseTable } from '../lease.ts';
import type { Request } from './request.ts';

/** Counts the addresses that each circuit of each relay holds; keeps nothing while there is no limit. */
export class Circuits {
  private limit = 0;
  private readonly counts = new Map<string, number>();
  private readonly holders = new Map<Ipv4, string>();

  /** Takes a limit, 0 for none; the leases that are held already count. */
  configure(limit: number, leases: LeaseTable): void {
    const before = this.limit;
    this.limit = limit;
    if (limit > 0 === before > 0) return;
    this.counts.clear();
    this.holders.clear();
    if (limit > 0) for (const lease of leases.entries()) this.note(lease);
  }

  /** A lease has changed. */
  note(lease: Lease): void {
    if (this.limit === 0) return;
    const { address, state, giaddr, relayInformation } = lease;
    const key = state === 'bound' ? keyOf(relayInformation, giaddr) : null;
    const before = this.holders.get(address) ?? null;
    if (before === key) return;
    if (before !== null) this.add(before, -1);
    if (key === null) {
      this.holders.delete(address);
    } else {
      this.holders.set(address, key);
      this.add(key, 1);
    }
  }

  /** Whether the circuit that a request came from holds all it may. */
  isFull(request: Request): boolean {
    if (this.limit === 0 || request.relayLength === 0) return false;
    const { relayBytes, relayAt, relayLength, giaddr } = request;
    const key = keyOf(relayBytes.subarray(relayAt, relayAt + relayLength), giaddr);
    return key !== null && (this.counts.get(key) ?? 0) >= this.limit;
  }

  private add(key: string, change: number): void {
    const count = (this.counts.get(key) ?? 0) + change;
    if (count === 0) this.counts.delete(key);
    else this.counts.set(key, count);
  }
}

// RFC 3046 §3.1: a circuit-id is unique within its relay only.
function keyOf(relayInformation: Uint8Array | null, giaddr: Ipv4): string | null {
  if (relayInformation === null) return null;
  const at = subOptionAt(relayInformation, 0, relayInformation.length, SUB_OPTION.circuitId);
  if (at < 0) return null;
  const circuit = relayInformation.subarray(at + 2, at + 2 + relayInformation[at + 1]!);
  return `${giaddr} ${String.fromCharCode(...circuit)}`;
}
