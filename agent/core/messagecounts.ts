import { MESSAGE_TYPE_NAMES } from '../../codec/v4/header.ts';

/** The label of types that nobody has registered. */
const OTHER = MESSAGE_TYPE_NAMES.length;

/** Which way a message went, seen from the client. */
export type Direction = 'request' | 'reply';

/** How many messages of which type passed which interface; nothing is allocated for a message. */
export class MessageCounts {
  private readonly requests = new Map<string, Float64Array>();
  private readonly replies = new Map<string, Float64Array>();

  request(ifname: string, type: number): void {
    count(this.requests, ifname, type);
  }

  reply(ifname: string, type: number): void {
    count(this.replies, ifname, type);
  }

  /** Forgets interfaces that are not among these: some hosts make and remove thousands a day. What had none stays. */
  keepOnly(ifnames: ReadonlySet<string>): void {
    for (const table of [this.requests, this.replies]) {
      for (const ifname of table.keys()) {
        if (ifname !== '' && !ifnames.has(ifname)) table.delete(ifname);
      }
    }
  }

  /** Calls back for each count that is not zero; `type` is DISCOVER, OFFER … or other. */
  each(visit: (direction: Direction, ifname: string, type: string, n: number) => void): void {
    for (const [direction, table] of [
      ['request', this.requests],
      ['reply', this.replies],
    ] as const) {
      for (const [ifname, counts] of table) {
        counts.forEach((n, type) => {
          if (n > 0) visit(direction, ifname, MESSAGE_TYPE_NAMES[type] ?? 'other', n);
        });
      }
    }
  }
}

function count(table: Map<string, Float64Array>, ifname: string, type: number): void {
  let counts = table.get(ifname);
  if (counts === undefined) {
    counts = new Float64Array(OTHER + 1);
    table.set(ifname, counts);
  }
  counts[Math.min(type, OTHER)]!++;
}
