import { type Checked, compileServers, type Report } from './compile/bindings.ts';
import type { Finding } from './compile/findings.ts';
import { compileRelays } from './compile/relays.ts';
import type { Resolve } from './compile/relayupstreams.ts';
import { type Document, keyOf, nameOf, problemOf } from './document.ts';
import type { Problem } from './problem.ts';
import type { AgentConfig } from './types/agentconfig.ts';
import type { ObjectMeta } from './types/common.ts';
import type { DhcpLease } from './types/dhcplease.ts';
import type { DhcpRelay } from './types/dhcprelay.ts';
import type { DhcpServer } from './types/dhcpserver.ts';
import { validateSpec } from './validate.ts';

/** Where objects are compiled. */
export interface CompileOptions {
  readonly kubernetes: boolean;
  /** In Kubernetes: the addresses behind references to Services and DhcpServers. */
  readonly resolve?: Resolve;
}

/** What became of the objects: those without problems are in `config`. */
export interface Compiled {
  readonly config: AgentConfig;
  readonly problems: readonly Problem[];
  /** What can be lived with, and was probably not meant. */
  readonly warnings: readonly Problem[];
  /** The objects with problems: who has an older, better one of the same key keeps that. */
  readonly rejected: ReadonlySet<Document>;
}

/** Makes of objects what an agent runs. Reads nothing, changes nothing, and never throws for what users write. */
export function compile(documents: readonly Document[], options: CompileOptions): Compiled {
  const collector = new Collector();
  const known = withoutNamesakes(documents, collector);
  const sound = known.filter((document) => hasTypes(document, collector));
  const resolve = options.kubernetes ? (options.resolve ?? unresolvable) : null;
  const relays = compileRelays(of<DhcpRelay>(sound, 'DhcpRelay'), resolve, collector);
  const servers = compileServers(
    of<DhcpServer>(sound, 'DhcpServer'),
    of<DhcpLease>(sound, 'DhcpLease'),
    { known: known.filter(({ kind }) => kind === 'DhcpServer').map(nameOf), ...options },
    collector,
  );
  const { rejected } = collector;
  return {
    config: { relays, servers },
    problems: collector.inOrder(collector.problems, documents),
    warnings: collector.inOrder(collector.warnings, documents),
    rejected,
  };
}

const unresolvable: Resolve = () => 'nothing resolves references here';

type Located = readonly [Document, Problem];

class Collector implements Report {
  readonly problems: Located[] = [];
  readonly warnings: Located[] = [];
  readonly rejected = new Set<Document>();
  private readonly shapes = new Map<Document, string[]>();

  problem(document: Document, finding: Finding): void {
    if (this.echoes(document, finding.path)) return;
    this.rejected.add(document);
    this.problems.push([document, problemOf(document, finding)]);
  }

  warn(document: Document, finding: Finding): void {
    this.warnings.push([document, problemOf(document, finding)]);
  }

  isRejected(document: Document): boolean {
    return this.rejected.has(document);
  }

  /** From here on, what is found where the shape is wrong, or around it, follows from that and is not told again. */
  shapeIsWrong(document: Document, path: string): void {
    const paths = this.shapes.get(document);
    if (paths === undefined) this.shapes.set(document, [path]);
    else paths.push(path);
  }

  inOrder(found: readonly Located[], documents: readonly Document[]): readonly Problem[] {
    const order = new Map(documents.map((document, i) => [document, i]));
    return [...found]
      .sort(([a, p], [b, q]) => order.get(a)! - order.get(b)! || p.line - q.line)
      .map(([, problem]) => problem);
  }

  private echoes(document: Document, path: string): boolean {
    return (this.shapes.get(document) ?? []).some(
      (wrong) => wrong === path || (wrong.startsWith(path) && /[.[]/.test(wrong[path.length]!)),
    );
  }
}

function withoutNamesakes(documents: readonly Document[], collector: Collector): Document[] {
  const first = new Map<string, Document>();
  return documents.filter((document) => {
    const key = keyOf(document);
    const before = first.get(key);
    if (before === undefined) {
      first.set(key, document);
      return true;
    }
    const message = `there is another ${key} in ${before.file}:${before.line}: rename one, or delete it`;
    collector.problem(document, { path: 'metadata.name', reason: 'Duplicate', message });
    return false;
  });
}

// Objects whose types hold are looked into further even if a field is unknown or a text is not what it should be, so
// that all is told at once.
function hasTypes(document: Document, collector: Collector): boolean {
  const faults = validateSpec(document.kind, document.spec);
  for (const fault of faults) collector.problem(document, fault);
  for (const { path } of faults) collector.shapeIsWrong(document, path);
  return faults.every(({ typed }) => typed);
}

function of<T extends { readonly metadata: ObjectMeta; readonly spec: unknown }>(
  documents: readonly Document[],
  kind: string,
): readonly Checked<T>[] {
  // The schema that `validateSpec` goes by is made from the very type.
  return documents
    .filter((document) => document.kind === kind)
    .map((document) => ({ document, object: document as unknown as T }));
}
