/**
 * One's-complement sum of bytes[start, end) as 16-bit big-endian words, an odd last octet padded with zero
 * (RFC 1071 §1), added to `sum` and not yet folded. Up to 64 KiB fit without losing a carry.
 */
export function sumOf(bytes: Uint8Array, start: number, end: number, sum: number): number {
  const even = end - ((end - start) & 1);
  let total = sum;
  for (let at = start; at < even; at += 2) total += (bytes[at]! << 8) | bytes[at + 1]!;
  return even < end ? total + (bytes[even]! << 8) : total;
}

/** Folds the carries in and complements: the checksum to put into a header, 0 to 0xffff. */
export function checksumOf(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x10000);
  return ~folded & 0xffff;
}
