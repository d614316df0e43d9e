import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Controller } from './controller.ts';

/** What is measured. */
export interface Measured {
  readonly controller: Pick<Controller, 'objects' | 'backlog' | 'writes' | 'eachCondition'>;
  /** Requests to the API server so far. */
  requests(): number;
  isLeader(): boolean;
}

/** The metrics of the operator. */
export function operatorRegistry({ controller, requests, isLeader }: Measured): Registry {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: 'dhcp_operator_leader',
    help: 'Whether this replica acts.',
    registers,
    collect() {
      this.set(isLeader() ? 1 : 0);
    },
  });
  new Gauge({
    name: 'dhcp_operator_objects',
    help: 'Objects, by kind.',
    labelNames: ['kind'],
    registers,
    collect() {
      for (const [kind, count] of Object.entries(controller.objects)) this.set({ kind }, count);
    },
  });
  new Gauge({
    name: 'dhcp_operator_condition',
    help: 'Whether a condition of a DhcpServer or DhcpRelay is True; every replica knows.',
    labelNames: ['kind', 'object', 'type'],
    registers,
    collect() {
      this.reset();
      controller.eachCondition((kind, object, type, isTrue) =>
        this.set({ kind, object, type }, isTrue ? 1 : 0),
      );
    },
  });
  new Gauge({
    name: 'dhcp_operator_backlog',
    help: 'Objects that have yet to be looked at.',
    registers,
    collect() {
      this.set(controller.backlog);
    },
  });
  new Counter({
    name: 'dhcp_operator_writes_total',
    help: 'Requests that changed something, by resource.',
    labelNames: ['resource'],
    registers,
    collect() {
      this.reset();
      for (const [resource, count] of controller.writes) this.inc({ resource }, count);
    },
  });
  new Counter({
    name: 'dhcp_operator_requests_total',
    help: 'Requests to the API server.',
    registers,
    collect() {
      this.reset();
      this.inc(requests());
    },
  });
  return registry;
}
