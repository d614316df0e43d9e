/** What the value of an option is: the one place that knows its octets, its text and how it is written in YAML. */
export interface Kind<T> {
  readonly name: string;
  /** Octets of every value, or null when they vary. */
  readonly size: number | null;
  /** A value as it is written in YAML. */
  readonly example: unknown;
  /** Of the YAML value; structural, as Kubernetes wants it. */
  readonly schema: JsonSchema;
  /** Null when the octets are not such a value. */
  decode(bytes: Uint8Array): T | null;
  encode(value: T): Uint8Array;
  print(value: T): string;
  fromYaml(yaml: unknown): FromYaml<T>;
}

/** A value, or what is wrong with what was written. */
export type FromYaml<T> = { readonly value: T } | YamlFault;

/** `path` is where in the value (`[1].router`), `message` says what to write instead. */
export interface YamlFault {
  readonly path: string;
  readonly message: string;
}

/** The part of JSON Schema that option values need. */
export interface JsonSchema {
  readonly type?: 'string' | 'integer' | 'number' | 'boolean' | 'array' | 'object';
  readonly format?: string;
  readonly pattern?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly minItems?: number;
  readonly items?: JsonSchema;
  readonly properties?: { readonly [name: string]: JsonSchema };
  readonly required?: readonly string[];
  readonly description?: string;
  readonly 'x-kubernetes-int-or-string'?: true;
}

/** Whether YAML was refused. */
export function isFault<T>(result: FromYaml<T>): result is YamlFault {
  return 'message' in result;
}

/** Refuses YAML: what was found, and `remedy`, what to write instead. */
export function refuse(found: unknown, remedy: string): YamlFault {
  return { path: '', message: `${shown(found)} is not ${remedy}` };
}

/** The same fault seen from one level up. */
export function within(path: string, fault: YamlFault): YamlFault {
  return { path: path + fault.path, message: fault.message };
}

/** A copy that is a plain Uint8Array whatever `bytes` is (a Buffer's `slice` would not copy). */
export function copyOf(bytes: Uint8Array, start = 0, end = bytes.length): Uint8Array {
  return new Uint8Array(bytes.subarray(start, end));
}

/** One after the other. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const TO_UTF8 = new TextEncoder();

/** Octets of text. */
export function utf8(text: string): Uint8Array {
  return TO_UTF8.encode(text);
}

/** The text that octets are, or null when they are not UTF-8. */
export function fromUtf8(bytes: Uint8Array): string | null {
  try {
    return UTF8.decode(bytes);
  } catch {
    return null;
  }
}

/**
 * Text in double quotes. Control, format and separator characters are escaped, so that what a stranger sent
 * can neither end the line nor turn it around.
 */
export function quote(text: string): string {
  const safe = text.replace(/["\\]|(?! )[\p{C}\p{Z}]/gu, (c) =>
    c === '"' || c === '\\' ? `\\${c}` : `\\u{${c.codePointAt(0)!.toString(16)}}`,
  );
  return `"${safe}"`;
}

function shown(found: unknown): string {
  if (found === undefined) return 'nothing';
  const text = JSON.stringify(found) ?? String(found);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
