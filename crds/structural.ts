/**
 * One field of our API: JSON Schema as ts-json-schema-generator writes it, brought into one form. No references, no
 * unions, whole numbers only (Kubernetes' API conventions have no floating point), and our own tags as lists.
 */
export interface Field {
  readonly type: 'object' | 'array' | 'string' | 'integer' | 'boolean';
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly (string | number | boolean)[];
  /** What a string is besides text; `words` are allowed instead. */
  readonly format?: string;
  readonly words?: readonly string[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly items?: Field;
  readonly properties?: { readonly [name: string]: Field };
  readonly required?: readonly string[];
  /** Of a map: what any key holds. */
  readonly values?: Field;
  /** The properties of the DHCP option table belong here too. */
  readonly optionTable?: true;
  /** Of each list exactly one alternative is given; an alternative is fields that come together. */
  readonly exactlyOneOf?: readonly (readonly (readonly string[])[])[];
  /** The field that no two entries of a list share. */
  readonly listMapKey?: string;
  /** No two entries of a list are the same. */
  readonly unique?: true;
}

/** What is written beside the types and means something here; the generator has to be told of them. */
export const TAGS = ['optionTable', 'exactlyOneOf', 'listMapKey', 'unique', 'withoutDefaults'];

/** JSON Schema, as loose as it comes. */
export type Json = { readonly [keyword: string]: unknown };

/** Copied as they are. */
const KEPT = [
  'description',
  'default',
  'format',
  'pattern',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
  'minItems',
  'maxItems',
  'minProperties',
  'maxProperties',
  'required',
  'listMapKey',
  'optionTable',
  'unique',
] as const;

/** Brings JSON Schema into our one form; throws when the types say something that has no place in Kubernetes. */
export function fieldOf(schema: Json, path: string, defaults = true): Field {
  const { anyOf, const: constant, withoutDefaults, exactlyOneOf } = schema;
  const within = defaults && withoutDefaults === undefined;
  const field: Record<string, unknown> = {};
  for (const keyword of KEPT) {
    if (keyword in schema && (keyword !== 'default' || defaults)) field[keyword] = schema[keyword];
  }
  if (typeof exactlyOneOf === 'string') field.exactlyOneOf = choicesOf(exactlyOneOf);
  if (constant !== undefined) field.enum = [constant];
  if (schema.enum !== undefined) field.enum = schema.enum;
  if (anyOf !== undefined) return { ...field, ...unionOf(anyOf as Json[], path) } as Field;
  const type = schema.type === 'number' ? 'integer' : schema.type;
  if (typeof type !== 'string') throw new Error(`${path}: no one type: ${JSON.stringify(schema)}`);
  const { properties, items, additionalProperties: rest } = schema;
  if (properties !== undefined) {
    const entries = Object.entries(properties as { [name: string]: Json });
    field.properties = Object.fromEntries(
      entries.map(([name, inner]) => [name, fieldOf(inner, `${path}.${name}`, within)]),
    );
  } else if (typeof rest === 'object') {
    field.values = fieldOf(rest as Json, `${path}.*`, within);
  }
  if (items !== undefined) field.items = fieldOf(items as Json, `${path}[]`, within);
  return { ...field, type } as Field;
}

// `'Auto' | Ipv4Address`: words beside one format.
function unionOf(anyOf: readonly Json[], path: string): Partial<Field> {
  const words = anyOf.flatMap((one) => (one.const === undefined ? (one.enum ?? []) : [one.const]));
  const formats = anyOf.filter((one) => one.const === undefined && one.enum === undefined);
  const format = formats[0]?.format;
  if (anyOf.some((one) => one.type !== 'string') || formats.length !== 1 || format === undefined) {
    throw new Error(`${path}: only words and one format can be alternatives`);
  }
  return { type: 'string', format: format as string, words: words as string[] };
}

// `name code; text hex`, `cidr start+end`.
function choicesOf(text: string): string[][][] {
  return text.split(';').map((choice) =>
    choice
      .trim()
      .split(/\s+/)
      .map((fields) => fields.split('+')),
  );
}

/** `a, b and c`, for messages. */
export function choiceText(alternatives: readonly (readonly string[])[]): string {
  const texts = alternatives.map((fields) => fields.join(' with '));
  return `${texts.slice(0, -1).join(', ')} and ${texts.at(-1)}`;
}

/** Those that Kubernetes checks (apiextensions-apiserver, supportedFormats) and that mean what ours mean. */
const FORMATS = new Set(['ipv4', 'ipv6', 'cidr', 'date-time', 'duration']);

/**
 * An API server takes a CEL rule only when its estimated cost, times how often it can be evaluated, stays below
 * 10,000,000 (apiextensions-apiserver, StaticEstimatedCostLimit). Ours cost up to 40 or so.
 */
const CEL_EVALUATIONS_MAX = 100_000;

/** What structural schemas know of JSON Schema as it is. */
const PASSED = [
  'type',
  'description',
  'default',
  'enum',
  'pattern',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
  'minItems',
  'maxItems',
  'minProperties',
  'maxProperties',
  'required',
] as const;

/** The option table as schema properties, with descriptions and without. */
export interface OptionSchemas {
  readonly described: { readonly [name: string]: object };
  readonly bare: { readonly [name: string]: object };
}

/** A structural schema of Kubernetes. `evaluations` is how often this field can stand in one object. */
export function structural(field: Field, options: OptionSchemas, evaluations = 1): Json {
  const schema: Record<string, unknown> = {};
  for (const keyword of PASSED) if (keyword in field) schema[keyword] = field[keyword];
  Object.assign(schema, textRules(field), choiceRules(field, evaluations), listRules(field));
  if (field.properties !== undefined) {
    const named = Object.entries(field.properties).map(([name, inner]) => [
      name,
      structural(inner, options, evaluations),
    ]);
    schema.properties = { ...optionsOf(field, options, evaluations), ...Object.fromEntries(named) };
  }
  if (field.items !== undefined) {
    const more = evaluations * (field.maxItems ?? Number.POSITIVE_INFINITY);
    schema.items = structural(field.items, options, more);
  }
  if (field.values !== undefined) {
    schema.additionalProperties = structural(field.values, options, Number.POSITIVE_INFINITY);
  }
  return schema;
}

// `kubectl apply` keeps what it applied in an annotation of at most 256 KiB: the table is explained once, where it can
// stand once, and only named elsewhere.
function optionsOf(field: Field, options: OptionSchemas, evaluations: number): object {
  if (field.optionTable !== true) return {};
  return evaluations === 1 ? options.described : options.bare;
}

function textRules({ format, words }: Field): object {
  if (format === undefined || !FORMATS.has(format)) return {};
  // A value validation may be either; the type stands outside (structural schemas, rule 3).
  return words === undefined ? { format } : { anyOf: [{ enum: words }, { format }] };
}

function choiceRules({ exactlyOneOf: choices = [] }: Field, evaluations: number): object {
  if (choices.length === 0) return {};
  if (evaluations <= CEL_EVALUATIONS_MAX) {
    return { 'x-kubernetes-validations': choices.map(celOf) };
  }
  const required = choices.map((alternatives) => ({
    oneOf: alternatives.map((fields) => ({ required: fields })),
  }));
  return required.length === 1 ? required[0]! : { allOf: required };
}

function celOf(alternatives: readonly (readonly string[])[]): object {
  const given = alternatives.map((fields) => fields.map((name) => `has(self.${name})`));
  const joined = given.map((tests) => tests.join(' && '));
  // Half a pair is neither the pair nor nothing.
  const whole = given.filter((tests) => tests.length > 1).map((tests) => tests.join(' == '));
  const rule = [`[${joined.join(', ')}].exists_one(given, given)`, ...whole].join(' && ');
  return { rule, message: `exactly one of ${choiceText(alternatives)} must be given` };
}

function listRules({ listMapKey, unique }: Field): object {
  if (unique === true) return { 'x-kubernetes-list-type': 'set' };
  if (listMapKey === undefined) return {};
  return { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': [listMapKey] };
}
