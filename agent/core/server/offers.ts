import type { Ipv4 } from '../../../codec/ipv4.ts';
import type { Millis } from '../../../codec/machine.ts';

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

/** Links of the list in which offers are ordered by their end. */
interface Node extends Offer {
  /** The next offer of a client with the same hash. */
  chain: Node | null;
  before: Node | null;
  after: Node | null;
}

/**
 * Addresses offered, by client and by address. All are held equally long, so the list is in order of their end. Objects
 * are used again, as there are tens of thousands of offers a second.
 */
export class Offers {
  size = 0;
  private readonly byHash = new Map<number, Node>();
  private readonly byAddress = new Map<number, Node>();
  private readonly spare: Node[] = [];
  private first: Node | null = null;
  private last: Node | null = null;

  ofClient(hash: number, check: number): Offer | null {
    for (let node = this.byHash.get(hash) ?? null; node !== null; node = node.chain) {
      if (node.check === check) return node;
    }
    return null;
  }

  ofAddress(address: Ipv4): Offer | null {
    return this.byAddress.get(address | 0) ?? null;
  }

  /** Holds an address that nobody else is offered, for a client that is offered nothing. */
  add(address: Ipv4, hash: number, check: number, expires: Millis, leftAt: Millis): Offer {
    const node = this.spare.pop() ?? blank();
    node.address = address;
    node.hash = hash;
    node.check = check;
    node.probe = 'none';
    node.sent = false;
    node.leftAt = leftAt;
    node.chain = this.byHash.get(hash) ?? null;
    this.byHash.set(hash, node);
    this.byAddress.set(address | 0, node);
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
    this.unlink(node);
    this.byAddress.delete(node.address | 0);
    const head = this.byHash.get(node.hash)!;
    if (head === node) {
      if (node.chain === null) this.byHash.delete(node.hash);
      else this.byHash.set(node.hash, node.chain);
    } else {
      let before = head;
      while (before.chain !== node) before = before.chain!;
      before.chain = node.chain;
    }
    node.chain = null;
    this.size--;
    if (this.spare.length < SPARE_MAX) this.spare.push(node);
  }

  /** The one that ends first. */
  oldest(): Offer | null {
    return this.first;
  }

  *all(): IterableIterator<Offer> {
    for (let node = this.first; node !== null; node = node.after) yield node;
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

/** As many as there are in flight at full speed; more than these are rare enough to be left to the collector. */
const SPARE_MAX = 4096;

function blank(): Node {
  return {
    address: 0 as Ipv4,
    hash: 0,
    check: 0,
    expires: 0,
    probe: 'none',
    sent: false,
    leftAt: -1,
    chain: null,
    before: null,
    after: null,
  };
}
