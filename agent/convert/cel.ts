import { formatHardwareAddress, hex } from '../../codec/hardware.ts';
import { messageTypeName } from '../../codec/v4/header.ts';
import { fromUtf8 } from '../../codec/v4/kind.ts';
import { OPTION, optionByCode } from '../../codec/v4/options.ts';
import { checkClassMatch } from '../../crds/compile/packetcel.ts';
import { any, type Comparison, type Condition, comparisonOf, type Data } from './condition.ts';
import { DEPTH_MAX } from './fault.ts';
import { printable } from './optionyaml.ts';

/** Conditions of classes by their names. */
export type ClassConditions = ReadonlyMap<string, Condition>;

/** An expression over `packet`, or what of it cannot be told. */
export type Told =
  | { readonly cel: string }
  | { readonly untold: string; readonly isTooLong?: true };

/** Says in CEL which clients a condition is about. */
export function celOf(condition: Condition, classes: ClassConditions): Told {
  try {
    const cel = tell(condition, { classes, depth: 0, spent: { parts: 0 } });
    if (cel.length > CEL_MAX) return TOO_LONG;
    const fault = checkClassMatch(cel);
    if (fault === null) return { cel };
    const untold = `as CEL it would be wrong: ${fault}`;
    return /Exceeded/i.test(fault) ? { untold, isTooLong: true } : { untold };
  } catch (error) {
    if (!(error instanceof Untold)) throw error;
    const { message } = error;
    return message === TOO_LONG.untold ? TOO_LONG : { untold: message };
  }
}

/** `match` of a class has room for so many. */
const CEL_MAX = 4096;

class Untold extends Error {}

/** Conditions that ask for each other's classes again and again could grow without end; more have no room anyway. */
const PARTS_MAX = 2000;

interface Context {
  readonly classes: ClassConditions;
  readonly depth: number;
  readonly spent: { parts: number };
}

function tell(condition: Condition, context: Context): string {
  const inner = { ...context, depth: context.depth + 1 };
  if (inner.depth > DEPTH_MAX) throw new Untold('it goes round in circles, or too deep');
  if (++context.spent.parts > PARTS_MAX) throw new Untold(TOO_LONG.untold);
  switch (condition.kind) {
    case 'constant':
      return String(condition.value);
    case 'not':
      return `!${bracketed(condition.of, inner)}`;
    case 'and':
      return condition.of.map((part) => bracketed(part, inner)).join(' && ');
    case 'or':
      return tellAny(condition.of, inner);
    case 'sent':
      return `packet.sent(${condition.code})`;
    case 'sentByRelay':
      return `${relayField(condition.code)} != ""`;
    case 'matches':
      return tellPattern(condition.of, condition.pattern);
    case 'equal':
      return tellEqual(condition);
    case 'class': {
      const known = context.classes.get(condition.name);
      if (known === undefined) throw new Untold(`there is no class "${condition.name}"`);
      return tell(known, inner);
    }
    case 'unknown':
      throw new Untold(condition.what);
  }
}

function bracketed(condition: Condition, context: Context): string {
  const text = tell(condition, context);
  const isOne =
    /^(packet\.\w+|packet\.\w+\(\d+\)|packet\.\w+(\(\d+\))?\.\w+\("(\\.|[^"\\])*"\)|true|false)$/.test(
      text,
    );
  return isOne || /^\([^()]*\)$/.test(text) ? text : `(${text})`;
}

// Many values of the same thing make a list.
function tellAny(parts: readonly Condition[], context: Context): string {
  const lists = new Map<string, string[]>();
  const told: (() => string)[] = [];
  for (const part of parts) {
    const found = comparisonOf(part);
    const exact = found !== null && typeof found !== 'boolean' ? exactly(found) : null;
    const list = lists.get(exact?.subject ?? '');
    if (exact === null) {
      const text = bracketed(part, context);
      told.push(() => text);
    } else if (list === undefined) {
      const { subject } = exact;
      const literals = [exact.literal];
      lists.set(subject, literals);
      told.push(() => listed(subject, literals));
    } else {
      list.push(exact.literal);
    }
  }
  const texts = told.map((text) => text());
  if (texts.length === 1) return texts[0]!;
  return texts.map((text) => (text.includes(' ') ? bracketedText(text) : text)).join(' || ');
}

function bracketedText(text: string): string {
  return text.startsWith('(') && text.endsWith(')') ? text : `(${text})`;
}

function listed(subject: string, literals: readonly string[]): string {
  if (literals.length === 1) return `${subject} == ${literals[0]}`;
  return `${subject} in [${[...new Set(literals)].join(', ')}]`;
}

