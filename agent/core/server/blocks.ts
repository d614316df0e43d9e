import { hashBytes } from '../limit.ts';
import { OPTION } from './request.ts';

/** Options as they go on the wire, in the order that one list asks for. */
export interface Block {
  readonly bytes: Uint8Array;
  /** What it was made for. */
  readonly list: Uint8Array;
  readonly asked: boolean;
  readonly variant: number;
}

/** Options that go out whole or not at all, made for one reply. */
export type Extra = ReadonlyMap<number, Uint8Array>;

const NO_EXTRA: Extra = new Map();

/**
 * Clients of one make ask for the same list; a network sees some dozens. Who sends random lists only costs the time
 * to make a block.
 */
const BLOCKS_MAX = 256;

/** Blocks of one set of options, made when first asked for. */
export class Blocks {
  private readonly options: ReadonlyMap<number, Uint8Array>;
  private readonly forced: readonly number[];
  private readonly blocks = new Map<number, Block>();

  constructor(options: ReadonlyMap<number, Uint8Array>, forced: readonly number[]) {
    this.options = options;
    this.forced = forced;
  }

  /**
   * The block for the parameter request list bytes[at, at + length); `length` -1 when the client sent none, and gets
   * everything. `variant` numbers the additions that `extra` makes, 0 for none.
   */
  get(
    bytes: Uint8Array,
    at: number,
    length: number,
    variant: number,
    extra: () => Extra,
  ): Uint8Array {
    const asked = length >= 0;
    const hash = hashBytes(bytes, at, asked ? length : 0, variant) | 0;
    const known = this.blocks.get(hash);
    if (known !== undefined && isFor(known, bytes, at, length, variant)) return known.bytes;
    const list = asked ? Uint8Array.prototype.slice.call(bytes, at, at + length) : new Uint8Array();
    const made = this.make(list, asked, variant === 0 ? NO_EXTRA : extra());
    if (this.blocks.size >= BLOCKS_MAX) this.blocks.clear();
    this.blocks.set(hash, { bytes: made, list, asked, variant });
    return made;
  }

  private make(list: Uint8Array, asked: boolean, extra: Extra): Uint8Array {
    const { options, forced } = this;
    // Without its mask an address is of no use, so that is sent in any case (RFC 2132 §3.3: before the routers).
    const codes = new Set<number>([OPTION.subnetMask]);
    if (asked) for (const code of list) codes.add(code);
    else for (const code of [...options.keys()].sort((a, b) => a - b)) codes.add(code);
    // RFC 8925 §3.3: only for clients that ask.
    if (!asked) codes.delete(OPTION.ipv6OnlyPreferred);
    for (const code of forced) codes.add(code);
    for (const code of extra.keys()) codes.add(code);
    const parts: Uint8Array[] = [];
    for (const code of codes) {
      const option = options.get(code) ?? extra.get(code);
      if (option !== undefined) parts.push(option);
    }
    return Uint8Array.from(parts.flatMap((part) => [...part]));
  }
}

function isFor(
  block: Block,
  bytes: Uint8Array,
  at: number,
  length: number,
  variant: number,
): boolean {
  const { list, asked } = block;
  if (block.variant !== variant || asked !== length >= 0) return false;
  if (!asked) return true;
  if (list.length !== length) return false;
  for (let i = 0; i < length; i++) if (list[i] !== bytes[at + i]) return false;
  return true;
}
