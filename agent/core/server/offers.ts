import type { Ipv4 } from '../../../codec/ipv4.ts';
import type { Millis } from '../../../codec/machine.ts';
import { hashAddress, SlotTable } from '../lease/slottable.ts';

/** What is known of an offered address: nobody looked, somebody is looking, or nobody else has it. */
export type ProbeState = 'none' | 'running' | 'clear';

/** An address held for a client that has not taken it yet. Nothing of it is durable. */
export interface Offer {
  address: Ipv4;
  /** Two independent hashes of the client's identity: a wrong match takes 64 equal bits, and then the lease tells. */
  hash: number;
  check: number;
  expires: Millis;
  probe: ProbeState;
  /** Went out in a DHCPOFFER; until then no one waits for it. */
  sent: boolean;
  /** When a client left the address, if it is in the pool's queue for that; else -1. */
  leftAt: Millis;
}

/** An offer in the list that is ordered by their end, and its number in the tables. */
interface Node extends Offer {
  slot: number;
  before: Node | null;
  after: Node | null;
}

/**
 * Addresses offered, by client and by address. All are held equally long, so the list is in order of their end. Objects
 * are used again and the tables are numbers, as there are a hundred thousand offers a second: nothing is left to collect.
 */
export class Offers {
  size = 0;
  private readonly nodes: (Node | null)[] = [];
  private readonly freeSlots: number[] = [];
  private readonly byClient = new SlotTable();
  private readonly byAddress = new SlotTable();
  private soughtCheck = 0;
  private first: Node | null = null;
  private last: Node | null = null;

  ofClient(hash: number, check: number): Offer | null {
    this.soughtCheck = check;
    return this.at(this.byClient.find(hash, this.isSought));
  }

  ofAddress(address: Ipv4): Offer | null {
    return this.at(this.byAddress.get(hashAddress(address)));
  }

  /** Holds an address that nobody else is offered, for a client that is offered nothing. */
  add(address: Ipv4, hash: number, check: number, expires: Millis, leftAt: Millis): Offer {
    const slot = this.freeSlots.pop() ?? this.nodes.length;
    this.nodes[slot] ??= blank(slot);
    const node = this.nodes[slot];
    node.address = address;
    node.hash = hash;
    node.check = check;
    node.probe = 'none';
    node.sent = false;
    node.leftAt = leftAt;
    this.byClient.insert(hash, slot);
    this.byAddress.insert(hashAddress(address), slot);
    this.append(node, expires);
    this.size++;
    return node;
  }

  /** Holds it from now on for longer. */
  extend(offer: Offer, expires: Millis): void {
    this.unlink(offer as Node);
    this.append(offer as Node, expires);
  }

  /** Forgets an offer; the object may be used for another at once. */
  remove(offer: Offer): void {
    const node = offer as Node;
    const { slot } = node;
    this.unlink(node);
    this.byAddress.remove(hashAddress(node.address), slot);
    this.byClient.remove(node.hash, slot);
    if (slot >= KEPT) this.nodes[slot] = null;
    this.freeSlots.push(slot);
    this.size--;
  }

  /** The one that ends first. */
  oldest(): Offer | null {
    return this.first;
  }

  *all(): IterableIterator<Offer> {
    for (let node = this.first; node !== null; node = node.after) yield node;
  }

  private readonly isSought = (slot: number): boolean =>
    this.nodes[slot]!.check === this.soughtCheck;

  private at(slot: number): Offer | null {
    return slot < 0 ? null : this.nodes[slot]!;
  }

  private append(node: Node, expires: Millis): void {
    node.expires = expires;
    node.before = this.last;
    node.after = null;
    if (this.last === null) this.first = node;
    else this.last.after = node;
    this.last = node;
  }

  private unlink(node: Node): void {
    if (node.before === null) this.first = node.after;
    else node.before.after = node.after;
    if (node.after === null) this.last = node.before;
    else node.after.before = node.before;
  }
}

/** As many objects as there are offers in flight at full speed are kept; more are rare enough to be left to the collector. */
const KEPT = 4096;

function blank(slot: number): Node {
  return {
    address: 0 as Ipv4,
    hash: 0,
    check: 0,
    expires: 0,
    probe: 'none',
    sent: false,
    leftAt: -1,
    slot,
    before: null,
    after: null,
  };
}
