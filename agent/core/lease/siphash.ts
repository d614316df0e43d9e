/** A secret that keeps strangers from choosing bytes that collide: two random 32-bit numbers. */
export interface HashKey {
  readonly low: number;
  readonly high: number;
}

/**
 * HalfSipHash-2-4 of `bytes[start..end)`, an unsigned 32-bit number. Clients choose their identifiers, and a table that
 * hashes those without a secret can be made to crawl (Aumasson and Bernstein, "SipHash: a fast short-input PRF").
 */
export function sipHash(bytes: Uint8Array, start: number, end: number, key: HashKey): number {
  let v0 = key.low | 0;
  let v1 = key.high | 0;
  let v2 = 0x6c796765 ^ v0;
  let v3 = 0x74656462 ^ v1;
  const words = (end - start) >>> 2;
  for (let turn = 0; turn <= words + 2; turn++) {
    let word = 0;
    if (turn < words) word = wordAt(bytes, start + 4 * turn);
    else if (turn === words) word = lastWord(bytes, start, end);
    else if (turn === words + 1) v2 ^= 0xff; // the last two turns of two rounds finish
    v3 ^= word;
    for (let round = 0; round < 2; round++) {
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
    }
    v0 ^= word;
  }
  return (v1 ^ v3) >>> 0;
}

function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

/** What is left over after whole words, with the length on top. */
function lastWord(bytes: Uint8Array, start: number, end: number): number {
  let word = (end - start) << 24;
  for (let at = end - ((end - start) & 3), shift = 0; at < end; at++, shift += 8) {
    word |= bytes[at]! << shift;
  }
  return word;
}
