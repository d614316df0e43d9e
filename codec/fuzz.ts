import type { Sample } from './corpus.ts';

/** Where mutated messages go; it throws when the code it drives is wrong. */
export interface Target {
  readonly name: string;
  readonly run: (bytes: Uint8Array) => void;
}

/** An input that made a target throw. */
export interface Finding {
  readonly target: string;
  readonly bytes: Uint8Array;
  readonly error: unknown;
}

/** A sequence of numbers that is the same for the same seed (Mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 to `limit` - 1; 0 when `limit` is 0. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * limit);
  }
}

/** Runs `count` mutants of the corpus through every target; stops at the first finding. */
export function fuzz(
  corpus: readonly Sample[],
  targets: readonly Target[],
  random: Random,
  count: number,
): Finding | null {
  for (let i = 0; i < count; i++) {
    const bytes = mutant(corpus, random);
    for (const target of targets) {
      const finding = attempt(target, bytes);
      if (finding !== null) return finding;
    }
  }
  return null;
}

/** Runs one input; the target gets a copy, so that a finding is what went in. */
export function attempt(target: Target, bytes: Uint8Array): Finding | null {
  try {
    target.run(Uint8Array.from(bytes));
    return null;
  } catch (error) {
    return { target: target.name, bytes, error };
  }
}

/** A message of the corpus with one to six things changed. */
export function mutant(corpus: readonly Sample[], random: Random): Uint8Array {
  let bytes = corpus[random.below(corpus.length)]!.bytes;
  const other = corpus[random.below(corpus.length)]!.bytes;
  for (let changes = 1 + random.below(6); changes > 0; changes--) {
    const mutation = MUTATIONS[random.below(MUTATIONS.length)]!;
    bytes = mutation(bytes, random, other).subarray(0, LENGTH_MAX);
  }
  return bytes;
}

/** Larger than any Ethernet frame carries, small enough for many inputs a second. */
const LENGTH_MAX = 4096;
const OPTIONS = 240;
/** Octets on which decoders turn: pad and end, lengths around their limits, label types, overload. */
const TURNING = [
  0, 1, 2, 3, 4, 5, 7, 32, 33, 52, 53, 63, 64, 82, 119, 121, 127, 128, 192, 254, 255,
];

type Mutation = (bytes: Uint8Array, random: Random, other: Uint8Array) => Uint8Array;

const MUTATIONS: readonly Mutation[] = [
  function flipBit(bytes, random) {
    const at = random.below(bytes.length);
    return changed(bytes, at, (bytes[at] ?? 0) ^ (1 << random.below(8)));
  },
  function setTurningOctet(bytes, random) {
    return changed(bytes, random.below(bytes.length), TURNING[random.below(TURNING.length)]!);
  },
  function setOctetOfOptions(bytes, random) {
    const at = OPTIONS + random.below(bytes.length - OPTIONS);
    return changed(bytes, at, random.below(256));
  },
  function cut(bytes, random) {
    return bytes.slice(0, random.below(bytes.length + 1));
  },
  function cutNearEnd(bytes, random) {
    return bytes.slice(0, Math.max(0, bytes.length - random.below(16)));
  },
  function removePiece(bytes, random) {
    const at = random.below(bytes.length);
    return spliced(bytes, at, random.below(16), new Uint8Array());
  },
  function repeatPiece(bytes, random) {
    const at = random.below(bytes.length);
    return spliced(bytes, at, 0, bytes.subarray(at, at + random.below(64)));
  },
  function takePieceOfOther(bytes, random, other) {
    const from = OPTIONS + random.below(other.length - OPTIONS);
    const piece = other.subarray(from, from + random.below(300));
    return spliced(bytes, OPTIONS + random.below(bytes.length - OPTIONS), 0, piece);
  },
  function joinHalves(bytes, random, other) {
    const at = random.below(Math.min(bytes.length, other.length));
    return spliced(bytes, at, bytes.length, other.subarray(at));
  },
  function insertOption(bytes, random) {
    const at = optionAt(bytes, random);
    return spliced(bytes, at, 0, randomOption(random));
  },
  function repeatOption(bytes, random) {
    const at = optionAt(bytes, random);
    return spliced(bytes, optionAt(bytes, random), 0, bytes.subarray(at, nextOption(bytes, at)));
  },
  function removeOption(bytes, random) {
    const at = optionAt(bytes, random);
    return spliced(bytes, at, nextOption(bytes, at) - at, new Uint8Array());
  },
  function setLengthOfOption(bytes, random) {
    const at = optionAt(bytes, random);
    return changed(bytes, at + 1, random.below(256));
  },
  function setCodeOfOption(bytes, random) {
    return changed(bytes, optionAt(bytes, random), random.below(256));
  },
  function overload(bytes, random) {
    const option = Uint8Array.of(52, 1, random.below(4));
    return spliced(bytes, optionAt(bytes, random), 0, option);
  },
  function optionsInNames(bytes, random, other) {
    const copy = Uint8Array.from(bytes);
    const at = Math.min(44 + random.below(192), copy.length);
    copy.set(other.subarray(OPTIONS, OPTIONS + Math.min(192, copy.length - at)), at);
    return copy;
  },
];

function changed(bytes: Uint8Array, at: number, octet: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  if (at < copy.length) copy[at] = octet;
  return copy;
}

function spliced(bytes: Uint8Array, at: number, remove: number, insert: Uint8Array): Uint8Array {
  const start = Math.min(at, bytes.length);
  const rest = bytes.subarray(Math.min(start + remove, bytes.length));
  const copy = new Uint8Array(start + insert.length + rest.length);
  copy.set(bytes.subarray(0, start));
  copy.set(insert, start);
  copy.set(rest, start + insert.length);
  return copy;
}

/** Where some option of the options field begins, or its end. */
function optionAt(bytes: Uint8Array, random: Random): number {
  let at = OPTIONS;
  for (let skip = random.below(12); skip > 0 && at < bytes.length && bytes[at] !== 255; skip--)
    at = nextOption(bytes, at);
  return Math.min(at, bytes.length);
}

function nextOption(bytes: Uint8Array, at: number): number {
  return Math.min(bytes.length, bytes[at] === 0 ? at + 1 : at + 2 + (bytes[at + 1] ?? 0));
}

function randomOption(random: Random): Uint8Array {
  const length = random.below(8) === 0 ? random.below(256) : random.below(24);
  const option = Uint8Array.from({ length: 2 + length }, () =>
    random.below(2) === 0 ? random.below(256) : TURNING[random.below(TURNING.length)]!,
  );
  option[1] = length;
  return option;
}
