import { type Document, keyOf } from '../document.ts';
import type { RelayConfig } from '../types/agentconfig.ts';
import type { DhcpRelay } from '../types/dhcprelay.ts';
import type { Checked, Report } from './bindings.ts';
import type { Finding } from './findings.ts';
import { covers, isGlob } from './glob.ts';
import { compileRelay } from './relay.ts';
import { POD_SIDE } from './relayinterfaces.ts';
import type { Resolve } from './relayupstreams.ts';

/** Compiles relays. Outside Kubernetes all run on one node, where two on a link would send every request twice. */
export function compileRelays(
  relays: readonly Checked<DhcpRelay>[],
  resolve: Resolve | null,
  report: Report,
): readonly RelayConfig[] {
  const accepted: { readonly document: Document; readonly config: RelayConfig }[] = [];
  for (const { document, object } of relays) {
    const { config, problems, warnings } = compileRelay(object, resolve);
    for (const finding of problems) report.problem(document, finding);
    for (const finding of warnings) report.warn(document, finding);
    if (config === null || report.isRejected(document)) continue;
    const clash = resolve === null ? clashWith(accepted, config, object) : null;
    if (clash === null) accepted.push({ document, config });
    else report.problem(document, clash);
  }
  return accepted.map(({ config }) => config);
}

function clashWith(
  others: readonly { readonly document: Document; readonly config: RelayConfig }[],
  config: RelayConfig,
  object: DhcpRelay,
): Finding | null {
  for (const { document, config: other } of others) {
    for (const [i, { match }] of config.interfaces.entries()) {
      const both = other.interfaces.find((entry) => clash(entry.match, other, match, config));
      if (both === undefined) continue;
      const message = `"${match}" is relayed by ${keyOf(document)} ("${both.match}") too: name different interfaces, or merge the two`;
      const path = object.spec.interfaces === undefined ? 'spec' : `spec.interfaces[${i}].match`;
      return { path, reason: 'Overlap', message };
    }
  }
  return null;
}

// One takes all that the other takes, and leaves none of it alone.
function clash(a: string, ofA: RelayConfig, b: string, ofB: RelayConfig): boolean {
  if (covers(a, b)) return !leftAlone(b, a, ofA);
  return covers(b, a) && !leftAlone(a, b, ofB);
}

function leftAlone(match: string, by: string, config: RelayConfig): boolean {
  const podSide = isGlob(by) ? POD_SIDE : [];
  const excluded = config.exclude.filter((glob) => !POD_SIDE.includes(glob));
  return [...podSide, ...excluded].some((glob) => covers(glob, match));
}
