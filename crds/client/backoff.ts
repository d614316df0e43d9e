import type { Millis } from '../../codec/machine.ts';
import type { KubeError, KubeFailure } from './kube.ts';

/** Where nobody answers, nobody is spared by waiting longer than this; but who comes back shall be noticed soon. */
const UNANSWERED_LAST: Millis = 5_000;
const UNANSWERED: ReadonlySet<KubeFailure> = new Set(['Unreachable', 'Timeout']);

/** How long is waited. */
export interface BackoffOptions {
  /** After the first failure; each later one doubles it. */
  readonly first: Millis;
  readonly last: Millis;
  /** A number in [0, 1): waits are spread over their second half. */
  random(): number;
}

/** How long to leave an API server alone after failures in a row: longer each time, as long as it asks for at least. */
export class Backoff {
  private readonly options: BackoffOptions;
  private failures = 0;
  private unanswered = false;

  constructor(options: BackoffOptions) {
    this.options = options;
  }

  /** The wait after one more failure. */
  next({ reason, retryAfter }: KubeError): Millis {
    const { first, last, random } = this.options;
    const unanswered = UNANSWERED.has(reason);
    // A server that is back begins with errors; that it was away for long is not held against it.
    if (this.unanswered && !unanswered) this.failures = 0;
    this.unanswered = unanswered;
    const most = unanswered ? Math.min(last, UNANSWERED_LAST) : last;
    const wait = Math.min(first * 2 ** this.failures, most);
    this.failures++;
    return Math.max(wait * (0.5 + random() / 2), retryAfter ?? 0);
  }

  /** It works again. */
  reset(): void {
    this.failures = 0;
  }
}
