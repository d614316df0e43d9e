import { formatIpv4, UNSPECIFIED } from '../../../codec/ipv4.ts';
import type { Millis } from '../../../codec/machine.ts';
import { INFINITE } from '../../../codec/v4/header.ts';
import { optionByCode, printOption } from '../../../codec/v4/options.ts';
import { canAnswer, effectiveFor, leaseSeconds } from './answer.ts';
import { type BootAnswer, bootOptions, kindOf, selectBoot } from './boot.ts';
import { choose, ORIGINS } from './choose.ts';
import { isStillGood } from './discover.ts';
import { SERVER_DROPS, type ServerDrop } from './drops.ts';
import { identify } from './identity.ts';
import { locate } from './locate.ts';
import type { Trace, TraceStep } from './observer.ts';
import { leaseTimeOrigin, levelsFor, optionOrigin } from './origins.ts';
import { howProbed, UNPROBED, whyUnprobed } from './probing.ts';
import { recall } from './recall.ts';
import { OPTION } from './request.ts';
import type { Effective } from './settings.ts';
import type { ServerState } from './state.ts';

/** What would be done with a request, and why. */
export interface Explanation {
  /** In the order of the decisions; the last says why there is no answer, if there is none. */
  readonly steps: readonly TraceStep[];
  /** What the client would be offered, or null. */
  readonly offer: ExplainedOffer | null;
  /** Why there is no answer, or null. */
  readonly silence: ServerDrop | null;
}

export interface ExplainedOffer {
  readonly address: string;
  readonly subnet: string;
  /** Null: without end. */
  readonly leaseSeconds: number | null;
  readonly options: readonly ExplainedOption[];
}

export interface ExplainedOption {
  readonly code: number;
  readonly name: string;
  /** For people. */
  readonly value: string;
  /** The place in the DhcpServer that it comes from. */
  readonly origin: string;
  /** False: set, but not asked for and so left out. */
  readonly sent: boolean;
}

/** Goes through the decision about a request and writes down why; changes, keeps and sends nothing. */
export function explainRequest(
  state: ServerState,
  now: Millis,
  message: Uint8Array,
  ifindex: number,
): Explanation {
  const steps: Trace = [];
  state.trace = steps;
  const silence = decide(state, now, message, ifindex);
  const offer = silence === null ? describeOffer(state, steps) : null;
  state.trace = null;
  if (silence !== null) {
    steps.push({ about: 'no answer', because: `${silence}: ${meaningOf(silence)}` });
  }
  return { steps, offer, silence };
}

function decide(
  state: ServerState,
  now: Millis,
  message: Uint8Array,
  ifindex: number,
): ServerDrop | null {
  const { request, links, plan } = state;
  const bytes = Buffer.from(message);
  if (request.view.over(bytes, 0, bytes.length) !== null) return 'short';
  request.view.scan();
  request.now = now;
  request.ifindex = ifindex;
  request.link = links.byIndex.get(ifindex) ?? null;
  request.unicast = false;
  request.source = UNSPECIFIED;
  if (!request.read()) return 'malformedOptions';
  if (request.giaddr === UNSPECIFIED && request.link?.served !== true) return 'notServed';
  identify(state);
  state.trace!.push({ about: 'identity', because: IDENTITIES[request.identity] });
  recall(state);
  const drop = locate(state);
  if (drop !== null) return drop;
  if (plan.config.proxyDhcp) return proxied(state);
  return findAddress(state) ?? refusal(state);
}

const IDENTITIES = {
  clientId: 'the client identifier',
  hardware: 'the hardware address',
  both: 'client identifier and hardware address, as several machines share the identifier',
} as const;

function findAddress(state: ServerState): ServerDrop | null {
  const { offers, request, choice, plan, trace } = state;
  const offer = offers.ofClient(request.hash, request.check);
  if (offer === null || !isStillGood(state, offer)) return choose(state);
  choice.address = offer.address;
  choice.subnet = plan.subnetOf(offer.address)!;
  choice.pool = plan.poolOf(offer.address, choice.subnet);
  choice.origin = 'offered';
  trace!.push({ about: 'address', because: `${formatIpv4(offer.address)}: ${ORIGINS.offered}` });
  return null;
}

