import { isDeepStrictEqual } from 'node:util';
import {
  type Address,
  encodeAddressDump,
  encodeLinkDump,
  type Link,
  type RouteMessage,
} from '../../codec/link/rtnetlink.ts';

/** An interface with its IPv4 addresses in the kernel's order: primary ones first. */
export interface LinkState extends Link {
  readonly addresses: readonly Address[];
}

/** What to do after handling a datagram: send a request, or report a refusal and start over later. */
export type NextStep =
  | { readonly do: 'nothing' }
  | { readonly do: 'send'; readonly request: Uint8Array }
  | { readonly do: 'startOver'; readonly errno: number };

type Table = Map<number, LinkState>;

interface Dump {
  readonly phase: 'links' | 'addresses';
  readonly sequence: number;
  /** Grows during the dump and replaces the table at its end, so that what vanished unseen is gone. */
  readonly table: Table;
  interrupted: boolean;
}

/**
 * The links of a network namespace, kept from what the kernel says: first a dump of links and one of
 * addresses, then events. Events lost or a dump that changed under the kernel's hands mean another dump.
 */
export class LinkTable {
  #table: Table = new Map();
  #dump: Dump | null = null;
  #sequence = 0;
  #interruptions = 0;
  #snapshot: readonly LinkState[] | null = null;
  #complete = false;

  /** Whether a dump was ever completed. */
  get complete(): boolean {
    return this.#complete;
  }

  /** All links by index; the same array until something changes. */
  snapshot(): readonly LinkState[] {
    this.#snapshot ??= [...this.#table.values()].sort((a, b) => a.index - b.index);
    return this.#snapshot;
  }

  /** The request that begins a dump. */
  start(): Uint8Array {
    this.#dump = {
      phase: 'links',
      sequence: ++this.#sequence,
      table: new Map(),
      interrupted: false,
    };
    return encodeLinkDump(this.#sequence);
  }

  /** Takes what one datagram from the kernel said, or null when some were lost. */
  handle(messages: readonly RouteMessage[] | null): NextStep {
    if (messages === null) return this.#lost();
    let step: NextStep = NOTHING;
    for (const message of messages) {
      const next = this.#message(message);
      if (next.do !== 'nothing') step = next;
    }
    return step;
  }

  #lost(): NextStep {
    if (this.#dump === null) return { do: 'send', request: this.start() };
    // The kernel takes no second request while it answers the first.
    this.#dump.interrupted = true;
    return NOTHING;
  }

  #message(message: RouteMessage): NextStep {
    const answer = this.#dump !== null && message.sequence === this.#dump.sequence;
    if (answer && message.interrupted) this.#dump!.interrupted = true;
    switch (message.type) {
      case 'overrun':
      case 'malformed':
        return this.#lost();
      case 'error':
        if (!answer) return NOTHING;
        this.#dump = null;
        return { do: 'startOver', errno: message.errno };
      case 'done':
        return answer ? this.#done(this.#dump!) : NOTHING;
      case 'link':
      case 'linkGone':
      case 'address':
      case 'addressGone':
        if (this.#dump !== null) apply(this.#dump.table, message, answer);
        // An answer tells nothing new about the table in use but the order of addresses, which the
        // table being filled has right.
        if (!answer && apply(this.#table, message, false)) this.#snapshot = null;
        return NOTHING;
    }
  }

  #done(dump: Dump): NextStep {
    if (dump.interrupted && ++this.#interruptions < MAX_INTERRUPTIONS) {
      return { do: 'send', request: this.start() };
    }
    if (dump.phase === 'links') {
      this.#dump = { ...dump, phase: 'addresses', sequence: ++this.#sequence };
      return { do: 'send', request: encodeAddressDump(this.#sequence) };
    }
    this.#interruptions = 0;
    this.#dump = null;
    if (!isDeepStrictEqual(this.#table, dump.table)) this.#snapshot = null;
    this.#table = dump.table;
    this.#complete = true;
    return NOTHING;
  }
}

// A namespace whose links change without pause interrupts every dump; the events that interrupt it
// are seen too, so after so many attempts the result is as good as it gets.
const MAX_INTERRUPTIONS = 10;

const NOTHING: NextStep = { do: 'nothing' };

type Fact = Extract<
  RouteMessage,
  { readonly type: 'link' | 'linkGone' | 'address' | 'addressGone' }
>;

/** Applies one fact and says whether anything changed. */
function apply(table: Table, fact: Fact, dumped: boolean): boolean {
  switch (fact.type) {
    case 'linkGone':
      return table.delete(fact.index);
    case 'link':
      return put(table, {
        ...fact.link,
        addresses: table.get(fact.link.index)?.addresses ?? [],
      });
    case 'address':
    case 'addressGone': {
      const link = table.get(fact.address.ifindex);
      // A link is announced before its addresses and leaves after them.
      if (link === undefined) return false;
      const addresses =
        fact.type === 'addressGone'
          ? link.addresses.filter((known) => !sameAddress(known, fact.address))
          : withAddress(link.addresses, fact.address, dumped);
      return put(table, { ...link, addresses });
    }
  }
}

// The kernel repeats itself: whenever an address is renewed, for one.
function put(table: Table, state: LinkState): boolean {
  if (isDeepStrictEqual(table.get(state.index), state)) return false;
  table.set(state.index, state);
  return true;
}

function withAddress(known: readonly Address[], fresh: Address, dumped: boolean): Address[] {
  const place = known.findIndex((address) => sameAddress(address, fresh));
  if (!dumped && place >= 0 && known[place]!.secondary === fresh.secondary) {
    return known.with(place, fresh);
  }
  const others = known.filter((address) => !sameAddress(address, fresh));
  // A dump comes in order. An event does not say where the address went, but the kernel has a rule
  // (__inet_insert_ifa): a secondary goes last, a primary behind the primaries of its scope or narrower.
  if (dumped || fresh.secondary) return [...others, fresh];
  const last = others.findLastIndex((other) => !other.secondary && other.scope >= fresh.scope);
  return others.toSpliced(last + 1, 0, fresh);
}

// The kernel tells addresses apart by these (inet_rtm_deladdr).
function sameAddress(a: Address, b: Address): boolean {
  return a.local === b.local && a.address === b.address && a.prefixLength === b.prefixLength;
}
