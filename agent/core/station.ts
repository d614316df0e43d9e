/** Up to four octets of a hardware address as a big-endian word, zeros for the missing. */
export function hardwareWord(bytes: Uint8Array, at: number, length: number): number {
  let value = 0;
  for (let i = 0; i < 4; i++) value = (value << 8) | (i < length ? bytes[at + i]! : 0);
  return value >>> 0;
}

/** Whether octets are a station's own address: not all zero, not a group's (the low bit of the first octet). */
export function isStation(bytes: Uint8Array, at: number, length: number): boolean {
  if (length === 0 || (bytes[at]! & 1) !== 0) return false;
  for (let i = 0; i < length; i++) if (bytes[at + i] !== 0) return true;
  return false;
}
