import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { WallMillis } from '../../codec/machine.ts';
import { compile } from '../../crds/compile.ts';
import { readManifests } from '../../crds/manifest.ts';
import { type Converted, type ConvertRequest, convert, manifestOf } from './convert.ts';
import type { Files, SourceFile } from './source.ts';

/** 2026-01-01 12:30, when some of the leases in testdata are over. */
export const NOW = Date.UTC(2026, 0, 1, 12, 30) as WallMillis;

/** The folder of the files that the tests convert. */
export const TESTDATA = new URL('testdata/', import.meta.url).pathname;

/** Reads nothing but what it is given, by its name. */
export function filesOf(texts: { readonly [name: string]: string }): Files {
  return {
    read: (path) => texts[basename(path)] ?? null,
    list: () => Object.keys(texts),
  };
}

/** A file of testdata. */
export function testFile(name: string): SourceFile {
  return { path: TESTDATA + name, text: readFileSync(TESTDATA + name, 'utf8') };
}

/** Converts a text, alone unless there is more in `request`. */
export function converted(text: string, request: Partial<ConvertRequest> = {}): Converted {
  return convert({
    config: { path: '/etc/the.conf', text },
    from: null,
    leases: [],
    naming: {},
    interfaces: ['eth0'],
    files: filesOf({}),
    leasesAsObjects: true,
    now: NOW,
    ...request,
  });
}

/** What is wrong with the manifests that come out, as `validate` would say it. */
export function problemsOf(result: Converted): string[] {
  const { documents, problems } = readManifests([{ file: 'out.yaml', text: manifestOf(result) }]);
  const compiled = compile(documents, { kubernetes: false });
  return [...problems, ...compiled.problems].map(({ path, message }) => `${path}: ${message}`);
}
