import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { optionSchemas } from '../codec/v4/options.ts';
import { POD_SIDE } from './compile/relayinterfaces.ts';
import { compile } from './compile.ts';
import { documentOf } from './document.ts';
import { generatedFiles, staleFiles } from './generate.ts';
import { KINDS } from './kinds.ts';
import { fieldOf, structural } from './structural.ts';

const FILES = generatedFiles();

interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly format?: string;
  readonly pattern?: string;
  readonly maxItems?: number;
  readonly required?: readonly string[];
  readonly properties?: { readonly [name: string]: Schema };
  readonly items?: Schema;
  readonly additionalProperties?: Schema;
  readonly anyOf?: readonly object[];
  readonly oneOf?: readonly object[];
  readonly allOf?: readonly object[];
  readonly 'x-kubernetes-int-or-string'?: true;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-validations'?: readonly object[];
}

interface Definition {
  readonly spec: {
    readonly names: { readonly [name: string]: unknown };
    readonly scope: string;
    readonly versions: readonly [
      {
        readonly schema: { readonly openAPIV3Schema: Schema };
        readonly additionalPrinterColumns: readonly {
          name: string;
          jsonPath: string;
          priority?: number;
        }[];
        readonly selectableFields?: readonly { jsonPath: string }[];
        readonly subresources: object;
      },
    ];
  };
}

const DEFINITIONS = new Map(
  KINDS.map(({ kind, plural }) => [kind, parse(FILES.get(`crds/${plural}.yaml`)!) as Definition]),
);

const schemaOf = (kind: string): Schema =>
  DEFINITIONS.get(kind)!.spec.versions[0].schema.openAPIV3Schema;

test('what is generated is what is committed: else make generate', () => {
  assert.deepEqual(staleFiles(FILES), []);
});

/** Everything below, with the way there and how often it can stand in one object. */
function* walk(schema: Schema, path: string, times: number): Generator<[Schema, string, number]> {
  yield [schema, path, times];
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    yield* walk(inner, `${path}.${name}`, times);
  }
  if (schema.items !== undefined) {
    const most = schema.maxItems ?? Number.POSITIVE_INFINITY;
    yield* walk(schema.items, `${path}[]`, times * most);
  }
  if (schema.additionalProperties !== undefined) {
    yield* walk(schema.additionalProperties, `${path}.*`, Number.POSITIVE_INFINITY);
  }
}

/** What a structural schema may say outside of its junctors (apiextensions.k8s.io/v1, JSONSchemaProps). */
const ALLOWED = new Set([
  'type',
  'description',
  'default',
  'enum',
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
  'items',
  'properties',
  'additionalProperties',
  'anyOf',
  'oneOf',
  'allOf',
  'x-kubernetes-validations',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-int-or-string',
]);
/** What a junctor may not say: those belong outside (structural schemas, rule 3). */
const OUTSIDE = ['type', 'description', 'default', 'additionalProperties', 'nullable', 'title'];
const FORMATS = new Set(['ipv4', 'ipv6', 'cidr', 'date-time', 'duration', 'uuid']);
/** The API server's estimate for one rule of ours stays below this; it allows 10,000,000 for all evaluations of one. */
const RULE_COST = 100;

