import { OPTION } from '../../../codec/v4/options.ts';
import { type Level, newLevel, type Subnet } from '../model.ts';
import type { Spaces } from './spaces.ts';

/** What a block of dhcpd.conf is about. */
export type ScopeKind = 'root' | 'group' | 'shared' | 'subnet' | 'pool' | 'host' | 'class' | 'if';

/** A block, with what its statements have set. */
export interface Scope {
  readonly kind: ScopeKind;
  readonly parent: Scope | null;
  readonly level: Level;
  /** The subnet that this is, or is in. */
  readonly subnet: Subnet | null;
  /** The shared network that this is, or is in. */
  readonly shared: string | null;
  /** Options of spaces of their own, which go into other options. */
  readonly encapsulated: Map<string, Map<number, Uint8Array>>;
  /** The class that this is. */
  className?: string;
  vendorSpace?: string;
  /** Whether clients without a `host` are answered. */
  unknownClients?: boolean;
  useHostNames?: boolean;
}

/** A block inside another. */
export function newScope(
  kind: ScopeKind,
  parent: Scope | null,
  within: { readonly subnet?: Subnet; readonly shared?: string; readonly level?: Level } = {},
): Scope {
  return {
    kind,
    parent,
    level: within.level ?? newLevel(),
    subnet: within.subnet ?? parent?.subnet ?? null,
    shared: within.shared ?? parent?.shared ?? null,
    encapsulated: new Map(),
  };
}

/** What the nearest block around has set. */
export function nearest<K extends 'vendorSpace' | 'unknownClients' | 'useHostNames'>(
  scope: Scope,
  name: K,
): Scope[K] | undefined {
  let at: Scope | null = scope;
  while (at !== null && at[name] === undefined) at = at.parent;
  return at?.[name];
}

/** The groups that a block is in, up to the block that they are in themselves. */
export function groupsAround(scope: Scope): Scope[] {
  const groups: Scope[] = [];
  for (let at = scope.parent; at?.kind === 'group'; at = at.parent) groups.push(at);
  return groups;
}

/** Puts the options of spaces of their own into those that hold them. */
export function encapsulateOptions(scope: Scope, spaces: Spaces): void {
  const vendor = nearest(scope, 'vendorSpace');
  const touched = new Set(scope.encapsulated.keys());
  if (scope.vendorSpace !== undefined) touched.add(scope.vendorSpace);
  const { options } = scope.level;
  for (const space of touched) {
    const merged = mergedOptions(scope, space);
    if (merged.size === 0) continue;
    const data = spaces.encapsulate(space, merged);
    if (space === vendor && !options.has(OPTION.vendorSpecific)) {
      options.set(OPTION.vendorSpecific, data);
    }
    for (const { code, encapsulates } of spaces.holders())
      if (encapsulates === space) options.set(code, data);
  }
}

function mergedOptions(scope: Scope, space: string): Map<number, Uint8Array> {
  const merged = new Map<number, Uint8Array>();
  for (let at: Scope | null = scope; at !== null; at = at.parent) {
    for (const [code, data] of at.encapsulated.get(space) ?? []) {
      if (!merged.has(code)) merged.set(code, data);
    }
  }
  return merged;
}
