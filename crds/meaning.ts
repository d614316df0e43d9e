import { isFault } from '../codec/v4/kind.ts';
import { optionFromYaml } from '../codec/v4/options.ts';
import { type Explained, shown } from './explain.ts';
import { textFault } from './formats.ts';
import { formatPath, type Path } from './path.ts';
import type { Field } from './structural.ts';

/** What is wrong with a value beyond its type: texts that are not what they stand for, entries that are there twice. */
export function meaningFaults(field: Field, value: unknown, path: Path): Explained[] {
  if (typeof value === 'string') return textFaults(field, value, path);
  if (Array.isArray(value)) {
    const { items } = field;
    if (items === undefined) return [];
    return [
      ...duplicates(field, value, path),
      ...value.flatMap((item, i) => meaningFaults(items, item, [...path, i])),
    ];
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    const known = Object.hasOwn(field.properties ?? {}, name)
      ? field.properties![name]
      : field.values;
    const here = [...path, name];
    if (known !== undefined) return meaningFaults(known, inner, here);
    return field.optionTable === true ? optionFaults(name, inner, here) : [];
  });
}

function textFaults(field: Field, text: string, path: Path): Explained[] {
  const message = field.type === 'string' ? textFault(text, field) : null;
  if (message === null) return [];
  return [{ path: formatPath(path), reason: 'InvalidValue', message, typed: true }];
}

function optionFaults(name: string, value: unknown, path: Path): Explained[] {
  const option = optionFromYaml(name, value);
  if (!isFault(option)) return [];
  const at = `${formatPath(path)}${option.path}`;
  return [{ path: at, reason: 'InvalidOption', message: option.message, typed: true }];
}

// Kubernetes merges such lists by key, and so refuses two entries with one key.
function duplicates(field: Field, list: readonly unknown[], path: Path): Explained[] {
  const { listMapKey, unique } = field;
  if (listMapKey === undefined && unique !== true) return [];
  const first = new Map<unknown, number>();
  const faults: Explained[] = [];
  for (const [i, entry] of list.entries()) {
    const key = listMapKey === undefined ? entry : (entry as Json | null)?.[listMapKey];
    if (typeof key !== 'string' && typeof key !== 'number') continue;
    const before = first.get(key);
    if (before === undefined) {
      first.set(key, i);
      continue;
    }
    const at = formatPath(listMapKey === undefined ? [...path, i] : [...path, i, listMapKey]);
    const message = `${shown(key)} is in ${formatPath([...path, before])} already: merge the two`;
    faults.push({ path: at, reason: 'Duplicate', message, typed: true });
  }
  return faults;
}

type Json = { readonly [name: string]: unknown };
