import type { Logger } from 'pino';
import { type Compiled, compile } from '../crds/compile.ts';
import { type Document, keyOf, nameOf } from '../crds/document.ts';
import { readManifests } from '../crds/manifest.ts';
import { formatProblem, type Problem } from '../crds/problem.ts';
import type { AgentConfig } from '../crds/types/agentconfig.ts';
import type { DhcpLeaseSpec } from '../crds/types/dhcplease.ts';
import { type ManifestFile, readManifestFiles } from './files.ts';

/** What the files say: what can run, and what is wrong with the rest. */
export interface Loaded extends Compiled {
  readonly documents: readonly Document[];
  /** Whether every file could be read as manifests at all; if not, objects may be missing. */
  readonly complete: boolean;
}

/**
 * Reads and compiles manifests, and `more` as if they lay beside, apart from what they want of servers that are not
 * there; throws an Error of one line when a file cannot be read.
 */
export function loadManifests(
  paths: readonly string[],
  more: readonly ManifestFile[] = [],
): Loaded {
  const read = readManifests(readManifestFiles(paths));
  const beside = readManifests(more);
  // Another agent may keep its state in the same place, and a server may come back.
  const servers = new Set(read.documents.filter(({ kind }) => kind === 'DhcpServer').map(nameOf));
  const own = beside.documents.filter((document) => servers.has(serverOf(document) ?? ''));
  const documents = [...read.documents, ...own];
  const compiled = compile(documents, STANDALONE);
  const problems = [...read.problems, ...beside.problems];
  return {
    ...compiled,
    documents,
    problems: [...problems, ...compiled.problems],
    warnings: [...read.warnings, ...beside.warnings, ...compiled.warnings],
    complete: problems.length === 0,
  };
}

/** The server that a DhcpLease is about; null when it does not say, or is something else. */
function serverOf({ kind, metadata, spec }: Document): string | null {
  const name = (spec as Partial<DhcpLeaseSpec> | null)?.serverRef?.name;
  if (kind !== 'DhcpLease' || typeof name !== 'string') return null;
  return nameOf({ metadata: { ...metadata, name } });
}

const STANDALONE = { kubernetes: false } as const;

/** Follows manifests on disk: an object that has problems keeps running as it was last accepted. */
export class Standalone {
  rejectedObjects = 0;
  private accepted = new Map<string, Document>();
  private readonly paths: readonly string[];
  private readonly log: Logger;
  private readonly apply: (config: AgentConfig) => void;
  private readonly intents: () => readonly ManifestFile[];

  /** `intents` are the manifests that commands have written. */
  constructor(
    paths: readonly string[],
    log: Logger,
    apply: (config: AgentConfig) => void,
    intents: () => readonly ManifestFile[] = () => [],
  ) {
    this.paths = paths;
    this.log = log;
    this.apply = apply;
    this.intents = intents;
  }

  /** What would be wrong with a manifest if commands wrote it; throws as `loadManifests` does. */
  tryOut(file: ManifestFile): readonly Problem[] {
    const others = this.intents().filter((other) => other.file !== file.file);
    const { problems } = loadManifests(this.paths, [...others, file]);
    return problems.filter((problem) => problem.file === file.file);
  }

  /** Reads everything again and applies what is good. Returns whether all of it was. */
  reload(): boolean {
    let loaded: Loaded;
    try {
      loaded = loadManifests(this.paths, this.intents());
    } catch (error) {
      // A file that is being replaced may be away for a moment.
      this.log.error(`${(error as Error).message}; what was accepted before keeps running`);
      return false;
    }
    for (const warning of loaded.warnings) this.log.warn(formatProblem(warning));
    for (const problem of loaded.problems) this.log.error(formatProblem(problem));
    this.rejectedObjects = loaded.rejected.size;
    const documents = this.withLastGood(loaded);
    const { config, rejected } = compile(documents, STANDALONE);
    this.accepted = new Map(
      documents.filter((one) => !rejected.has(one)).map((one) => [keyOf(one), one]),
    );
    this.apply(config);
    return loaded.problems.length === 0;
  }

  // The good objects, and of those that were refused what was accepted of them before. Of a file that is no YAML nobody
  // knows what it holds, so then nothing that ran goes away.
  private withLastGood(loaded: Loaded): Document[] {
    const good = loaded.documents.filter((one) => !loaded.rejected.has(one));
    const keys = new Set(good.map(keyOf));
    const refused = new Set([...loaded.rejected].map(keyOf));
    const kept = [...this.accepted].filter(
      ([key]) => !keys.has(key) && (refused.has(key) || !loaded.complete),
    );
    return [...good, ...kept.map(([, document]) => document)];
  }
}
