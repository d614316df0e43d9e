import { ConvertError } from '../fault.ts';
import type { Place, Report } from '../report.ts';
import type { Json } from './json.ts';

/** Reads the fields of an object, and knows afterwards which it was not asked for. */
export class Fields {
  readonly place: Place;
  private readonly fields: ReadonlyMap<string, Json>;
  private readonly asked = new Set<string>();

  /** `what` is the object's in messages. */
  constructor(json: Json, what: string) {
    if (!(json.value instanceof Map)) throw new ConvertError(json.place, `${what} is no object`);
    this.fields = json.value;
    this.place = json.place;
  }

  /** Where a field stands, or the object when it does not. */
  placeOf(name: string): Place {
    return this.fields.get(name)?.place ?? this.place;
  }

  get(name: string): Json | undefined {
    this.asked.add(name);
    const json = this.fields.get(name);
    return json?.value === null ? undefined : json;
  }

  /** An empty text is as good as none. */
  text(name: string): string | undefined {
    const json = this.get(name);
    if (json === undefined || json.value === '') return undefined;
    if (typeof json.value === 'string') return json.value;
    throw new ConvertError(json.place, `${name} is no text`);
  }

  number(name: string): number | undefined {
    const json = this.get(name);
    if (json === undefined || typeof json.value === 'number') return json?.value as number;
    throw new ConvertError(json.place, `${name} is no number`);
  }

  boolean(name: string): boolean | undefined {
    const json = this.get(name);
    if (json === undefined || typeof json.value === 'boolean') return json?.value as boolean;
    throw new ConvertError(json.place, `${name} is neither true nor false`);
  }

  list(name: string): readonly Json[] {
    const json = this.get(name);
    if (json === undefined) return [];
    if (Array.isArray(json.value)) return json.value as readonly Json[];
    throw new ConvertError(json.place, `${name} is no list`);
  }

  texts(name: string): { readonly text: string; readonly place: Place }[] {
    return this.list(name).map(({ value, place }) => {
      if (typeof value !== 'string') throw new ConvertError(place, `${name} is a list of texts`);
      return { text: value, place };
    });
  }

  objects(name: string): Fields[] {
    return this.list(name).map((json) => new Fields(json, `an entry of ${name}`));
  }

  object(name: string): Fields | undefined {
    const json = this.get(name);
    return json === undefined ? undefined : new Fields(json, name);
  }

  /** Reports what was not asked for, by a table of why and what to do; null in it is not missed. */
  rest(what: string, table: Remedies, report: Report): void {
    for (const [name, { place, value }] of this.fields) {
      if (this.asked.has(name) || isNothing(value)) continue;
      const entry = table[name];
      if (entry === null) continue;
      const [why, remedy] = entry ?? [
        'is not known here',
        'look in the reference for what comes near',
      ];
      report.add(place, what === '' ? name : `${what}, ${name}`, why, remedy);
    }
  }
}

/** Why a field means nothing to the new server, and what to do; null for what is not missed. */
export interface Remedies {
  readonly [name: string]: readonly [string, string] | null;
}

function isNothing(value: Json['value']): boolean {
  if (value === '' || value === false || value === null) return true;
  return Array.isArray(value) ? value.length === 0 : value instanceof Map && value.size === 0;
}
