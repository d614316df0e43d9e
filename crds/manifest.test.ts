import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readManifests } from './manifest.ts';
import { formatProblem } from './problem.ts';

const read = (text: string, file = 'a.yaml') => readManifests([{ file, text }]);

const RELAY = `apiVersion: dhcp-operator.io/v1alpha1
kind: DhcpRelay
metadata:
  name: office
spec:
  upstreams:
    - address: 192.0.2.1
`;

test('several documents, each where it stands', () => {
  const { documents, problems } = read(`# a comment\n${RELAY}---\n\n${RELAY}---\n`);
  assert.deepEqual(problems, []);
  assert.deepEqual(
    documents.map(({ document, line, kind, metadata }) => [document, line, kind, metadata.name]),
    [
      [1, 2, 'DhcpRelay', 'office'],
      [2, 11, 'DhcpRelay', 'office'],
    ],
  );
  assert.equal(documents[1]!.lineOf('spec.upstreams[0].address'), 17);
  assert.equal(documents[1]!.lineOf('spec.upstreams[0].hostname'), 17);
  assert.equal(documents[1]!.lineOf('spec.upstreams[7]'), 16);
  assert.equal(documents[1]!.lineOf(''), 11);
});

test('JSON, indented by tabs, with its lines', () => {
  const value = {
    apiVersion: 'dhcp-operator.io/v1alpha1',
    kind: 'DhcpRelay',
    metadata: { name: 'a' },
    spec: { upstreams: [{ address: '192.0.2.1' }] },
  };
  const { documents, problems } = read(JSON.stringify(value, null, '\t'), 'a.json');
  assert.deepEqual(problems, []);
  assert.deepEqual(documents[0]!.spec, value.spec);
  assert.equal(documents[0]!.lineOf('spec.upstreams[0].address'), 10);
});

test('a List is taken apart, and what is not ours in it is noted', () => {
  const { documents, problems, warnings } = read(`apiVersion: v1
kind: List
items:
  - apiVersion: dhcp-operator.io/v1alpha1
    kind: DhcpRelay
    metadata: { name: a }
    spec:
      upstreams: []
  - apiVersion: v1
    kind: Service
    metadata: { name: dns }
`);
  assert.deepEqual(problems, []);
  assert.deepEqual(warnings.map(formatProblem), [
    'a.yaml:9 Service/dns: ignored: v1 is not dhcp-operator.io/v1alpha1',
  ]);
  assert.equal(documents.length, 1);
  assert.equal(documents[0]!.lineOf('spec.upstreams'), 8);
});

test('anchors, aliases and merge keys are followed', () => {
  const { documents } = read(
    RELAY.replace('- address: 192.0.2.1', '- &first { address: 192.0.2.1 }\n    - <<: *first'),
  );
  assert.deepEqual(documents[0]!.spec, {
    upstreams: [{ address: '192.0.2.1' }, { address: '192.0.2.1' }],
  });
});

const GOOD = 'apiVersion: dhcp-operator.io/v1alpha1\nkind: DhcpRelay\nmetadata: { name: a }\n';

// [what is written, what is said]
for (const [text, want] of [
  [
    'a: [1',
    'a.yaml:1:6: not YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
  ],
  ['a: 1\na: 2', 'a.yaml:2:1: not YAML: Map keys must be unique'],
  ['- 1', 'a.yaml:1: not an object: write apiVersion, kind, metadata and spec'],
  ['text', 'a.yaml:1: not an object: write apiVersion, kind, metadata and spec'],
  ['a: 1', 'a.yaml:1 apiVersion: is missing: write dhcp-operator.io/v1alpha1'],
  ['apiVersion: v1', 'a.yaml:1 kind: is missing: write DhcpRelay, DhcpServer, DhcpLease'],
  [
    GOOD.replace('v1alpha1', 'v1'),
    'a.yaml:1 DhcpRelay/a apiVersion: "dhcp-operator.io/v1" is not known: write dhcp-operator.io/v1alpha1',
  ],
  [
    GOOD.replace('dhcp-operator.io/v1alpha1', 'v1'),
    'a.yaml:1 DhcpRelay/a apiVersion: "v1" is not known: write dhcp-operator.io/v1alpha1',
  ],
  [
    GOOD.replace('DhcpRelay', 'DhcpRelais'),
    'a.yaml:2 DhcpRelais/a kind: "DhcpRelais" is no kind of dhcp-operator.io; did you mean "DhcpRelay"?',
  ],
  [
    GOOD.replace('name: a', 'name: Office'),
    'a.yaml:3 DhcpRelay/Office metadata.name: "Office" is no name: write lower-case letters, digits, "-" and "." such as office-1',
  ],
  [
    GOOD.replace('name: a', 'name: 7'),
    'a.yaml:3 DhcpRelay/7 metadata.name: 7 is no name: write lower-case letters, digits, "-" and "." such as office-1',
  ],
  [
    GOOD.replace('name: a', ''),
    'a.yaml:3 DhcpRelay metadata.name: is missing: write lower-case letters, digits, "-" and "." such as office-1',
  ],
  [GOOD.replace(/metadata.*/, ''), 'a.yaml:1 DhcpRelay metadata: is missing: write metadata.name'],
  [`${GOOD}sepc: {}`, 'a.yaml:4 DhcpRelay/a sepc: unknown field; did you mean "spec"?'],
] as const) {
  test(`refused: ${want.slice('a.yaml:'.length)}`, () => {
    const { documents, problems } = read(text);
    assert.deepEqual(problems.map(formatProblem), [want]);
    assert.deepEqual(documents, []);
  });
}

test('aliases that unfold without end are refused', () => {
  const levels = Array.from({ length: 12 }, (_, i) =>
    i === 0 ? 'a0: &a0 [x, x]' : `a${i}: &a${i} [*a${i - 1}, *a${i - 1}, *a${i - 1}]`,
  );
  const { problems } = read(levels.join('\n'));
  assert.match(formatProblem(problems[0]!), /^a\.yaml:1: not YAML: .*alias/);
});

test('a broken document does not take the others of its file with it', () => {
  const { documents, problems } = read(`${RELAY}---\na: 1\na: 2\n---\n${RELAY}`);
  assert.equal(documents.length, 2);
  assert.equal(problems.length, 1);
});

test('what is quoted in a message neither ends the line nor steers the terminal', () => {
  const { problems } = read(GOOD.replace('name: a', 'name: "x\\n\\e[2J"'));
  assert.doesNotMatch(formatProblem(problems[0]!), /\p{C}/u);
});

test('no text throws', () => {
  const pieces = fc.constantFrom(
    GOOD,
    RELAY,
    '---\n',
    '- ',
    ': ',
    '&a ',
    '*a',
    '{',
    '[',
    '"',
    '\t',
    '\n',
    '? ',
    '<<: ',
    '!!x ',
    '%YAML 9\n',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(pieces, fc.string()), { maxLength: 8 }), (parts) => {
      const { documents, problems } = read(parts.join(''));
      for (const problem of problems) formatProblem(problem);
      for (const document of documents) assert.ok(document.lineOf('spec.a[0].b') >= 1);
    }),
    { numRuns: 1000 },
  );
});