// What keeps an offer from being made although there is an address.
function refusal(state: ServerState): ServerDrop | null {
  const { request, choice, refusedUntil, trace } = state;
  if (request.now < refusedUntil && choice.origin !== 'current') return 'storeUnavailable';
  // What comes through a relay comes to an address of ours.
  if (request.giaddr === UNSPECIFIED && !canAnswer(state)) return 'noServerAddress';
  if (choice.origin === 'offered') return null;
  const unprobed = whyUnprobed(state, choice.address);
  const because =
    unprobed === null ? howProbed(state, choice.address) : `none: ${UNPROBED[unprobed]}`;
  trace!.push({ about: 'probe', because });
  return null;
}

// Another server gives the address; this one only says what to boot.
function proxied(state: ServerState): ServerDrop | null {
  const { client, request, choice, trace } = state;
  choice.address = UNSPECIFIED;
  choice.subnet = client.subnet;
  choice.pool = null;
  trace!.push({ about: 'address', because: 'left to another server (proxyDhcp)' });
  const boot = selectBoot(effectiveFor(state, client.subnet, null).boot, request, client.classes);
  return boot === null || kindOf(request) === 'plain' ? 'nothingToBoot' : null;
}

function describeOffer(state: ServerState, steps: Trace): ExplainedOffer {
  const { choice, request, client, plan } = state;
  const { subnet, pool } = choice;
  const effective = effectiveFor(state, subnet, pool);
  const boot = selectBoot(effective.boot, request, client.classes);
  const seconds = plan.config.proxyDhcp ? INFINITE : tellLeaseTime(state, effective, steps);
  if (boot !== null) {
    steps.push({ about: 'boot', because: `${boot.entry.file}, entry ${boot.index} of the table` });
  }
  return {
    address: formatIpv4(choice.address),
    subnet: subnet.name,
    leaseSeconds: seconds === INFINITE ? null : seconds,
    options: optionsOf(state, effective, boot),
  };
}

function tellLeaseTime(state: ServerState, effective: Effective, steps: Trace): number {
  const { choice, request } = state;
  const seconds = leaseSeconds(effective, request);
  const asked = request.u32(OPTION.leaseTime) >= 0;
  const levels = levelsFor(state, choice.subnet, choice.pool);
  const origin = asked ? 'as asked, within bounds' : `by ${leaseTimeOrigin(levels)}`;
  const length = seconds === INFINITE ? 'for ever' : `${seconds} s`;
  steps.push({ about: 'lease time', because: `${length}, ${origin}` });
  return seconds;
}

function optionsOf(
  state: ServerState,
  effective: Effective,
  boot: BootAnswer | null,
): ExplainedOption[] {
  const { choice, request, plan } = state;
  const levels = levelsFor(state, choice.subnet, choice.pool);
  const extra = boot === null ? new Map<number, Uint8Array>() : bootOptions(boot);
  const options = new Map([...extra, ...(plan.config.proxyDhcp ? [] : effective.options)]);
  const isSent = (code: number): boolean =>
    code === OPTION.subnetMask ||
    extra.has(code) ||
    effective.forced.includes(code) ||
    (request.requestListAt < 0 ? code !== OPTION.ipv6OnlyPreferred : request.asksFor(code));
  return [...options]
    .sort(([a], [b]) => a - b)
    .map(([code, option]) => ({
      code,
      name: optionByCode(code).name,
      value: printOption(code, dataOf(option)),
      origin: effective.options.has(code)
        ? optionOrigin(levels, code)
        : `entry ${boot!.index} of the boot table`,
      sent: isSent(code),
    }));
}

/** The data of an option in pieces. */
function dataOf(option: Uint8Array): Uint8Array {
  const data: number[] = [];
  for (let at = 0; at < option.length; at += 2 + option[at + 1]!) {
    data.push(...option.subarray(at + 2, at + 2 + option[at + 1]!));
  }
  return Uint8Array.from(data);
}

function meaningOf(drop: ServerDrop): string {
  return drop in SERVER_DROPS ? SERVER_DROPS[drop as keyof typeof SERVER_DROPS] : 'malformed';
}
