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
  /** Files in which nothing stands: their disk may have been full when they were written. */
  readonly blank: readonly string[];
}

/**
 * Reads and compiles manifests, and `more` as if they lay beside, apart from what they want of servers that are not
 * there: without a server they are not even read. Throws an Error of one line when a file cannot be read.
 */
export function loadManifests(
  paths: readonly string[],
  more: () => readonly ManifestFile[] = () => [],
): Loaded {
  const files = readManifestFiles(paths);
  const blank = files.filter(({ text }) => text.trim() === '').map(({ file }) => file);
  const read = readManifests(files);
  const servers = new Set(read.documents.filter(({ kind }) => kind === 'DhcpServer').map(nameOf));
  const beside = readManifests(servers.size > 0 ? more() : []);
  // Another agent may keep its state in the same place, and a server may come back.
  const own = beside.documents.filter((document) => servers.has(serverOf(document) ?? ''));
  const documents = [...read.documents, ...own];
  const compiled = compile(documents, STANDALONE);
  const problems = [...read.problems, ...beside.problems];
  return {
    ...compiled,
    documents,
    problems: [...problems, ...compiled.problems],
    warnings: [...read.warnings, ...beside.warnings, ...compiled.warnings],
    complete: problems.length === 0 && blank.length === 0,
    blank,
  };
}

/** The server that a DhcpLease is about; null when it does not say, or is something else. */
function serverOf({ kind, metadata, spec }: Document): string | null {
  const name = (spec as Partial<DhcpLeaseSpec> | null)?.serverRef?.name;
  if (kind !== 'DhcpLease' || typeof name !== 'string') return null;
  return nameOf({ metadata: { ...metadata, name } });
}

const STANDALONE = { kubernetes: false } as const;
const KEEPS = '; what was accepted before keeps running';
/** How many objects a line of the log names. */
const NAMED_MAX = 20;

function brief(keys: readonly string[]): readonly string[] {
  const more = keys.length - NAMED_MAX;
  return more > 0 ? [...keys.slice(0, NAMED_MAX), `and ${more} more`] : keys;
}

function first([key]: readonly [string, Document]): string {
  return key;
}

function isOther(before: Document | undefined, after: Document): boolean {
  return before !== undefined && JSON.stringify(before.spec) !== JSON.stringify(after.spec);
}

/** Follows manifests on disk: an object that has problems keeps running as it was last accepted. */
export class Standalone {
  rejectedObjects = 0;
  private accepted = new Map<string, Document>();
  private told = false;
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
    const { problems } = loadManifests(this.paths, () => [...others, file]);
    return problems.filter((problem) => problem.file === file.file);
  }

  /** Reads everything again and applies what is good. Returns whether all of it was. */
  reload(): boolean {
    let loaded: Loaded;
    try {
      loaded = loadManifests(this.paths, this.intents);
    } catch (error) {
      // A file that is being replaced may be away for a moment.
      this.log.error(`${(error as Error).message}${this.accepted.size > 0 ? KEEPS : ''}`);
      return false;
    }
    for (const warning of loaded.warnings) this.log.warn(formatProblem(warning));
    for (const problem of loaded.problems) this.log.error(formatProblem(problem));
    for (const file of loaded.blank)
      this.log.warn(`${file}: is empty${this.accepted.size > 0 ? KEEPS : ''}`);
    this.rejectedObjects = loaded.rejected.size;
    const documents = this.withLastGood(loaded);
    const { config, rejected } = compile(documents, STANDALONE);
    const before = this.accepted;
    this.accepted = new Map(
      documents.filter((one) => !rejected.has(one)).map((one) => [keyOf(one), one]),
    );
    const good = loaded.problems.length === 0;
    this.tell(before, good);
    this.apply(config);
    return good;
  }

  // Where there are problems, they say why nothing runs.
  private tell(before: ReadonlyMap<string, Document>, good: boolean): void {
    const after = this.accepted;
    const added = [...after.keys()].filter((key) => !before.has(key));
    const removed = [...before.keys()].filter((key) => !after.has(key));
    const changed = [...after].filter(([key, one]) => isOther(before.get(key), one)).map(first);
    const lists = { added: brief(added), changed: brief(changed), removed: brief(removed) };
    const news = added.length + changed.length + removed.length > 0;
    if (news) this.log.info(lists, 'manifests applied');
    const runs = [...after.keys()].some((key) => !key.startsWith('DhcpLease/'));
    if (good && !runs && (news || !this.told))
      this.log.warn('there is no DhcpRelay or DhcpServer to run');
    this.told = true;
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
