import {
  encodeSubOptions,
  objectSchema,
  prefixed,
  recordFromYaml,
  subOption,
  subOptions,
} from './compound.ts';
import { copyOf, isFault, joined, type Kind } from './kind.ts';
import { listFromYaml, octets, printOctets, u32 } from './kinds.ts';

/** Data of one vendor, known by its IANA enterprise number. */
export interface ByEnterprise<T> {
  readonly enterprise: number;
  readonly data: T;
}

/** Vendor classes by enterprise: each vendor's are opaque octets behind a length octet (RFC 3925 §3). */
export const vendorClasses: Kind<readonly ByEnterprise<readonly Uint8Array[]>[]> = byEnterprise(
  'vendorClasses',
  'classes',
  {
    ...prefixed('classes', 1, octets),
    print: (value) => value.map(printOctets).join(','),
  },
);

/** Vendor options by enterprise (RFC 3925 §4): sub-options, but kept as they are when they do not read as such. */
export const vendorOptions: Kind<readonly ByEnterprise<Uint8Array>[]> = byEnterprise(
  'vendorOptions',
  'options',
  {
    ...subOptions,
    decode: (bytes) => copyOf(bytes),
    fromYaml: (yaml) => {
      const result = listFromYaml(yaml, subOption);
      return isFault(result) ? result : { value: encodeSubOptions(result.value) };
    },
  },
);

/** Enterprise number, length octet, data; as often as there are vendors. */
function byEnterprise<T>(
  name: string,
  field: string,
  kind: Kind<T>,
): Kind<readonly ByEnterprise<T>[]> {
  const fields = { enterprise: u32, [field]: kind } as { enterprise: Kind<number> };
  const item: Kind<ByEnterprise<T>> = {
    name,
    size: null,
    example: { enterprise: 32473, [field]: kind.example },
    schema: objectSchema(fields),
    decode: (bytes) => {
      const data = kind.decode(bytes.subarray(5));
      return data === null ? null : { enterprise: u32.decode(bytes.subarray(0, 4))!, data };
    },
    encode: ({ enterprise, data }) => {
      const encoded = kind.encode(data);
      return joined([u32.encode(enterprise), Uint8Array.of(encoded.length), encoded]);
    },
    print: ({ enterprise, data }) => `enterprise ${enterprise}{${kind.print(data)}}`,
    fromYaml: (yaml) => {
      const result = recordFromYaml(yaml, fields);
      if (isFault(result)) return result;
      const data = (result.value as { [name: string]: unknown })[field] as T;
      if (kind.encode(data).length > 255)
        return { path: `.${field}`, message: 'are longer than 255 octets together: shorten them' };
      return { value: { enterprise: result.value.enterprise, data } };
    },
  };
  return { ...item, ...severalOf(item) };
}

function severalOf<T>(item: Kind<T>): Omit<Kind<readonly T[]>, 'name' | 'size'> {
  return {
    example: [item.example],
    schema: { type: 'array', minItems: 1, items: item.schema },
    decode: (bytes) => {
      const found: T[] = [];
      for (let at = 0; at < bytes.length; ) {
        const end = at + 5 + (bytes[at + 4] ?? 0);
        const one = end > bytes.length ? null : item.decode(bytes.subarray(at, end));
        if (one === null) return null;
        found.push(one);
        at = end;
      }
      return found.length === 0 ? null : found;
    },
    encode: (value) => joined(value.map(item.encode)),
    print: (value) => value.map(item.print).join(' '),
    fromYaml: (yaml) => listFromYaml(yaml, item),
  };
}