/** What must not be so of any schema: its name, and the test for it. */
const FAULTS: readonly (readonly [string, (schema: Schema, times: number) => boolean])[] = [
  ['an unknown keyword', (schema) => Object.keys(schema).some((keyword) => !ALLOWED.has(keyword))],
  [
    'no type',
    (schema) => schema.type === undefined && schema['x-kubernetes-int-or-string'] !== true,
  ],
  ['an unknown format', ({ format }) => format !== undefined && !FORMATS.has(format)],
  ['properties and values', (schema) => 'properties' in schema && 'additionalProperties' in schema],
  ['a list of nothing', (schema) => schema.type === 'array' && schema.items === undefined],
  [
    'a required field that is not there',
    ({ required = [], properties }) => required.some((name) => properties?.[name] === undefined),
  ],
  [
    'more than values in a junctor',
    ({ anyOf = [], oneOf = [], allOf = [] }) =>
      [...anyOf, ...oneOf, ...allOf].some((part) => OUTSIDE.some((keyword) => keyword in part)),
  ],
  [
    'a rule that costs too much',
    (schema, times) => 'x-kubernetes-validations' in schema && times * RULE_COST > 10_000_000,
  ],
  [
    'a map key that need not be there',
    (schema) =>
      (schema['x-kubernetes-list-map-keys'] ?? []).some(
        (key) => schema.items?.required?.includes(key) !== true,
      ),
  ],
  ['a pattern that is not RE2', ({ pattern = '' }) => /\(\?[=!<]|\\[1-9]/.test(pattern)],
];

function faultsOf(schema: Schema, path: string, times: number): string[] {
  return FAULTS.filter(([, test]) => test(schema, times)).map(([name]) => `${path}: ${name}`);
}

for (const { kind } of KINDS) {
  test(`${kind}: the schema is structural`, () => {
    const faults = [...walk(schemaOf(kind), kind, 1)].flatMap((place) => faultsOf(...place));
    // Kubernetes knows metadata itself.
    assert.deepEqual(faults, []);
  });

  test(`${kind}: every field is explained`, () => {
    const named = new Set(Object.keys(optionSchemas()));
    const silent = [...walk(schemaOf(kind).properties!.spec!, 'spec', 1)]
      .filter(([schema, path]) => schema.description === undefined && !path.endsWith(']'))
      .map(([, path]) => path)
      .filter(
        (path) => !path.endsWith('.*') && !path.split(/[.[\]]+/).some((name) => named.has(name)),
      );
    assert.deepEqual(silent, []);
  });

  test(`${kind}: columns and selectable fields are in the schema`, () => {
    const [version] = DEFINITIONS.get(kind)!.spec.versions;
    const paths = [...version.additionalPrinterColumns, ...(version.selectableFields ?? [])];
    for (const { jsonPath } of paths) {
      if (jsonPath.startsWith('.metadata.')) continue;
      let schema: Schema | undefined = { properties: { ...schemaOf(kind).properties } };
      for (const [, name, list] of jsonPath.matchAll(/\.(\w+)(\[[^\]]*\])?/g)) {
        schema = schema?.properties?.[name!];
        if (list !== undefined) schema = schema?.items;
      }
      assert.notEqual(schema?.type, undefined, jsonPath);
      assert.notEqual(schema?.type, 'object', jsonPath);
    }
    assert.ok((version.selectableFields ?? []).length <= 8);
    assert.deepEqual(version.subresources, { status: {} });
  });

  test(`${kind}: the definition fits into the annotation of kubectl apply`, () => {
    assert.ok(JSON.stringify(DEFINITIONS.get(kind)).length < 256 * 1024);
  });
}

test('no word of ours is another thing to YAML 1.1, which Kubernetes reads', () => {
  for (const [file, text] of FILES) {
    if (!file.endsWith('.yaml')) continue;
    assert.deepEqual(parse(text, { version: '1.1' }), parse(text), file);
  }
});

test('names and columns are what users were promised', () => {
  const names = [...DEFINITIONS.values()].map(({ spec }) => spec.names);
  assert.deepEqual(
    names.map(({ shortNames }) => shortNames),
    // ds would be a DaemonSet.
    [['dr'], ['dsrv'], ['dl']],
  );
  assert.ok(names.every(({ categories }) => String(categories) === 'dhcp'));
  assert.ok([...DEFINITIONS.values()].every(({ spec }) => spec.scope === 'Namespaced'));
  const columns = DEFINITIONS.get('DhcpLease')!.spec.versions[0].additionalPrinterColumns;
  assert.deepEqual(
    columns.filter(({ priority }) => priority === undefined).map(({ name }) => name.toUpperCase()),
    ['IP', 'MAC', 'HOSTNAME', 'STATE', 'EXPIRES', 'SERVER', 'RELAY'],
  );
});

test('exactly one of: by CEL where it can be afforded, by required where it cannot', () => {
  const text = { type: 'string' };
  const items = {
    type: 'object',
    exactlyOneOf: 'a b+c',
    properties: { a: text, b: text, c: text },
  };
  const list = (maxItems: number): Schema =>
    structural(fieldOf({ type: 'array', maxItems, items }, 'x'), {
      described: {},
      bare: {},
    }) as Schema;
  assert.deepEqual(list(100).items!['x-kubernetes-validations'], [
    {
      rule: '[has(self.a), has(self.b) && has(self.c)].exists_one(given, given) && has(self.b) == has(self.c)',
      message: 'exactly one of a and b with c must be given',
    },
  ]);
  assert.deepEqual(list(1_000_000).items!.oneOf, [{ required: ['a'] }, { required: ['b', 'c'] }]);
});

