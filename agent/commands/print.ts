import { Document, visit } from 'yaml';

/** What has no shape of its own and may turn a line around: in JSON and in quotes of YAML it has a number. */
const UNSEEN = /[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/gu;

/** JSON that a terminal can be trusted with; with `indent`, as kubectl prints it. */
export function jsonOf(value: unknown, indent = 0): string {
  return JSON.stringify(value, null, indent).replace(UNSEEN, escaped);
}

/** YAML that a terminal can be trusted with, ending with a newline. */
export function yamlOf(value: unknown): string {
  // As Kubernetes reads it: to YAML 1.1 a bare off is false, and a bare time a date.
  const document = new Document(value, { version: '1.1' });
  visit(document, {
    Scalar(_, node) {
      if (typeof node.value === 'string' && node.value.search(UNSEEN) >= 0) {
        node.type = 'QUOTE_DOUBLE';
      }
    },
  });
  return document.toString({ lineWidth: 0 }).replace(UNSEEN, escaped);
}

/** Several objects as one List, piece by piece, as there may be a million. */
export function* listPieces(items: Iterable<object>, format: 'json' | 'yaml'): Iterable<string> {
  let count = 0;
  if (format === 'yaml') {
    yield 'apiVersion: v1\nkind: List\nitems:';
    for (const item of items) yield `${count++ === 0 ? '\n' : ''}${yamlOf([item])}`;
    if (count === 0) yield ' []\n';
    return;
  }
  yield '{\n  "apiVersion": "v1",\n  "kind": "List",\n  "items": [';
  for (const item of items) {
    const text = jsonOf(item, 2).replaceAll('\n', '\n    ');
    yield `${count++ === 0 ? '' : ','}\n    ${text}`;
  }
  yield count === 0 ? ']\n}\n' : '\n  ]\n}\n';
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
