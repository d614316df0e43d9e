import { unhex } from '../../codec/hardware.ts';
import { utf8 } from '../../codec/v4/kind.ts';
import { nearest } from '../nearest.ts';
import type { Template, TemplateField, TemplatePart } from '../types/agentconfig.ts';
import type { Findings } from './findings.ts';

/** What a template may ask for. */
const TEMPLATE_FIELDS: readonly TemplateField[] = [
  'interface',
  'vlan',
  'mac',
  'address',
  'node',
  'relay',
];

/** Option 82 has 255 octets of data, and a sub-option a code and a length in front (RFC 3046 §2.0). */
const OCTETS_MAX = 253;

/** Parses the text of a sub-option: `hex:` and octets, or text with `{fields}`; null when it is neither. */
export function compileTemplate(text: string, path: string, findings: Findings): Template | null {
  const parts = text.startsWith('hex:')
    ? hexPart(text.slice(4), path, findings)
    : textParts(text, path, findings);
  if (parts === null) return null;
  const octets = literalOctets(parts);
  if (parts.length === 0 || (octets === 0 && !parts.some(({ kind }) => kind === 'field'))) {
    findings.problem(path, 'Empty', 'is empty: write what to send, or leave it out');
    return null;
  }
  if (octets > OCTETS_MAX) {
    const message = `is ${octets} octets long; a sub-option has room for ${OCTETS_MAX}: shorten it`;
    findings.problem(path, 'TooLong', message);
    return null;
  }
  return parts;
}

/** Octets that are there whatever the fields say. */
export function literalOctets(template: Template): number {
  return template.reduce((sum, part) => sum + (part.kind === 'bytes' ? part.bytes.length : 0), 0);
}

function hexPart(digits: string, path: string, findings: Findings): Template | null {
  const bytes = unhex(digits.trim());
  if (bytes !== null) return [{ kind: 'bytes', bytes }];
  const message = `"${digits}" is not hex: write octets as hex:0104 or hex:01:04`;
  findings.problem(path, 'InvalidHex', message);
  return null;
}

function textParts(text: string, path: string, findings: Findings): Template | null {
  const parts: TemplatePart[] = [];
  let literal = '';
  let sound = true;
  for (const [token, name] of text.matchAll(/\{\{|\{([^{}]*)\}|\{|[^{]+/g)) {
    if (token === '{{') {
      literal += '{';
    } else if (!token.startsWith('{')) {
      literal += token;
    } else if (name !== undefined && isField(name)) {
      if (literal !== '') parts.push({ kind: 'bytes', bytes: utf8(literal) });
      literal = '';
      parts.push({ kind: 'field', field: name });
    } else {
      sound = false;
      findings.problem(path, 'UnknownPlaceholder', faultOf(name));
    }
  }
  if (literal !== '') parts.push({ kind: 'bytes', bytes: utf8(literal) });
  return sound ? parts : null;
}

function isField(name: string): name is TemplateField {
  return (TEMPLATE_FIELDS as readonly string[]).includes(name);
}

function faultOf(name: string | undefined): string {
  if (name === undefined) return 'has a "{" without "}": write "{{" for a brace';
  const meant = nearest(name, TEMPLATE_FIELDS);
  const known = TEMPLATE_FIELDS.map((field) => `{${field}}`).join(', ');
  const hint = meant === null ? `known are ${known}` : `did you mean "{${meant}}"?`;
  return `"{${name}}" stands for nothing; ${hint}; write "{{" for a brace`;
}
