/** Lower-case hex without separators. */
export function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += HEX[byte]!;
  return text;
}

/** Parses hex, optionally separated by single colons or dashes between octets; null when it is not hex of whole octets. */
export function unhex(text: string): Uint8Array | null {
  if (!/^([\da-f]{2}([:-]?[\da-f]{2})*)?$/i.test(text)) return null;
  const digits = text.replace(/[:-]/g, '');
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) =>
    Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16),
  );
}

/** `02:00:00:00:00:0a`, for any length. */
export function formatHardwareAddress(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += (text === '' ? '' : ':') + HEX[byte]!;
  return text;
}

/** Parses colon- or dash-separated octets, 1 to 16 of them (`chaddr`, RFC 2131 §2); null for anything else. */
export function parseHardwareAddress(text: string): Uint8Array | null {
  if (!/^[\da-f]{2}([:-][\da-f]{2}){0,15}$/i.test(text)) return null;
  return unhex(text);
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
