import type { LocalCopy } from './copy.ts';

/** What is remembered of having held the Lease of a server, for a start while the API server is away. */
export interface Term {
  readonly epoch: number;
  /** Whether it was held for good: then nobody else can have taken it meanwhile. */
  readonly sole: boolean;
}

/** Reads what `writeTerm` wrote; null for anything else. */
export function readTerm(copy: LocalCopy): Term | null {
  try {
    const found: unknown = JSON.parse(copy.read() ?? 'null');
    if (typeof found !== 'object' || found === null) return null;
    const { epoch, sole } = found as Partial<Term>;
    return typeof epoch === 'number' && typeof sole === 'boolean' ? { epoch, sole } : null;
  } catch {
    return null;
  }
}

export function writeTerm(copy: LocalCopy, term: Term): void {
  copy.write(`${JSON.stringify(term)}\n`);
}
