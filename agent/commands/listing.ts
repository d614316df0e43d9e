import type { DhcpLease } from '../../crds/types/dhcplease.ts';
import { UsageError } from '../cli.ts';
import { NoAgentError, RefusedError } from './client.ts';
import type { FilterTexts } from './filter.ts';

/** What `-o` takes; the first is when nothing is said. */
export const FORMATS = ['table', 'wide', 'json', 'yaml', 'name'] as const;

/** How leases are printed. */
export type Format = (typeof FORMATS)[number];

/** What to list, and how. */
export interface Listing {
  readonly stateDir: string;
  readonly texts: FilterTexts;
  readonly format: Format;
  readonly headers: boolean;
}

/** Makes of what an agent refuses what the command line is told. */
export async function asked<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof RefusedError && error.status === 400) throw new UsageError(error.message);
    if (error instanceof NoAgentError) {
      throw new Error(`${error.message}: start one, or name its --state-dir`);
    }
    throw error;
  }
}

/** The query that asks an agent for them. */
export function parametersOf(texts: FilterTexts): URLSearchParams {
  const given = Object.entries(texts).filter(([, value]) => value !== undefined);
  return new URLSearchParams(given as [string, string][]);
}

/** Servers by name, then addresses as numbers. */
export function byAddress(a: DhcpLease, b: DhcpLease): number {
  return (
    a.spec.serverRef.name.localeCompare(b.spec.serverRef.name) ||
    numberOf(a.spec.address) - numberOf(b.spec.address)
  );
}

function numberOf(address: string): number {
  return address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
}
