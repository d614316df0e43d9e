import { unhex } from './hardware.ts';

/** A message of the corpus: who sent what, and the payload of its UDP datagram. */
export interface Sample {
  readonly title: string;
  readonly bytes: Uint8Array;
}

/** Reads a file of the corpus: a line `# client and message`, then hex with any white space; null when it is none. */
export function parseSample(text: string): Sample | null {
  const title = /^# *(\S.*)\n/.exec(text)?.[1];
  const bytes = unhex(text.replaceAll(/^#.*$/gm, '').replaceAll(/\s+/g, ''));
  return title === undefined || bytes === null ? null : { title: title.trim(), bytes };
}

/** The text of a file of the corpus, 32 octets a line. */
export function formatSample({ title, bytes }: Sample): string {
  const digits = Array.from(bytes, (octet) => octet.toString(16).padStart(2, '0')).join('');
  return `# ${title}\n${digits.replaceAll(/.{1,64}/g, '$&\n')}`;
}
