import { Counter, collectDefaultMetrics, Gauge, type MetricObject, Registry } from 'prom-client';
import { ROUND_TRIP_BOUNDS } from './core/relay/counters.ts';
import type { RelayRole } from './roles/relay.ts';
import { registerServerMetrics } from './roles/server/metrics.ts';
import type { ServerRole } from './roles/server.ts';

/** What metrics are read from, at the moment of a scrape. */
export interface MetricSources {
  relays(): Iterable<readonly [name: string, role: RelayRole]>;
  servers(): Iterable<readonly [name: string, role: ServerRole]>;
  /** How many configurations have been applied. */
  generation(): number;
  /** How many objects are left out, or kept as they were, because of problems. */
  rejectedObjects(): number;
}

/**
 * A registry whose metrics are copied from plain counters when they are scraped, so that the packet path pays nothing
 * for labels.
 */
export function agentRegistry(sources: MetricSources): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  relayMessages(registry, sources);
  relayTroubles(registry, sources);
  kernelPackets(registry, sources);
  registerServerMetrics(registry, () => sources.servers());
  // Registries print whatever has a `get` and a name; prom-client's own histogram can only observe one by one.
  registry.registerMetric(new RoundTripHistogram(sources) as never);
  new Gauge({
    name: 'dhcp_config_generation',
    help: 'Configurations applied since the start.',
    registers: [registry],
    collect() {
      this.set(sources.generation());
    },
  });
  new Gauge({
    name: 'dhcp_config_rejected_objects',
    help: 'Objects whose newest manifest has problems: left out, or running as last accepted.',
    registers: [registry],
    collect() {
      this.set(sources.rejectedObjects());
    },
  });
  return registry;
}

function relayMessages(registry: Registry, sources: MetricSources): void {
  new Counter({
    name: 'dhcp_relay_messages_total',
    help: 'Messages relayed, by type; requests go to servers, replies to clients.',
    labelNames: ['relay', 'interface', 'direction', 'type'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [relay, role] of sources.relays()) {
        role.counters.eachMessage((direction, ifname, type, n) =>
          this.inc({ relay, interface: ifname, direction, type }, n),
        );
      }
    },
  });
}

function relayTroubles(registry: Registry, sources: MetricSources): void {
  new Counter({
    name: 'dhcp_relay_drops_total',
    help: 'Packets that went no further, by reason.',
    labelNames: ['relay', 'reason'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [relay, role] of sources.relays()) {
        for (const [reason, n] of role.counters.drops) this.inc({ relay, reason }, n);
      }
    },
  });
  new Counter({
    name: 'dhcp_relay_send_errors_total',
    help: 'Packets that the kernel refused to send, by errno.',
    labelNames: ['relay', 'errno'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [relay, role] of sources.relays()) {
        for (const [errno, n] of role.counters.sendErrors) this.inc({ relay, errno }, n);
      }
    },
  });
  new Counter({
    name: 'dhcp_relay_information_omitted_total',
    help: 'Requests sent on without option 82 because it did not fit (RFC 3046 section 2.1).',
    labelNames: ['relay'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [relay, role] of sources.relays()) {
        this.inc({ relay }, role.counters.informationsOmitted);
      }
    },
  });
}

function kernelPackets(registry: Registry, sources: MetricSources): void {
  new Counter({
    name: 'dhcp_relay_kernel_packets_total',
    help: 'Packets that passed the filter, by whether there was room for them in the ring that we read.',
    labelNames: ['relay', 'result'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [relay, role] of sources.relays()) {
        const { received, dropped } = role.statistics();
        this.inc({ relay, result: 'received' }, received);
        this.inc({ relay, result: 'dropped' }, dropped);
      }
    },
  });
}

class RoundTripHistogram {
  readonly name = 'dhcp_relay_round_trip_seconds';
  readonly help = 'Time between a request relayed and a reply to it.';
  readonly type = 'histogram';
  readonly aggregator = 'sum';
  private readonly sources: MetricSources;

  constructor(sources: MetricSources) {
    this.sources = sources;
  }

  async get(): Promise<MetricObject & { values: object[] }> {
    const values: object[] = [];
    for (const [relay, role] of this.sources.relays()) {
      role.counters.eachRoundTrip((server, trips) => {
        const add = (suffix: string, value: number, labels: object): void => {
          values.push({
            metricName: this.name + suffix,
            value,
            labels: { relay, server, ...labels },
          });
        };
        let below = 0;
        trips.counts.forEach((n, bucket) => {
          below += n;
          const bound = ROUND_TRIP_BOUNDS[bucket];
          add('_bucket', below, { le: bound === undefined ? '+Inf' : bound / 1000 });
        });
        add('_sum', trips.sum / 1000, {});
        add('_count', below, {});
      });
    }
    return {
      name: this.name,
      help: this.help,
      type: this.type as never,
      aggregator: this.aggregator,
      values,
      collect: () => {},
    } as never;
  }

  /** Nothing to forget: the counters belong to the roles. */
  reset(): void {}
}
