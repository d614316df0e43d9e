import type { core } from 'zod';
import { expectation, textFault } from './formats.ts';
import { nearest } from './nearest.ts';
import { formatPath, type Path } from './path.ts';
import type { Field } from './structural.ts';

/** Something wrong with the shape of a spec. */
export interface Explained {
  readonly path: string;
  readonly reason: string;
  readonly message: string;
  /** Whether the types hold nevertheless, so that what the spec means can still be looked into. */
  readonly typed: boolean;
}

/** Says what zod found in words that say what to write. `spec` is what it looked at, `field` what it should be. */
export function explainIssue(issue: core.$ZodIssue, field: Field, spec: unknown): Explained[] {
  const path = issue.path as Path;
  const wanted = fieldAt(field, path);
  const given = valueAt(spec, path);
  const at = formatPath(['spec', ...path]);
  const fault = (reason: string, message: string, typed = true): Explained[] => [
    { path: at, reason, message, typed },
  ];
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownField([...path, key], wanted, field));
    case 'invalid_value':
      return fault('UnknownValue', unknownValue(given, wanted));
    case 'invalid_type':
      if (given === undefined)
        return fault('Missing', `is missing: write ${expectation(wanted)}`, false);
      return fault('WrongType', wrongType(given, wanted), false);
    case 'too_small':
      return fault('TooSmall', `${amount(given)}: ${bound(given, 'least', issue.minimum)}`);
    case 'too_big':
      return fault('TooLarge', `${amount(given)}: ${bound(given, 'most', issue.maximum)}`);
    default:
      return fault('Invalid', `${shown(given)} is not ${expectation(wanted)}`, false);
  }
}

/** What was given, short enough for a line. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** Names listed in a message before it says "and others". */
const NAMES_MAX = 12;

function unknownField(path: Path, around: Field | null, top: Field): Explained {
  const name = String(path.at(-1));
  const known = Object.keys(around?.properties ?? {});
  const meant = nearest(name, known);
  const elsewhere = meant === null ? placeOf(name, top, ['spec']) : null;
  const names = [...known.slice(0, NAMES_MAX), ...(known.length > NAMES_MAX ? ['others'] : [])];
  let hint = `known here are ${names.join(', ')}`;
  if (meant !== null) hint = `did you mean "${meant}"?`;
  if (elsewhere !== null) hint = `it belongs to ${elsewhere}`;
  const at = formatPath(['spec', ...path]);
  return { path: at, reason: 'UnknownField', message: `unknown field; ${hint}`, typed: true };
}

// Where else a field of this name is known, the nearest to the top.
function placeOf(name: string, field: Field, path: Path): string | null {
  let level: [Field, string][] = [[field, formatPath(path)]];
  while (level.length > 0) {
    for (const [one, at] of level) if (Object.hasOwn(one.properties ?? {}, name)) return at;
    level = level.flatMap(([one, at]) =>
      Object.entries(one.properties ?? {}).map(([inner, child]): [Field, string] =>
        child.items === undefined ? [child, `${at}.${inner}`] : [child.items, `${at}.${inner}[]`],
      ),
    );
  }
  return null;
}

function unknownValue(given: unknown, wanted: Field | null): string {
  const words = (wanted?.enum ?? []).map(String);
  const meant = typeof given === 'string' ? nearest(given, words) : null;
  const hint = meant === null ? `write one of ${words.join(', ')}` : `did you mean "${meant}"?`;
  return `${shown(given)} is not known; ${hint}`;
}

function wrongType(given: unknown, wanted: Field | null): string {
  if (given === null) return `is empty: write ${expectation(wanted)}, or leave the field out`;
  const plain = typeof given === 'number' || typeof given === 'boolean';
  if (wanted?.type === 'string' && plain) {
    // Quotes help only where the text would do.
    const fault = textFault(String(given), wanted);
    if (fault !== null) return fault;
    const kind = typeof given === 'number' ? 'a number' : 'true or false';
    return `${shown(given)} is ${kind}, not text: put it in quotes`;
  }
  if (wanted?.type === 'boolean' && typeof given === 'string') {
    return `${shown(given)} is text: write true or false without quotes`;
  }
  if (wanted?.type === 'integer' && typeof given === 'string' && /^\d+$/.test(given)) {
    return `${shown(given)} is text: write ${given} without quotes`;
  }
  return `${shown(given)} is not ${expectation(wanted)}`;
}

function amount(given: unknown): string {
  if (Array.isArray(given)) return given.length === 0 ? 'is empty' : `has ${given.length} entries`;
  if (typeof given !== 'string') return `${shown(given)} is out of range`;
  return given === '' ? 'is empty' : `has ${given.length} characters`;
}

function bound(given: unknown, which: 'least' | 'most', limit: number | bigint): string {
  if (typeof given === 'number') return `write ${limit} or ${which === 'least' ? 'more' : 'less'}`;
  const unit = Array.isArray(given) ? (limit === 1 ? 'entry' : 'entries') : 'characters';
  return `write at ${which} ${limit} ${limit === 1 && unit === 'characters' ? 'character' : unit}`;
}

function fieldAt(top: Field, path: Path): Field | null {
  let field: Field | undefined = top;
  for (const step of path) {
    if (field === undefined) return null;
    field = typeof step === 'number' ? field.items : (propertyOf(field, step) ?? field.values);
  }
  return field ?? null;
}

function propertyOf(field: Field, name: string): Field | undefined {
  return Object.hasOwn(field.properties ?? {}, name) ? field.properties![name] : undefined;
}

function valueAt(value: unknown, path: Path): unknown {
  let inner = value;
  for (const step of path) {
    if (typeof inner !== 'object' || inner === null) return undefined;
    inner = (inner as Record<string | number, unknown>)[step];
  }
  return inner;
}
