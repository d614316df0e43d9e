import type { WallMillis } from '../../codec/machine.ts';
import type { DhcpLease, DhcpLeaseSpec } from '../types/dhcplease.ts';
import type { ClientMatch, IntentConfig } from '../types/serverconfig.ts';
import { type Finding, Findings } from './findings.ts';
import { parseMoment } from './moment.ts';
import { address } from './serverranges.ts';
import { clientMatch } from './serverreservations.ts';

/** What became of a DhcpLease: what its server is to do with the address, unless there are problems. */
export interface CompiledLease {
  readonly intents: readonly IntentConfig[];
  readonly problems: readonly Finding[];
}

/** Whether a user wants something of the address: what a server has written may have been pinned or revoked too. */
export function isIntent({ intent, pin, revoke }: DhcpLeaseSpec): boolean {
  return intent !== 'Bind' || pin === true || revoke === true;
}

const FOR_EVER = Number.POSITIVE_INFINITY as WallMillis;

/** Compiles a DhcpLease that is of the right shape. Pure. */
export function compileLease(lease: DhcpLease): CompiledLease {
  const { spec } = lease;
  const findings = new Findings();
  const source = lease.metadata.name;
  const at = address(spec.address, 'spec.address', findings);
  const intent = spec.intent ?? 'Reserve';
  const client = clientOf(lease, intent === 'Reserve' && !spec.pin && !spec.revoke, findings);
  const until = quarantineEnd(lease, intent, findings);
  if (spec.pin && (spec.revoke || intent === 'Quarantine')) {
    const message =
      'keeps the address, and revoke or intent: Quarantine takes it away: drop one of them';
    findings.problem('spec.pin', 'Contradiction', message);
  }
  const { problems } = findings;
  if (at === null || problems.length > 0) return { intents: [], problems };
  const intents: IntentConfig[] = [];
  if (intent === 'Quarantine') intents.push({ kind: 'Quarantine', address: at, until, source });
  if (spec.revoke) intents.push({ kind: 'Revoke', address: at, match: client, source });
  if (spec.pin) intents.push({ kind: 'Pin', address: at, source });
  if (intent === 'Reserve' && client !== null && !spec.revoke) {
    const hostname = spec.hostname ?? null;
    intents.push({ kind: 'Reserve', address: at, match: client, hostname, source });
  }
  return { intents, problems };
}

const WAYS = ['hardwareAddress', 'clientId', 'circuitId', 'remoteId'] as const;

function clientOf({ spec }: DhcpLease, needed: boolean, findings: Findings): ClientMatch | null {
  const given = WAYS.some((way) => spec[way] !== undefined);
  return given || needed ? clientMatch(spec, 'spec', findings) : null;
}

function quarantineEnd({ spec }: DhcpLease, intent: string, findings: Findings): WallMillis {
  const { quarantineUntil } = spec;
  if (quarantineUntil === undefined) return FOR_EVER;
  const path = 'spec.quarantineUntil';
  if (intent !== 'Quarantine') {
    findings.problem(path, 'Contradiction', 'is of no effect without intent: Quarantine');
  }
  const until = parseMoment(quarantineUntil);
  if (until === null) {
    const message = `"${quarantineUntil}" is not a point in time such as 2026-01-31T12:00:00Z`;
    findings.problem(path, 'InvalidTime', message);
  }
  return until ?? FOR_EVER;
}