function tellEqual(condition: Extract<Condition, { kind: 'equal' }>): string {
  const found = comparisonOf(condition);
  if (found === null) return tellSame(condition.left, condition.right);
  if (typeof found === 'boolean') return String(found);
  const { octets, subject } = found;
  if (subject.kind === 'option' && subject.code === OPTION.userClass && isExact(found)) {
    const text = printable(octets);
    if (text !== null) return `${quoted(text)} in packet.userClasses`;
  }
  const exact = exactly(found);
  return exact === null ? partly(found) : `${exact.subject} == ${exact.literal}`;
}

function tellSame(left: Data, right: Data): string {
  if (left.kind === 'option' && right.kind === 'option') {
    return `packet.option(${left.code}) == packet.option(${right.code})`;
  }
  throw new Untold(wordsOf(left) ?? wordsOf(right) ?? 'it compares what cannot be compared here');
}

function wordsOf(data: Data): string | null {
  if (data.kind === 'unknown') return data.what;
  return data.kind === 'slice' || data.kind === 'lower' ? wordsOf(data.of) : null;
}

function isExact({ fromStart, fromEnd }: Comparison): boolean {
  return fromStart === 0 && fromEnd === 0;
}

/** An equality of texts, when the whole is compared. */
function exactly(found: Comparison): { subject: string; literal: string } | null {
  if (!isExact(found)) return null;
  const { subject, octets } = found;
  if (subject.kind === 'option' && subject.code === OPTION.userClass) return null;
  const [view] = viewsOf(found);
  return { subject: view!.name, literal: quoted(view!.write(octets)) };
}

/** A way to look at octets as a text. */
interface View {
  readonly name: string;
  write(octets: Uint8Array): string;
  /** Characters that an octet takes, separator included. */
  readonly width: number;
  readonly separator: string;
}

function viewsOf({ subject, octets, lower }: Comparison): View[] {
  const text = (name: string): View => {
    const write = (some: Uint8Array): string => fromUtf8(some) ?? '';
    return { name: lower ? `${name}.lowerAscii()` : name, write, width: 1, separator: '' };
  };
  const isText = printable(octets) !== null;
  if (lower && !isText) throw new Untold('it compares letters with what is none');
  switch (subject.kind) {
    case 'option':
      if (isText && isTextual(subject.code)) return [text(optionField(subject.code))];
      if (lower) return [text(`packet.text(${subject.code})`)];
      return [{ name: `packet.option(${subject.code})`, write: hex, width: 2, separator: '' }];
    case 'relay': {
      const name = relayField(subject.code);
      return isText ? [text(name), colons(name)] : [colons(name)];
    }
    case 'hardware':
      return [colons('packet.hardwareAddress')];
    case 'interface':
      return [text('packet.interface')];
    case 'messageType': {
      const write = (some: Uint8Array): string => messageTypeName(some.at(-1) ?? 0);
      return [{ name: 'packet.messageType', write, width: 0, separator: '' }];
    }
    case 'giaddr':
    case 'ciaddr': {
      if (octets.length > 4) throw new Untold('it compares an address with what is none');
      const write = (some: Uint8Array): string => [...some].join('.');
      return [{ name: `packet.${subject.kind}`, write, width: 0, separator: '.' }];
    }
  }
}

function colons(name: string): View {
  return { name, write: formatHardwareAddress, width: 3, separator: ':' };
}

function isTextual(code: number): boolean {
  const { name } = optionByCode(code).kind;
  return name === 'text' || name === 'octets' || name === 'anyText' || code === OPTION.userClass;
}

function optionField(code: number): string {
  if (code === OPTION.vendorClass) return 'packet.vendorClass';
  return code === OPTION.hostName ? 'packet.hostname' : `packet.text(${code})`;
}

const RELAY_FIELDS = new Map([
  [1, 'circuitId'],
  [2, 'remoteId'],
  [6, 'subscriberId'],
  [12, 'relayId'],
]);

function relayField(code: number): string {
  const field = RELAY_FIELDS.get(code);
  if (field === undefined) throw new Untold(`sub-option ${code} of option 82 cannot be asked for`);
  return `packet.${field}`;
}

function partly(found: Comparison): string {
  const whole = isExact(found) ? [viewsOf(found)[0]!] : viewsOf(found);
  const told = whole.map((view) => partOf(view, found));
  return told.length === 1 ? told[0]! : `(${told.join(' || ')})`;
}

function partOf(view: View, { octets, fromStart, fromEnd }: Comparison): string {
  const { name, width, separator } = view;
  const literal = view.write(octets);
  if (octets.length === 0) throw new Untold('it compares nothing');
  if (fromStart === 0 && fromEnd === 0) return `${name} == ${quoted(literal)}`;
  // An address has octets of one to three digits.
  const end = separator === '.' && octets.length < 4 ? '.' : '';
  if (fromStart === 0 && fromEnd === null) return `${name}.startsWith(${quoted(literal + end)})`;
  if (fromStart === null && fromEnd === 0) return `${name}.endsWith(${quoted(literal)})`;
  if (width === 0) throw new Untold('it looks at the inside of an address');
  const before = fromStart === null ? '' : `^.{${width * fromStart}}`;
  const behind = fromEnd === null ? '' : `${fromEnd === 0 ? '' : `.{${width * fromEnd}}`}$`;
  return `${name}.matches(${quoted(before + escaped(literal) + behind)})`;
}

