/** Identifiers that are watched or known to be shared; what is forgotten is found out again. */
const ENTRIES_MAX = 65_536;

/**
 * Finds machines that share a client identifier because one was cloned from the other. A client identifier that moves
 * from one hardware address to another and back, while the lease lasts, is used by both at once.
 */
export class Clones {
  /** Identifiers known to be shared, by both hashes. */
  private readonly known = new Set<number>();
  /** Identifiers that have moved: the hash of the hardware address that they moved away from. */
  private readonly moved = new Map<number, number>();

  /** Whether clients with this identifier have to be told apart by hardware address too. */
  has(hash: number, check: number): boolean {
    return this.known.size > 0 && this.known.has(join(hash, check));
  }

  /** The identifier's lease goes from one hardware address to another; true when that shows that both use it. */
  move(hash: number, check: number, from: number, to: number): boolean {
    const key = join(hash, check);
    if (this.moved.get(key) === to) {
      this.moved.delete(key);
      return this.add(hash, check);
    }
    if (this.moved.size >= ENTRIES_MAX) this.moved.clear();
    this.moved.set(key, from);
    return false;
  }

  /** The identifier is shared; false when that was known. */
  add(hash: number, check: number): boolean {
    const key = join(hash, check);
    if (this.known.has(key)) return false;
    if (this.known.size >= ENTRIES_MAX) this.known.clear();
    this.known.add(key);
    return true;
  }
}

/** Both hashes in one number: 53 bits of them. */
function join(hash: number, check: number): number {
  return (hash >>> 0) * 0x200000 + (check >>> 11);
}
