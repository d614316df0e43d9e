import { Counter, Gauge, type Registry } from 'prom-client';
import { formatIpv4 } from '../../../codec/ipv4.ts';
import type { ServerRole } from '../server.ts';

/** The servers of an agent, by name, at the moment of a scrape. */
export type Servers = () => Iterable<readonly [name: string, role: ServerRole]>;

/** Registers what servers count; it is read when it is scraped, so that the packet path pays nothing for labels. */
export function registerServerMetrics(registry: Registry, servers: Servers): void {
  messages(registry, servers);
  troubles(registry, servers);
  addresses(registry, servers);
  kernel(registry, servers);
}

function messages(registry: Registry, servers: Servers): void {
  new Counter({
    name: 'dhcp_server_messages_total',
    help: 'Messages taken up and replies sent, by type.',
    labelNames: ['server', 'interface', 'direction', 'type'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [server, role] of servers()) {
        role.counters.eachMessage((direction, ifname, type, n) =>
          this.inc({ server, interface: ifname, direction, type }, n),
        );
      }
    },
  });
  new Counter({
    name: 'dhcp_server_drops_total',
    help: 'Messages that got no answer, by reason.',
    labelNames: ['server', 'reason'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [server, role] of servers()) {
        for (const [reason, n] of role.counters.drops) this.inc({ server, reason }, n);
      }
    },
  });
  new Counter({
    name: 'dhcp_server_send_errors_total',
    help: 'Packets that the kernel refused to send, by errno.',
    labelNames: ['server', 'errno'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [server, role] of servers()) {
        for (const [errno, n] of role.counters.sendErrors) this.inc({ server, errno }, n);
      }
    },
  });
}

const TROUBLES = {
  conflicts: 'addresses found in use by somebody who did not get them here',
  declines: 'addresses that clients declined',
  clones: 'client identifiers found to be shared by several machines',
  probesSkipped: 'addresses offered unseen because too many were being probed',
  informationsOmitted: 'replies without option 82 because it did not fit',
} as const;

function troubles(registry: Registry, servers: Servers): void {
  new Counter({
    name: 'dhcp_server_troubles_total',
    help: `Things somebody may want to look into: ${Object.entries(TROUBLES)
      .map(([kind, what]) => `${kind}, ${what}`)
      .join('; ')}.`,
    labelNames: ['server', 'kind'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [server, { counters }] of servers()) {
        for (const kind of Object.keys(TROUBLES) as (keyof typeof TROUBLES)[]) {
          this.inc({ server, kind }, counters[kind]);
        }
      }
    },
  });
  new Counter({
    name: 'dhcp_server_foreign_answers_total',
    help: 'Answers of other DHCP servers seen on our links.',
    labelNames: ['server', 'address'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [server, { counters }] of servers()) {
        for (const [address, n] of counters.foreignServers) {
          this.inc({ server, address: formatIpv4(address) }, n);
        }
      }
    },
  });
}

function addresses(registry: Registry, servers: Servers): void {
  new Gauge({
    name: 'dhcp_server_addresses',
    help: 'Addresses by subnet: total in pools and reservations, bound to clients, declined, offered.',
    labelNames: ['server', 'subnet', 'state'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [server, role] of servers()) {
        for (const { name: subnet, total, bound, declined, offered } of role.use()) {
          this.set({ server, subnet, state: 'total' }, total);
          this.set({ server, subnet, state: 'bound' }, bound);
          this.set({ server, subnet, state: 'declined' }, declined);
          this.set({ server, subnet, state: 'offered' }, offered);
        }
      }
    },
  });
  new Counter({
    name: 'dhcp_server_lease_changes_total',
    help: 'Leases written, by what became of them.',
    labelNames: ['server', 'state'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [server, role] of servers()) {
        for (const [state, n] of role.counters.leases) this.inc({ server, state }, n);
      }
    },
  });
  new Gauge({
    name: 'dhcp_server_waiting_replies',
    help: 'Replies held back until their lease is durable.',
    labelNames: ['server'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [server, role] of servers()) this.set({ server }, role.waiting);
    },
  });
}

function kernel(registry: Registry, servers: Servers): void {
  new Counter({
    name: 'dhcp_server_kernel_packets_total',
    help: 'Packets that passed the filter, by whether there was room for them in the ring that we read.',
    labelNames: ['server', 'result'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [server, role] of servers()) {
        const { received, dropped } = role.statistics();
        this.inc({ server, result: 'received' }, received);
        this.inc({ server, result: 'dropped' }, dropped);
      }
    },
  });
}
