// The chart as users have it who upgrade: taken from the history of this repository.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
const CHART = 'charts/dhcp-operator';
const EXAMPLES = 'crds/examples';

/** A commit from which a chart can be upgraded. */
export interface Previous {
  readonly commit: string;
  /** Whether its chart is another one than that of the working tree. */
  readonly differs: boolean;
}

/**
 * The newest commit whose chart differs from the working tree's. That of the very last commit mostly does not, as most commits
 * leave the chart alone, and an upgrade that changes nothing proves little. Where the chart has been the same ever since, the
 * last commit but one; where there is none of them, a text that says so.
 */
export function previousCommit(): Previous | string {
  const { stdout: head, stderr, error } = git('rev-parse', '--verify', 'HEAD');
  if (head === '') return `NOT CHECKED, no history here: ${(error?.message ?? stderr).trim()}`;
  const changes = git('log', '--first-parent', '--format=%H', '--', CHART).stdout.split('\n');
  const older = changes.filter((commit) => commit !== '').map((commit) => `${commit}^`);
  for (const commit of [head, ...older]) {
    const differs = hasChart(commit) && git('diff', '--quiet', commit, '--', CHART).status === 1;
    if (differs) return { commit: fullName(commit), differs };
  }
  if (hasChart('HEAD^')) return { commit: fullName('HEAD^'), differs: false };
  return 'NOT CHECKED, there is no previous commit with a chart: git fetch --unshallow';
}

/** Puts chart and examples of a commit into a folder, and returns where they are. */
export function checkOut(
  { commit }: Previous,
  folder: string,
): { chart: string; examples: string } {
  mkdirSync(folder, { recursive: true });
  const archive = join(folder, 'archive.tar');
  execFileSync('git', ['archive', `--output=${archive}`, commit, CHART, EXAMPLES], { cwd: ROOT });
  execFileSync('tar', ['-xf', archive, '-C', folder]);
  return { chart: join(folder, CHART), examples: join(folder, EXAMPLES) };
}

function hasChart(commit: string): boolean {
  return git('cat-file', '-e', `${commit}:${CHART}/Chart.yaml`).status === 0;
}

function fullName(commit: string): string {
  return git('rev-parse', commit).stdout;
}

function git(...args: string[]): {
  stdout: string;
  stderr: string;
  status: number | null;
  error?: Error | undefined;
} {
  const { stdout, stderr, status, error } = spawnSync('git', args, { cwd: ROOT, encoding: 'utf8' });
  return { stdout: (stdout ?? '').trim(), stderr: stderr ?? '', status, error };
}
