import { lookup, Resolver } from 'node:dns/promises';
import { type Ipv4, parseIpv4 } from '../../codec/ipv4.ts';
import type { Millis } from '../../codec/machine.ts';

/** A record that says 0 s must not make us ask without end; one that says a week must not outlive a move. */
const TTL_MIN: Millis = 5_000;
const TTL_MAX: Millis = 3_600_000;
/** The hosts file and the search list come without a time to live. */
const TTL_UNKNOWN: Millis = 30_000;
/** After a failure: 1 s, doubling to half a minute. */
const RETRY_FIRST: Millis = 1_000;
const RETRY_LAST: Millis = 30_000;

/** Answers one question: addresses and how long they hold. Rejects when there is no answer. */
export type Ask = (hostname: string) => Promise<{ addresses: readonly Ipv4[]; ttl: Millis }>;

interface Entry {
  addresses: readonly Ipv4[];
  failure: string | null;
  failures: number;
  timer: NodeJS.Timeout | null;
}

/** The addresses of names, asked for again when their time to live is over. The last good answer is kept. */
export class Names {
  private readonly entries = new Map<string, Entry>();
  private readonly ask: Ask;
  private readonly onChange: (hostname: string) => void;

  /** `onChange` is called when the addresses of a name have changed, or when asking begins or ceases to fail. */
  constructor(onChange: (hostname: string) => void, ask: Ask = askSystem) {
    this.onChange = onChange;
    this.ask = ask;
  }

  /** Follows these names and no others. */
  follow(hostnames: Iterable<string>): void {
    const wanted = new Set(hostnames);
    for (const [hostname, entry] of this.entries) {
      if (wanted.has(hostname)) continue;
      if (entry.timer !== null) clearTimeout(entry.timer);
      this.entries.delete(hostname);
    }
    for (const hostname of wanted) {
      if (this.entries.has(hostname)) continue;
      this.entries.set(hostname, { addresses: [], failure: null, failures: 0, timer: null });
      void this.refresh(hostname);
    }
  }

  /** What is known now, in ascending order; empty before the first answer. */
  addressesOf(hostname: string): readonly Ipv4[] {
    return this.entries.get(hostname)?.addresses ?? [];
  }

  /** Why the last question got no answer, or null. */
  failureOf(hostname: string): string | null {
    return this.entries.get(hostname)?.failure ?? null;
  }

  close(): void {
    this.follow([]);
  }

  private async refresh(hostname: string): Promise<void> {
    const entry = this.entries.get(hostname);
    if (entry === undefined) return;
    const before = JSON.stringify([entry.addresses, entry.failure]);
    let wait: Millis;
    try {
      const answer = await this.ask(hostname);
      entry.addresses = [...answer.addresses].sort((a, b) => a - b);
      entry.failure = null;
      entry.failures = 0;
      wait = Math.min(Math.max(answer.ttl, TTL_MIN), TTL_MAX);
    } catch (error) {
      entry.failure = (error as NodeJS.ErrnoException).code ?? String(error);
      wait = Math.min(RETRY_FIRST * 2 ** entry.failures++, RETRY_LAST);
    }
    // Forgotten, and perhaps followed anew, while the question was out.
    if (this.entries.get(hostname) !== entry) return;
    entry.timer = setTimeout(() => void this.refresh(hostname), wait);
    entry.timer.unref();
    if (JSON.stringify([entry.addresses, entry.failure]) !== before) this.onChange(hostname);
  }
}

async function askSystem(hostname: string): Promise<{ addresses: Ipv4[]; ttl: Millis }> {
  try {
    // Made anew for every question, so that an edited resolv.conf counts.
    const resolver = new Resolver({ timeout: 2_000, tries: 2 });
    const records = await resolver.resolve4(hostname, { ttl: true });
    const ttl = Math.min(...records.map((record) => record.ttl)) * 1000;
    return { addresses: usable(records.map((record) => record.address)), ttl };
  } catch {
    // The hosts file and the search list are the system's affair.
    const records = await lookup(hostname, { family: 4, all: true });
    return { addresses: usable(records.map((record) => record.address)), ttl: TTL_UNKNOWN };
  }
}

function usable(addresses: readonly string[]): Ipv4[] {
  return addresses.map(parseIpv4).filter((ip) => ip !== null);
}
