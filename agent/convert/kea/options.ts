import { unhex } from '../../../codec/hardware.ts';
import { joined, utf8 } from '../../../codec/v4/kind.ts';
import { OPTION } from '../../../codec/v4/options.ts';
import { putOption } from '../levels.ts';
import type { Level } from '../model.ts';
import type { Report } from '../report.ts';
import { encodeValues, isUnencodable } from '../values.ts';
import type { Fields } from './fields.ts';
import { DHCP4, encapsulate, type KnownOption, type Spaces } from './spaces.ts';

/** A level, with what its options are made of. */
export interface OptionScope {
  readonly level: Level;
  readonly parent: OptionScope | null;
  readonly spaces: Spaces;
  /** Own values of options that hold others. */
  readonly holders: Map<number, { readonly data: Uint8Array; readonly space: string }>;
  /** Options of spaces that are in others. */
  readonly held: Map<string, Map<number, Uint8Array>>;
}

/** A level inside another. */
export function newOptionScope(
  level: Level,
  parent: OptionScope | null,
  spaces: Spaces,
): OptionScope {
  return { level, parent, spaces, holders: new Map(), held: new Map() };
}

/** Takes `option-data` into a level. */
export function readOptions(fields: Fields, scope: OptionScope, report: Report): void {
  for (const entry of fields.objects('option-data')) readOption(entry, scope, report);
  const touched = new Set(scope.held.keys());
  for (const [code, { space }] of allHolders(scope)) {
    if (!scope.holders.has(code) && !touched.has(space)) continue;
    const { data } = allHolders(scope).get(code)!;
    scope.level.options.set(code, joined([data, encapsulate(merged(scope, space))]));
  }
  for (const space of touched) {
    const enterprise = Number(/^vendor-(\d{1,10})$/.exec(space)?.[1] ?? Number.NaN);
    if (!Number.isNaN(enterprise)) setVendorOptions(enterprise, merged(scope, space), scope.level);
  }
}

function readOption(entry: Fields, scope: OptionScope, report: Report): void {
  const name = entry.text('name');
  const code = entry.number('code');
  const space = entry.text('space') ?? DHCP4;
  const what = `option ${name ?? code}`;
  const mention = { place: entry.place, what, report };
  const known = scope.spaces.find(space, name, code);
  if (known === null) {
    report.add(
      entry.place,
      what,
      'the option is not known',
      'write it by its code in options.custom',
    );
    return;
  }
  const data = dataOf(entry, known);
  if (typeof data === 'string') {
    report.add(entry.place, what, data, 'write its value in options');
    return;
  }
  place(known, data, scope, mention);
  if (entry.boolean('always-send') === true && space === DHCP4) scope.level.force.add(known.code);
  if (entry.boolean('never-send') === true && space === DHCP4) {
    scope.level.force.delete(known.code);
    scope.level.suppress.add(known.code);
  }
  entry.rest(what, { comment: null, 'user-context': null, 'client-classes': CLASSES }, report);
}

const CLASSES = ['is for some classes of clients', 'move it to these classes'] as const;

function place(
  known: KnownOption,
  data: Uint8Array,
  scope: OptionScope,
  mention: Parameters<typeof putOption>[3],
): void {
  const { space, code, encapsulates } = known;
  if (space !== DHCP4) {
    const others = scope.held.get(space);
    if (others !== undefined) others.set(code, data);
    else scope.held.set(space, new Map([[code, data]]));
  } else if (code === OPTION.vendorIdentifyingOptions && data.length === 4) {
    // The enterprise alone; its options come from their space, if there are any.
    scope.level.options.set(code, joined([data, Uint8Array.of(0)]));
  } else if (encapsulates !== null) {
    scope.holders.set(code, { data, space: encapsulates });
  } else {
    putOption(scope.level, code, data, mention);
  }
}

function setVendorOptions(
  enterprise: number,
  options: ReadonlyMap<number, Uint8Array>,
  level: Level,
): void {
  const inner = encapsulate(options);
  if (inner.length > 255) return;
  const number = [24, 16, 8, 0].map((shift) => (enterprise >>> shift) & 0xff);
  const data = joined([Uint8Array.from([...number, inner.length]), inner]);
  level.options.set(OPTION.vendorIdentifyingOptions, data);
}

function allHolders(scope: OptionScope): Map<number, { data: Uint8Array; space: string }> {
  const outer = scope.parent === null ? [] : allHolders(scope.parent);
  return new Map([...outer, ...scope.holders]);
}

function merged(scope: OptionScope, space: string): Map<number, Uint8Array> {
  const outer = scope.parent === null ? [] : merged(scope.parent, space);
  return new Map([...outer, ...(scope.held.get(space) ?? [])]);
}

/** The octets of an option, or why there are none. */
function dataOf(entry: Fields, { format, code, space }: KnownOption): Uint8Array | string {
  const text = entry.text('data') ?? '';
  const isList = entry.boolean('csv-format') ?? format !== null;
  if (!isList || format === null || format.fields[0] === 'octets') {
    return octetsOf(text) ?? `"${text}" is not in hex`;
  }
  const values = text === '' ? [] : splitList(text);
  const isOneText =
    format.fields.length === 1 && format.fields[0] === 'text' && format.repeat === 'no';
  if (values.length === 0 && space === DHCP4) return new Uint8Array();
  const words = isOneText ? [text.replaceAll('\\,', ',')] : values;
  const written = words.map((word, i) => {
    const type = format.fields[Math.min(i, format.fields.length - 1)];
    const octets = type === 'octets' ? octetsOf(word) : null;
    return octets === null ? { word } : { octets };
  });
  const encoded = encodeValues(format, written, space === DHCP4 ? code : undefined);
  return isUnencodable(encoded) ? encoded.fault : encoded;
}

/** `'text'`, or hex as Kea takes it; null when it is neither. */
export function octetsOf(text: string): Uint8Array | null {
  const quoted = /^\s*'(.*)'\s*$/s.exec(text);
  if (quoted !== null) return utf8(quoted[1]!);
  const digits = text.replace(/^0x/i, '').replace(/[\s:]/g, '');
  return unhex(digits.length % 2 === 1 ? `0${digits}` : digits);
}

function splitList(text: string): string[] {
  return text
    .split(/(?<!\\),/)
    .map((part) => part.trim().replaceAll('\\,', ','))
    .filter((part, i, all) => part !== '' || all.length > 1 || i > 0);
}
