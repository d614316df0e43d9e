import { setTimeout as sleep } from 'node:timers/promises';
import type { Millis, WallMillis } from '../../codec/machine.ts';
import type { DhcpLease } from '../../crds/types/dhcplease.ts';
import { lines, NoAgentError, RefusedError, socketPath } from './client.ts';
import { asked, byAddress, type Listing, parametersOf } from './listing.ts';
import { jsonOf, yamlOf } from './print.ts';
import { LeaseTableText } from './table.ts';
import type { LeaseEvent } from './watching.ts';

/** How often an agent that has gone is looked for. */
const RETRY: Millis = 300;

/** Prints what there is and then what changes, until it is interrupted; an agent that goes is waited for. */
export async function watch(listing: Listing): Promise<number> {
  const printer = new WatchPrinter(listing);
  let reached = false;
  let waiting = false;
  for (;;) {
    try {
      await follow(listing, printer, () => {
        reached = true;
        waiting = false;
      });
    } catch (error) {
      const gone =
        error instanceof NoAgentError || (error as { code?: string }).code === 'ECONNRESET';
      if (!reached || error instanceof RefusedError || !gone) return asked(Promise.reject(error));
      if (!waiting) console.error('the agent is gone; waiting for one to come back');
      waiting = true;
    }
    await sleep(RETRY);
  }
}

async function follow(
  { stateDir, texts }: Listing,
  printer: WatchPrinter,
  onAnswer: () => void,
): Promise<void> {
  const parameters = parametersOf(texts);
  parameters.set('watch', 'true');
  printer.begin();
  for await (const line of lines(socketPath(stateDir), '/leases', parameters)) {
    onAnswer();
    printer.take(JSON.parse(line) as LeaseEvent);
  }
}

/** Prints an object when it is not as it was printed last. */
class WatchPrinter {
  private readonly listing: Listing;
  private readonly table: LeaseTableText;
  private readonly shown = new Map<string, string>();
  /** What an agent has said until it has said all there is; null from then on. */
  private initial: DhcpLease[] | null = [];
  private started = false;

  constructor(listing: Listing) {
    this.listing = listing;
    this.table = new LeaseTableText(listing.format === 'wide');
  }

  /** An agent begins to say what there is. */
  begin(): void {
    this.initial = [];
  }

  take(event: LeaseEvent): void {
    if (event.type === 'BOOKMARK') this.settle();
    else if (this.initial !== null) this.initial.push(event.object);
    else if (event.type === 'DELETED') this.gone(event.object);
    else this.print([event.object]);
  }

  private settle(): void {
    const found = this.initial ?? [];
    this.initial = null;
    const keys = new Set(found.map(keyOf));
    const changed = found.filter((lease) => this.shown.get(keyOf(lease)) !== textOf(lease));
    const lost = [...this.shown].filter(([key]) => !keys.has(key)).map(([, text]) => text);
    this.print(changed.sort(byAddress));
    for (const text of lost) {
      const { status: _, ...bare } = JSON.parse(text) as DhcpLease;
      this.gone(bare);
    }
  }

  private gone(lease: DhcpLease): void {
    if (!this.shown.has(keyOf(lease))) return;
    this.print([lease]);
    this.shown.delete(keyOf(lease));
  }

  private print(leases: readonly DhcpLease[]): void {
    const fresh = leases.filter((lease) => this.shown.get(keyOf(lease)) !== textOf(lease));
    for (const lease of fresh) this.shown.set(keyOf(lease), textOf(lease));
    const { format, headers } = this.listing;
    switch (format) {
      case 'table':
      case 'wide':
        this.printRows(fresh, headers);
        return;
      case 'json':
        for (const lease of fresh) process.stdout.write(`${jsonOf(lease)}\n`);
        return;
      case 'yaml':
        for (const lease of fresh) process.stdout.write(`---\n${yamlOf(lease)}`);
        return;
      case 'name':
        for (const { metadata } of fresh) {
          process.stdout.write(`dhcplease.dhcp-operator.io/${metadata.name}\n`);
        }
    }
  }

  private printRows(leases: readonly DhcpLease[], headers: boolean): void {
    if (!this.started) this.table.makeRoom();
    const rows = this.table.rows(leases, Date.now() as WallMillis);
    if (!this.started && headers) process.stdout.write(`${this.table.head()}\n`);
    this.started = true;
    for (const row of rows) process.stdout.write(`${row}\n`);
  }
}

// By address rather than by name, which changes when somebody wants something of it.
function keyOf({ metadata, spec }: DhcpLease): string {
  return `${metadata.namespace ?? ''}/${spec.serverRef.name}/${spec.address}`;
}

function textOf(lease: DhcpLease): string {
  return JSON.stringify(lease);
}
