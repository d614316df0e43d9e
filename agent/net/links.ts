import { decodeRouteMessages, LINK_AND_ADDRESS_GROUPS } from '../../codec/link/rtnetlink.ts';
import { errnoName } from './addon.ts';
import { type LinkState, LinkTable, type NextStep } from './linktable.ts';
import { NetlinkSocket } from './netlink.ts';

export type { LinkState } from './linktable.ts';

/** How to watch the links of a network namespace. */
export interface LinksOptions {
  /** Path of another network namespace (needs CAP_SYS_ADMIN); absent: our own. */
  readonly netns?: string;
  /** Kernel memory for events not yet read; when it runs over everything is asked for again. */
  readonly receiveBufferBytes?: number;
  /** The links as they are now; called once after the first dump, then at most once per turn of the event loop when something changed. */
  readonly onChange: (links: readonly LinkState[]) => void;
  /** The kernel refused a dump; it is asked again after a second. */
  readonly onError?: (error: Error) => void;
}

/** The interfaces of a network namespace and their IPv4 addresses, kept current by rtnetlink; needs no privilege. */
export class Links {
  /** Resolves once the first dump is complete and onChange was called with it; never if closed before. */
  readonly ready: Promise<void>;
  readonly #table = new LinkTable();
  readonly #options: LinksOptions;
  readonly #socket: NetlinkSocket;
  #becomeReady: () => void = () => {};
  #told: readonly LinkState[] | null = null;
  #telling: NodeJS.Immediate | undefined;
  #retry: NodeJS.Timeout | undefined;

  /** Opens the subscription and asks for everything; throws SystemError. */
  static open(options: LinksOptions): Links {
    return new Links(options);
  }

  private constructor(options: LinksOptions) {
    this.#options = options;
    this.ready = new Promise((resolve) => {
      this.#becomeReady = resolve;
    });
    const { netns, receiveBufferBytes } = options;
    this.#socket = NetlinkSocket.open({
      ...(netns === undefined ? {} : { netns }),
      ...(receiveBufferBytes === undefined ? {} : { receiveBufferBytes }),
      groups: LINK_AND_ADDRESS_GROUPS,
      onMessages: (bytes) => {
        this.#perform(this.#table.handle(bytes && decodeRouteMessages(bytes)));
      },
    });
    this.#socket.send(this.#table.start());
  }

  /** What onChange was last, or is about to be, told; empty before `ready`. */
  get snapshot(): readonly LinkState[] {
    return this.#table.complete ? this.#table.snapshot() : [];
  }

  /** Stops watching; onChange is not called again. */
  close(): void {
    clearImmediate(this.#telling);
    clearTimeout(this.#retry);
    this.#socket.close();
  }

  #perform(step: NextStep): void {
    if (step.do === 'send') this.#ask(step.request);
    if (step.do === 'startOver') this.#startOver(step.errno);
    if (this.#table.complete && this.#table.snapshot() !== this.#told) {
      this.#telling ??= setImmediate(() => this.#tell());
    }
  }

  #tell(): void {
    this.#telling = undefined;
    this.#told = this.#table.snapshot();
    this.#options.onChange(this.#told);
    this.#becomeReady();
  }

  #ask(request: Uint8Array): void {
    try {
      this.#socket.send(request);
    } catch (error) {
      this.#retryAfter(error as Error);
    }
  }

  #startOver(errno: number): void {
    this.#retryAfter(new Error(`dump links: the kernel answers ${errnoName(errno)}`));
  }

  #retryAfter(error: Error): void {
    this.#options.onError?.(error);
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#ask(this.#table.start()), RETRY_MILLIS);
  }
}

// Long enough not to be a load, short enough that a passing lack of memory goes unnoticed.
const RETRY_MILLIS = 1000;