test('a union that Kubernetes cannot say is an error, not a guess', () => {
  const anyOf = [
    { type: 'string', const: 'a' },
    { type: 'object', properties: {} },
  ];
  assert.throws(() => fieldOf({ anyOf }, 'spec.x'), /spec\.x: only words and one format/);
});

test('the interfaces that are left alone are the ones that the reference names', () => {
  const { description } = schemaOf('DhcpRelay').properties!.spec!.properties!.interfaces!;
  for (const glob of POD_SIDE) assert.ok(String(description).includes(glob), glob);
});

/** Fields that an API server would drop because its schema does not know them. */
function unknownFields(schema: Schema, value: unknown, path: string): string[] {
  if (Array.isArray(value)) {
    return value.flatMap((item, i) => unknownFields(schema.items ?? {}, item, `${path}[${i}]`));
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    const known = schema.properties?.[name] ?? schema.additionalProperties;
    const here = `${path}.${name}`;
    return known === undefined ? [here] : unknownFields(known, inner, here);
  });
}

test('the schema knows every field of every example', () => {
  const files = globSync('crds/examples/*.yaml');
  for (const file of files) {
    const { kind, spec } = parse(readFileSync(file, 'utf8')) as { kind: string; spec: unknown };
    assert.deepEqual(unknownFields(schemaOf(kind).properties!.spec!, spec, 'spec'), [], file);
  }
  assert.ok(files.length >= 8);
});

/** What an API server does to an object before it stores it. */
function withDefaults(schema: Schema, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => withDefaults(schema.items ?? {}, item));
  if (typeof value !== 'object' || value === null) return value;
  const filled: { [name: string]: unknown } = { ...value };
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    if (filled[name] === undefined && inner.default !== undefined) filled[name] = inner.default;
    if (filled[name] !== undefined) filled[name] = withDefaults(inner, filled[name]);
  }
  return filled;
}

const MAC = '02:00:00:00:00:0a';
const UPSTREAMS = [{ address: '192.0.2.1' }];
const SUBNETS = [{ cidr: '192.0.2.0/24', pools: [{ cidr: '192.0.2.128/25' }] }];

// An object must mean the same in `kubectl apply` and in a file, whoever fills in the defaults.
for (const [rule, kind, spec] of [
  ['the least', 'DhcpRelay', { upstreams: UPSTREAMS }],
  [
    'a link that overrides one setting',
    'DhcpRelay',
    {
      upstreams: UPSTREAMS,
      relayInformation: { mode: 'Always', existing: 'Append', linkSelection: 'Never' },
      interfaces: [{ match: 'a', relayInformation: { remoteId: 'x' } }, { match: 'b' }],
      rateLimit: { perInterface: 5 },
    },
  ],
  ['empty settings', 'DhcpRelay', { upstreams: UPSTREAMS, relayInformation: {}, rateLimit: {} }],
  ['the least', 'DhcpServer', { subnets: SUBNETS }],
  [
    'a longest time without a time',
    'DhcpServer',
    { subnets: SUBNETS, maxLeaseTime: '1h', conflictDetection: {}, limits: {}, foreignServers: {} },
  ],
  [
    'the least',
    'DhcpLease',
    { serverRef: { name: 'lab' }, address: '192.0.2.9', hardwareAddress: MAC },
  ],
] as const) {
  test(`defaults: ${kind}, ${rule}: the same with those of the schema as without`, () => {
    const lab = documentOf({
      apiVersion: '',
      kind: 'DhcpServer',
      metadata: { name: 'lab' },
      spec: { subnets: SUBNETS },
    });
    const compiled = (given: unknown) => {
      const document = documentOf({ apiVersion: '', kind, metadata: { name: 'a' }, spec: given });
      return compile(kind === 'DhcpLease' ? [lab, document] : [document], { kubernetes: false });
    };
    const plain = compiled(spec);
    assert.deepEqual(plain.problems, []);
    assert.deepEqual(compiled(withDefaults(schemaOf(kind).properties!.spec!, spec)), plain);
  });
}
