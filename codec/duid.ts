import { formatHardwareAddress, hex } from './hardware.ts';

/** Types of DUID (RFC 8415 §11, RFC 6355). */
const DUID_LLT = 1;
const DUID_EN = 2;
const DUID_LL = 3;
const DUID_UUID = 4;

/** `duid-ll 02:00:00:00:00:0a`; what is malformed or of an unknown type is shown in hex. */
export function printDuid(duid: Uint8Array): string {
  const type = duid.length < 2 ? -1 : (duid[0]! << 8) | duid[1]!;
  if (type === DUID_LLT && duid.length > 8)
    return `duid-llt ${formatHardwareAddress(duid.subarray(8))}`;
  if (type === DUID_LL && duid.length > 4)
    return `duid-ll ${formatHardwareAddress(duid.subarray(4))}`;
  if (type === DUID_UUID && duid.length === 18) return `duid-uuid ${formatUuid(duid.subarray(2))}`;
  if (type === DUID_EN && duid.length > 6) {
    const enterprise = Number.parseInt(hex(duid.subarray(2, 6)), 16);
    return `duid-en ${enterprise}:${hex(duid.subarray(6))}`;
  }
  return `duid 0x${hex(duid)}`;
}

/** The text of 16 octets in network order (RFC 9562 §4). */
export function formatUuid(bytes: Uint8Array): string {
  const digits = hex(bytes);
  return [0, 8, 12, 16, 20].map((at, i, all) => digits.slice(at, all[i + 1])).join('-');
}

/** Parses the text of a UUID into its 16 octets in network order; null for anything else. */
export function parseUuid(text: string): Uint8Array | null {
  if (!/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text)) return null;
  const digits = text.replaceAll('-', '');
  return Uint8Array.from({ length: 16 }, (_, i) =>
    Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16),
  );
}
