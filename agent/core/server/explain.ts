import { formatIpv4, UNSPECIFIED } from '../../../codec/ipv4.ts';
import type { Millis } from '../../../codec/machine.ts';
import { printOption } from '../../../codec/v4/options.ts';
import { effectiveFor, leaseSeconds } from './answer.ts';
import { selectBoot } from './boot.ts';
import { choose, mayHave, ORIGINS } from './choose.ts';
import { SERVER_DROPS, type ServerDrop } from './drops.ts';
import { identify } from './identity.ts';
import { locate } from './locate.ts';
import type { Trace, TraceStep } from './observer.ts';
import { recall } from './recall.ts';
import { INFINITE } from './reply.ts';
import type { ServerState } from './state.ts';

/** Goes through the decision about a request and writes down why; changes, keeps and sends nothing. */
export function explainRequest(
  state: ServerState,
  now: Millis,
  message: Uint8Array,
  ifindex: number,
): readonly TraceStep[] {
  const trace: Trace = [];
  state.trace = trace;
  const drop = decide(state, now, message, ifindex);
  state.trace = null;
  if (drop !== null) trace.push({ about: 'no answer', because: `${drop}: ${wordsOf(drop)}` });
  return trace;
}

function decide(
  state: ServerState,
  now: Millis,
  message: Uint8Array,
  ifindex: number,
): ServerDrop | null {
  const { request, links } = state;
  const bytes = Buffer.from(message);
  if (request.view.over(bytes, 0, bytes.length) !== null) return 'short';
  request.view.scan();
  request.now = now;
  request.ifindex = ifindex;
  request.link = links.byIndex.get(ifindex) ?? null;
  request.unicast = false;
  request.source = UNSPECIFIED;
  if (!request.read()) return 'malformedOptions';
  identify(state);
  state.trace!.push({ about: 'identity', because: IDENTITIES[request.identity] });
  recall(state);
  const drop = locate(state) ?? findAddress(state);
  if (drop === null) tellSettings(state);
  return drop;
}

const IDENTITIES = {
  clientId: 'the client identifier',
  hardware: 'the hardware address',
  both: 'client identifier and hardware address, as several machines share the identifier',
} as const;

function findAddress(state: ServerState): ServerDrop | null {
  const { offers, request, choice, plan, trace } = state;
  const offer = offers.ofClient(request.hash, request.check);
  const subnet = offer === null ? null : plan.subnetOf(offer.address);
  if (offer === null || subnet === null || !mayHave(state, offer.address, subnet))
    return choose(state);
  choice.address = offer.address;
  choice.subnet = subnet;
  choice.pool = plan.poolOf(offer.address, subnet);
  choice.origin = 'offered';
  trace!.push({ about: 'address', because: `${formatIpv4(offer.address)}: ${ORIGINS.offered}` });
  return null;
}

function tellSettings(state: ServerState): void {
  const { choice, request, client, trace } = state;
  const effective = effectiveFor(state, choice.subnet, choice.pool);
  const seconds = leaseSeconds(effective, request);
  trace!.push({ about: 'lease time', because: seconds === INFINITE ? 'for ever' : `${seconds} s` });
  for (const [code, option] of [...effective.options].sort(([a], [b]) => a - b)) {
    const asked =
      request.requestListAt < 0 || request.asksFor(code) || effective.forced.includes(code);
    const because = `${printOption(code, dataOf(option))}${asked ? '' : ' (not asked for)'}`;
    trace!.push({ about: `option ${code}`, because });
  }
  const boot = selectBoot(effective.boot, request, client.classes);
  if (boot !== null) {
    trace!.push({ about: 'boot', because: `${boot.entry.file}, entry ${boot.index} of the table` });
  }
}

/** The data of an option in pieces. */
function dataOf(option: Uint8Array): Uint8Array {
  const data: number[] = [];
  for (let at = 0; at < option.length; at += 2 + option[at + 1]!) {
    data.push(...option.subarray(at + 2, at + 2 + option[at + 1]!));
  }
  return Uint8Array.from(data);
}

function wordsOf(drop: ServerDrop): string {
  return drop in SERVER_DROPS ? SERVER_DROPS[drop as keyof typeof SERVER_DROPS] : 'malformed';
}
