// A server role by itself: `node e2e/lab/serve.ts manifest.yaml [directory]`. Without a directory leases are kept in
// memory, so that what is measured and tested is the server and not the disk. SIGHUP reads the manifest again.
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { pino } from 'pino';
import { parse } from 'yaml';
import { Leases } from '../../agent/core/lease/table.ts';
import type { Ticket } from '../../agent/core/lease.ts';
import { Links } from '../../agent/net/links.ts';
import type { ServerStore } from '../../agent/roles/server/durability.ts';
import { ServerRole } from '../../agent/roles/server.ts';
import { LeaseStore } from '../../agent/store/store.ts';
import type { Millis } from '../../codec/machine.ts';
import { compileServer } from '../../crds/compile/server.ts';
import type { DhcpServer } from '../../crds/types/dhcpserver.ts';
import type { ServerConfig } from '../../crds/types/serverconfig.ts';

/** Takes every lease, and says a moment later that it is durable, once for all that came meanwhile. */
class MemoryStore implements ServerStore {
  readonly leases: Leases;
  private told: ((ticket: Ticket) => void) | null = null;
  private last: Ticket = 0;
  private telling = false;

  constructor() {
    const note = (): Ticket => {
      if (!this.telling) {
        this.telling = true;
        setImmediate(() => {
          this.telling = false;
          this.told?.(this.last);
        });
      }
      return ++this.last;
    };
    const secret = { low: randomInt(2 ** 32), high: randomInt(2 ** 32) };
    this.leases = new Leases({ secret, log: { put: note, forget: note } });
  }

  now(): Millis {
    return Date.now();
  }

  readonly state = { kind: 'ready' } as const;

  onFailed(): () => void {
    return () => {};
  }

  onState(): () => void {
    return () => {};
  }

  onDurable(told: (ticket: Ticket) => void): () => void {
    this.told = told;
    return () => {
      this.told = null;
    };
  }
}

function load(): ServerConfig {
  const { config, problems } = compileServer(
    parse(readFileSync(process.argv[2]!, 'utf8')) as DhcpServer,
  );
  if (config === null) throw new Error(JSON.stringify(problems));
  return config;
}

function messagesOf({ counters }: ServerRole): object {
  const counts: { [what: string]: number } = {};
  counters.eachMessage((direction, ifname, type, n) => {
    counts[`${ifname} ${direction} ${type}`] = n;
  });
  return counts;
}

const directory = process.argv[3];
const log = pino({ level: process.env.LOG_LEVEL ?? 'info' });
let role: ServerRole | null = null;
const links = Links.open({ onChange: (states) => role?.linksChanged(states) });
await links.ready;
role = new ServerRole({
  config: load(),
  links: links.snapshot,
  log,
  store: directory === undefined ? new MemoryStore() : await LeaseStore.open({ directory }),
  random: () => randomInt(2 ** 32) / 2 ** 32,
});
process.on('SIGHUP', () => {
  role.reconfigure(load());
  log.info('reconfigured');
});
process.on('SIGUSR2', () => {
  const { drops, sendErrors, conflicts } = role.counters;
  log.info({
    ...role.status(),
    conflicts,
    messages: messagesOf(role),
    drops: Object.fromEntries(drops),
    sendErrors: Object.fromEntries(sendErrors),
    kernel: role.statistics(),
    memory: process.memoryUsage(),
  });
});
process.once('SIGTERM', () => {
  role.stop();
  links.close();
});
log.info('started');
