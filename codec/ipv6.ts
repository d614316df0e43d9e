/** Parses an IPv6 address (RFC 4291 §2.2, also with a dotted quad at its end) into its 16 octets; null for anything else. */
export function parseIpv6(text: string): Uint8Array | null {
  const halves = withoutDottedQuad(text)?.split('::') ?? [];
  if (halves.length === 0 || halves.length > 2) return null;
  const [head, tail] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const zeros = 8 - head!.length - (tail?.length ?? 0);
  if (tail === undefined ? zeros !== 0 : zeros < 1) return null;
  const groups = [...head!, ...new Array<string>(zeros).fill('0'), ...(tail ?? [])];
  const bytes = new Uint8Array(16);
  for (const [i, group] of groups.entries()) {
    if (!/^[\da-f]{1,4}$/i.test(group)) return null;
    const value = Number.parseInt(group, 16);
    bytes[2 * i] = value >>> 8;
    bytes[2 * i + 1] = value;
  }
  return bytes;
}

/** The text of 16 octets as RFC 5952 wants it: lower case, the longest run of zeros as `::`. */
export function formatIpv6(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => (bytes[2 * i]! << 8) | bytes[2 * i + 1]!);
  let best = { at: -1, length: 1 }; // RFC 5952 §4.2.2: a single zero is not shortened.
  for (let at = 0; at < 8; at++) {
    let length = 0;
    while (groups[at + length] === 0) length++;
    if (length > best.length) best = { at, length };
  }
  const written = groups.map((group) => group.toString(16));
  if (best.at < 0) return written.join(':');
  return `${written.slice(0, best.at).join(':')}::${written.slice(best.at + best.length).join(':')}`;
}

function withoutDottedQuad(text: string): string | null {
  const quad = /^(.*:)(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (quad === null) return text;
  const octets = quad.slice(2).map(Number);
  if (octets.some((octet) => octet > 255)) return null;
  const [a, b, c, d] = octets as [number, number, number, number];
  return `${quad[1]}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}
