import { fromJSONSchema, type ZodType } from 'zod';
import { type Explained, explainIssue } from './explain.ts';
import { meaningFaults } from './meaning.ts';
import type { Path } from './path.ts';
import schemas from './schemas.json' with { type: 'json' };
import type { Field, Json } from './structural.ts';

/** What is wrong with the shape of a spec: every fault, not only the first. `kind` is one of ours. */
export function validateSpec(kind: string, spec: unknown): readonly Explained[] {
  const field = SHAPES[kind];
  if (field === undefined) throw new Error(`no schema for ${kind}`);
  const issues = zodOf(kind, field).safeParse(spec).error?.issues ?? [];
  const faults = issues.flatMap((issue) => explainIssue(issue, field, spec));
  const seen = new Set(faults.map(({ path }) => path));
  const meant = meaningFaults(field, spec, SPEC).filter(({ path }) => !seen.has(path));
  return [...faults, ...meant];
}

const SPEC: Path = ['spec'];
const SHAPES = schemas as unknown as { readonly [kind: string]: Field };
const built = new Map<string, ZodType>();

// Built for the first object of a kind: who only relays does not pay for the server's schema.
function zodOf(kind: string, field: Field): ZodType {
  let zod = built.get(kind);
  if (zod === undefined) {
    zod = fromJSONSchema(jsonSchemaOf(field) as never);
    built.set(kind, zod);
  }
  return zod;
}

/** What zod is asked: types, names of fields, numbers of things. What texts mean, `meaning.ts` knows better. */
function jsonSchemaOf(field: Field): Json {
  const { type, items, properties, values, minLength, maxLength, minItems, maxItems } = field;
  const schema: Record<string, unknown> = { type };
  const { enum: words, minimum, maximum } = field;
  for (const [keyword, value] of Object.entries({
    ...{ enum: words, minimum, maximum, minLength, maxLength, minItems, maxItems },
  })) {
    if (value !== undefined) schema[keyword] = value;
  }
  if (items !== undefined) schema.items = jsonSchemaOf(items);
  if (type !== 'object') return schema;
  const entries = Object.entries(properties ?? {});
  schema.properties = Object.fromEntries(
    entries.map(([name, inner]) => [name, jsonSchemaOf(inner)]),
  );
  schema.required = field.required ?? [];
  schema.additionalProperties =
    field.optionTable === true || (values === undefined ? false : jsonSchemaOf(values));
  return schema;
}
