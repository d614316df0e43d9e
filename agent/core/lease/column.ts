// Numbers by slot, in chunks: growing never copies, so a table that doubles does not delay an answer.
const CHUNK_BITS = 12;
const CHUNK = 1 << CHUNK_BITS;
const WITHIN = CHUNK - 1;

/** A 32-bit number for each slot; 0 until set. */
export class IntColumn {
  private readonly chunks: Int32Array[] = [];

  get(slot: number): number {
    return this.chunks[slot >>> CHUNK_BITS]![slot & WITHIN]!;
  }

  set(slot: number, value: number): void {
    this.chunks[slot >>> CHUNK_BITS]![slot & WITHIN] = value;
  }

  /** Makes slots 0 to `count` - 1 usable. */
  reserve(count: number): void {
    while (this.chunks.length * CHUNK < count) this.chunks.push(new Int32Array(CHUNK));
  }
}

/** A double for each slot; 0 until set. */
export class FloatColumn {
  private readonly chunks: Float64Array[] = [];

  get(slot: number): number {
    return this.chunks[slot >>> CHUNK_BITS]![slot & WITHIN]!;
  }

  set(slot: number, value: number): void {
    this.chunks[slot >>> CHUNK_BITS]![slot & WITHIN] = value;
  }

  /** Makes slots 0 to `count` - 1 usable. */
  reserve(count: number): void {
    while (this.chunks.length * CHUNK < count) this.chunks.push(new Float64Array(CHUNK));
  }
}
