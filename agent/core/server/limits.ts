import { DHCPLEASEQUERY } from '../../../codec/v4/header.ts';
import type { ServerLimitsConfig } from '../../../crds/types/serverconfig.ts';
import { RateLimit } from '../limit.ts';
import type { ServerDrop } from './drops.ts';
import type { Request } from './request.ts';

/** A client behind a broken driver may repeat itself at once; this many messages in a row are no attack. */
const CLIENT_BURST = 10;
/** Half a megabyte each; two in 65,536 share a bucket. */
const BUCKETS = 1 << 16;
const INTERFACE_BUCKETS = 1 << 12;
/** Bursts of so many seconds: what powers up together is spread by its clients' own back-off. */
const BURST_SECONDS = 0.1;
const BURST_MIN = 64;

/** How often clients, circuits and interfaces may ask. */
export class Limits {
  private config: ServerLimitsConfig | null = null;
  private clients: RateLimit | null = null;
  private circuits: RateLimit | null = null;
  private interfaces: RateLimit | null = null;

  /** Takes new rates; buckets of those that stay are kept. */
  configure(config: ServerLimitsConfig): void {
    const { config: old } = this;
    if (old?.perClient !== config.perClient) {
      const burst = Math.max(CLIENT_BURST, config.perClient);
      this.clients =
        config.perClient === 0 ? null : new RateLimit(config.perClient, burst, BUCKETS);
    }
    if (old?.perCircuit !== config.perCircuit) this.circuits = shared(config.perCircuit, BUCKETS);
    if (old?.perInterface !== config.perInterface) {
      this.interfaces = shared(config.perInterface, INTERFACE_BUCKETS);
    }
    this.config = config;
  }

  /** Takes a token for a request everywhere it needs one, or says where there is none. */
  take(request: Request): ServerDrop | null {
    const { clients, circuits, interfaces } = this;
    const { now, ifindex } = request;
    if (interfaces !== null && !interfaces.take(now, ifindex)) return 'interfaceRate';
    if (circuits !== null) {
      const circuit = request.circuitHash();
      if (circuit !== 0 && !circuits.take(now, circuit)) return 'circuitRate';
    }
    // RFC 4388 §7: a relay that has lost its state asks for all of its clients, and who may ask is configured.
    if (clients === null || request.type === DHCPLEASEQUERY) return null;
    return clients.take(now, request.clientHash()) ? null : 'clientRate';
  }
}

function shared(rate: number, buckets: number): RateLimit | null {
  return rate === 0
    ? null
    : new RateLimit(rate, Math.max(BURST_MIN, rate * BURST_SECONDS), buckets);
}