function tellPattern(of: Data, pattern: string): string {
  const lower = of.kind === 'lower';
  const subject = lower ? of.of : of;
  if (/\[\[[:.=]/.test(pattern))
    throw new Untold('its pattern is of a kind that is not known here');
  const name = textField(subject);
  if (name === null) throw new Untold(wordsOf(subject) ?? 'its pattern is for what has no text');
  try {
    new RegExp(pattern);
  } catch {
    throw new Untold('its pattern is of a kind that is not known here');
  }
  const literal = pattern.replace(/\\([.*+?^${}()|[\]\\])/g, '$1');
  if (escaped(literal) === pattern && !lower) return `${name}.contains(${quoted(literal)})`;
  if (lower) return `${name}.lowerAscii().matches(${quoted(pattern.toLowerCase())})`;
  return `${name}.matches(${quoted(pattern)})`;
}

function textField(subject: Data): string | null {
  switch (subject.kind) {
    case 'option':
      return optionField(subject.code);
    case 'relay':
      return relayField(subject.code);
    case 'hardware':
      return 'packet.hardwareAddress';
    default:
      return null;
  }
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function quoted(text: string): string {
  return JSON.stringify(text);
}

/** What a boot entry can ask of a client by itself. */
export interface BootGuard {
  readonly architectures?: readonly number[];
  readonly userClass?: string;
  readonly vendorClass?: string;
}

/** A condition as a boot entry can say it, or null when that takes a class. */
export function bootGuardOf(condition: Condition): BootGuard | null {
  if (condition.kind === 'constant') return condition.value ? {} : null;
  const parts = condition.kind === 'and' ? condition.of : [condition];
  let guard: BootGuard = {};
  const sent: number[] = [];
  for (const part of parts) {
    if (part.kind === 'sent') sent.push(part.code);
    else {
      const one = guardOfPart(part);
      if (one === null || Object.keys(one).some((field) => field in guard)) return null;
      guard = { ...guard, ...one };
    }
  }
  return sent.every((code) => implies(guard, code)) ? guard : null;
}

// Who has a value for an option has sent it.
function implies({ architectures, userClass, vendorClass }: BootGuard, code: number): boolean {
  if (code === OPTION.clientSystemArchitecture) return architectures !== undefined;
  if (code === OPTION.userClass) return userClass !== undefined;
  return code === OPTION.vendorClass && vendorClass !== undefined;
}

function guardOfPart(part: Condition): BootGuard | null {
  const options = part.kind === 'or' ? part.of : [part];
  const codes = options.map(architectureOf);
  if (codes.every((code) => code !== null)) return { architectures: codes };
  const found = comparisonOf(part);
  if (found === null || typeof found === 'boolean' || found.subject.kind !== 'option') return null;
  const text = printable(found.octets);
  if (text === null || found.lower || found.fromStart !== 0) return null;
  const { code } = found.subject;
  if (code === OPTION.userClass && isExact(found)) return { userClass: text };
  if (code === OPTION.vendorClass && found.fromEnd === null) return { vendorClass: text };
  return null;
}

function architectureOf(part: Condition): number | null {
  const found = comparisonOf(part);
  if (found === null || typeof found === 'boolean') return null;
  const { subject, octets } = found;
  if (subject.kind !== 'option' || subject.code !== OPTION.clientSystemArchitecture) return null;
  if (!(found.fromStart === 0 && octets.length === 2)) return null;
  return (octets[0]! << 8) | octets[1]!;
}

/** The same as `celOf`, of a long list of alternatives in as many expressions as it takes. */
export function portionsOf(condition: Condition, classes: ClassConditions): readonly Told[] {
  if (condition.kind !== 'or') return [celOf(condition, classes)];
  const { of } = condition;
  const told = of.length <= PORTION ? celOf(condition, classes) : TOO_LONG;
  if (!('isTooLong' in told) || of.length < WORTH_IT) return [told];
  const half = of.length <= PORTION ? Math.ceil(of.length / 2) : PORTION;
  return [of.slice(0, half), of.slice(half)].flatMap((part) => portionsOf(any(part), classes));
}

/** A list in CEL has at most 200 elements here, and 4096 octets hold as many hardware addresses. */
const PORTION = 150;
/** What few alternatives are too long for is not made shorter by taking them apart. */
const WORTH_IT = 16;
const TOO_LONG = { untold: 'it is too long', isTooLong: true } as const;
