// Which clients something is for: the part of other servers' expressions that can be told in ours.

/** Octets that a client, its relay or the expression itself provides. */
export type Data =
  | { readonly kind: 'octets'; readonly octets: Uint8Array }
  | { readonly kind: 'option'; readonly code: number }
  /** A sub-option of option 82. */
  | { readonly kind: 'relay'; readonly code: number }
  /** chaddr. */
  | { readonly kind: 'hardware' }
  /** htype, then chaddr. */
  | { readonly kind: 'typedHardware' }
  | { readonly kind: 'giaddr' }
  | { readonly kind: 'ciaddr' }
  | { readonly kind: 'interface' }
  /** Its number, in as many octets as it is compared with. */
  | { readonly kind: 'messageType' }
  /** From an octet on, or from so many before the end; `length` null is all the rest. */
  | {
      readonly kind: 'slice';
      readonly of: Data;
      readonly from: number;
      readonly length: number | null;
    }
  /** In lower case. */
  | { readonly kind: 'lower'; readonly of: Data }
  | { readonly kind: 'unknown'; readonly what: string };

export type Condition =
  | { readonly kind: 'constant'; readonly value: boolean }
  | { readonly kind: 'not'; readonly of: Condition }
  | { readonly kind: 'and' | 'or'; readonly of: readonly Condition[] }
  | { readonly kind: 'equal'; readonly left: Data; readonly right: Data }
  | { readonly kind: 'matches'; readonly of: Data; readonly pattern: string }
  | { readonly kind: 'sent'; readonly code: number }
  | { readonly kind: 'sentByRelay'; readonly code: number }
  /** In a class that the same file defines. */
  | { readonly kind: 'class'; readonly name: string }
  | { readonly kind: 'unknown'; readonly what: string };

export const ALWAYS: Condition = { kind: 'constant', value: true };
export const NEVER: Condition = { kind: 'constant', value: false };

/** True when all are. */
export function all(parts: readonly Condition[]): Condition {
  return combined('and', parts, true);
}

/** True when one is. */
export function any(parts: readonly Condition[]): Condition {
  return combined('or', parts, false);
}

/** True when it is not. */
export function negation(of: Condition): Condition {
  if (of.kind === 'constant') return { kind: 'constant', value: !of.value };
  return of.kind === 'not' ? of.of : { kind: 'not', of };
}

/** Whether the octets are the same. */
export function equal(left: Data, right: Data): Condition {
  return left.kind === 'octets'
    ? { kind: 'equal', left: right, right: left }
    : { kind: 'equal', left, right };
}

function combined(kind: 'and' | 'or', parts: readonly Condition[], neutral: boolean): Condition {
  const flat = parts.flatMap((part) => (part.kind === kind ? part.of : [part]));
  const decided = flat.find((part) => part.kind === 'constant' && part.value !== neutral);
  if (decided !== undefined) return decided;
  const rest = [...new Set(flat.filter((part) => part.kind !== 'constant'))];
  if (rest.length === 0) return { kind: 'constant', value: neutral };
  return rest.length === 1 ? rest[0]! : { kind, of: rest };
}

/** A stretch of what a client sends, compared with octets. `fromStart` and `fromEnd` are what lies before and behind; null is anything. */
export interface Comparison {
  readonly subject: Exclude<
    Data,
    { kind: 'slice' | 'octets' | 'unknown' | 'lower' | 'typedHardware' }
  >;
  readonly lower: boolean;
  readonly octets: Uint8Array;
  readonly fromStart: number | null;
  readonly fromEnd: number | null;
}

/** What an equality compares, `false` when it never holds, or null when it is not that simple. */
export function comparisonOf(condition: Condition): Comparison | boolean | null {
  if (condition.kind !== 'equal') return null;
  const { left, right } = condition;
  if (right.kind !== 'octets') return null;
  if (left.kind === 'octets') return Buffer.compare(left.octets, right.octets) === 0;
  return compare(left, right.octets);
}

function compare(data: Data, octets: Uint8Array): Comparison | false | null {
  switch (data.kind) {
    case 'unknown':
    case 'octets':
      return null;
    case 'lower': {
      const inner = compare(data.of, octets);
      return inner === null || inner === false ? inner : { ...inner, lower: true };
    }
    case 'typedHardware':
      return typedHardware(octets, 0, null);
    case 'slice':
      return slice(data, octets);
    default:
      return { subject: data, lower: false, octets, fromStart: 0, fromEnd: 0 };
  }
}

function slice(
  data: Extract<Data, { kind: 'slice' }>,
  octets: Uint8Array,
): Comparison | false | null {
  const { of, from, length } = data;
  if (of.kind === 'typedHardware') return typedHardware(octets, from, length);
  // A slice of a slice of an unbounded rest is a slice.
  const inner = of.kind === 'slice' && of.length === null && of.from >= 0 && from >= 0;
  if (inner) return slice({ kind: 'slice', of: of.of, from: of.from + from, length }, octets);
  if (of.kind === 'slice') return null;
  const whole = compare(of, octets);
  if (whole === null || whole === false) return whole;
  const room = from < 0 ? Math.min(-from, length ?? -from) : length;
  if (room !== null && room < octets.length) return false;
  const filled = room === octets.length;
  if (from >= 0) return { ...whole, fromStart: from, fromEnd: filled ? null : 0 };
  // Fewer octets than were asked for are all there is.
  if (!filled) return { ...whole, fromStart: 0, fromEnd: 0 };
  return { ...whole, fromStart: null, fromEnd: -from - room };
}

// The type in front is what chaddr has not; only Ethernet's is looked at here.
function typedHardware(
  octets: Uint8Array,
  from: number,
  length: number | null,
): Comparison | false | null {
  const subject = { kind: 'hardware' } as const;
  if (from < 0) return null;
  if (from > 0) return slice({ kind: 'slice', of: subject, from: from - 1, length }, octets);
  if (octets.length === 0 || (length !== null && length < octets.length)) return false;
  if (octets[0] !== 1) return null;
  const rest = octets.subarray(1);
  return slice(
    { kind: 'slice', of: subject, from: 0, length: length === null ? null : length - 1 },
    rest,
  );
}
