import { globSync, readFileSync } from 'node:fs';
import { parseSample, type Sample } from '../codec/corpus.ts';

/** Where the corpus lies. */
export const CORPUS = `${import.meta.dirname}/../codec/corpus`;

/** A message of the corpus and the name of its file, without the ending. */
export interface NamedSample extends Sample {
  readonly name: string;
}

/** All messages of the corpus, by name; throws on a file that is none. */
export function readCorpus(): readonly NamedSample[] {
  return globSync('*.hex', { cwd: CORPUS })
    .sort()
    .map((file) => {
      const sample = parseSample(readFileSync(`${CORPUS}/${file}`, 'utf8'));
      if (sample === null) throw new Error(`${file}: no comment line, or no hex`);
      return { name: file.replace(/\.hex$/, ''), ...sample };
    });
}
