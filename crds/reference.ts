import { OPTIONS } from '../codec/v4/options.ts';
import { API_VERSION, KINDS } from './kinds.ts';
import { choiceText, type Field } from './structural.ts';

/** The reference of all kinds and options, in Markdown. `fields` describes whole objects by kind. */
export function referenceOf(fields: ReadonlyMap<string, Field>, banner: string): string {
  const kinds = KINDS.map(({ kind }) => `[${kind}](#${kind.toLowerCase()})`);
  const lines = [
    `<!-- ${banner} -->`,
    '',
    '# Reference',
    '',
    `Objects of \`${API_VERSION}\`: ${kinds.join(', ')}. They share the table of [DHCP options](#dhcp-options).`,
    '',
    'Durations are written as `90s`, `8h` or `1h30m` (units `ms`, `s`, `m`, `h`, `d`), addresses as `192.0.2.1`,',
    'networks as `192.0.2.0/24`. A field in **bold** is required.',
    '',
  ];
  for (const { kind, plural, shortName } of KINDS) {
    const top = fields.get(kind)!;
    lines.push(`## ${kind}`, '', top.description ?? '', '');
    lines.push(`\`kubectl get ${plural}\`, or \`kubectl get ${shortName}\` for short.`, '');
    for (const part of ['spec', 'status']) lines.push(...partOf(top, part));
  }
  lines.push(...optionLines());
  return `${lines.join('\n')}\n`;
}

function partOf(top: Field, part: string): string[] {
  const head = ['| Field | Type | Default | |', '|---|---|---|---|'];
  return [`### \`${part}\``, '', ...head, ...rowsOf(top.properties![part]!, part), ''];
}

function rowsOf(field: Field, path: string): string[] {
  const required = field.required ?? [];
  return Object.entries(field.properties ?? {}).flatMap(([name, inner]) => {
    const here = `${path}.${name}`;
    const shown = required.includes(name) ? `**\`${here}\`**` : `\`${here}\``;
    const value = inner.default === undefined ? '' : `\`${JSON.stringify(inner.default)}\``;
    const row = `| ${shown} | ${cell(typeOf(inner))} | ${cell(value)} | ${cell(aboutOf(inner))} |`;
    const list = inner.items !== undefined;
    return [row, ...rowsOf(inner.items ?? inner, list ? `${here}[]` : here)];
  });
}

function typeOf(field: Field): string {
  if (field.optionTable === true) return '[options](#dhcp-options)';
  if (field.items !== undefined) return `list of ${typeOf(field.items)}`;
  if (field.values !== undefined) return `map of ${typeOf(field.values)}`;
  const words = (field.enum ?? field.words ?? []).map((word) => `\`${word}\``);
  if (field.enum !== undefined) return words.join(', ');
  return [...words, field.format ?? field.type].join(' or ');
}

function aboutOf(field: Field): string {
  const whole = field.items ?? field;
  const rules = (whole.exactlyOneOf ?? [])
    .map((choice) => `Exactly one of ${choiceText(choice)}.`)
    // Most types say so in their own words.
    .filter(() => !/exactly one of/i.test(field.description ?? ''));
  const key = field.listMapKey === undefined ? '' : `No two share \`${field.listMapKey}\`.`;
  const texts = [field.description ?? '', ...rules, key, rangeOf(field)];
  return texts.filter((text) => text !== '').join(' ');
}

function rangeOf({ minimum, maximum, maxItems }: Field): string {
  if (maxItems !== undefined) return `At most ${maxItems}.`;
  if (minimum === undefined && maximum === undefined) return '';
  if (maximum === undefined) return `From ${minimum} on.`;
  return `From ${minimum ?? 0} to ${maximum}.`;
}

function optionLines(): string[] {
  const rows = OPTIONS.map(({ code, name, title, kind, rfc, settable }) => {
    const example = settable ? `\`${JSON.stringify(kind.example)}\`` : '';
    return `| ${code} | \`${name}\` | ${cell(title)} | ${kind.name} | ${cell(example)} | ${rfc} |`;
  });
  return [
    '## DHCP options',
    '',
    'What `options:` takes, besides `custom`, `force`, `suppress` and `fromServices`. Options without an example are made by the protocol',
    'itself; a code that is not listed can be given in `custom`.',
    '',
    '| Code | Name | | Kind | Example | Specified in |',
    '|---|---|---|---|---|---|',
    ...rows,
  ];
}

function cell(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|');
}
