import { formatHardwareAddress } from '../../codec/hardware.ts';
import { formatIpv4, UNSPECIFIED } from '../../codec/ipv4.ts';
import { HTYPE_ETHERNET } from '../../codec/v4/header.ts';
import { UsageError } from '../cli.ts';
import type { LeaseTable } from '../core/lease.ts';
import type { Explanation } from '../core/server/explain.ts';
import type { ServerLinks } from '../core/server/links.ts';
import type { TraceStep } from '../core/server/observer.ts';
import type { Question } from '../core/server/question.ts';
import { isCalled } from './source.ts';

/** The server that is meant; throws UsageError when that is not clear. */
export function serverCalled<T>(
  servers: ReadonlyMap<string, T>,
  name: string | undefined,
  where: string,
): readonly [string, T] {
  const names = [...servers.keys()];
  if (names.length === 0) throw new UsageError(`${where} holds no DhcpServer`);
  const meant = name === undefined ? names : names.filter((one) => isCalled(one, name));
  const [first, ...others] = meant;
  if (first === undefined) {
    throw new UsageError(`there is no DhcpServer ${name} here, only ${names.join(', ')}`);
  }
  if (others.length > 0) throw new UsageError(`say which server: --server ${meant.join(' or ')}`);
  return [first, servers.get(first)!];
}

/** The index of the interface that a client would come in on, 0 for a relay's; throws UsageError when that is not clear. */
export function interfaceFor(
  links: ServerLinks,
  { giaddr = UNSPECIFIED }: Question,
  name: string | undefined,
): number {
  const all = [...links.byIndex.values()];
  if (name !== undefined) {
    const link = all.find((one) => one.name === name);
    if (link !== undefined) return link.index;
    const names = all.map((one) => one.name).join(', ') || 'none';
    throw new UsageError(`--interface ${name}: there is no such interface here, but ${names}`);
  }
  if (giaddr !== UNSPECIFIED) return 0;
  const served = all.filter((link) => link.served);
  const [first, ...others] = served;
  const names = served.map((link) => link.name).join(', ');
  if (first === undefined) {
    throw new UsageError(
      'no interface is served: say where the client is, with --giaddr or --interface',
    );
  }
  if (others.length === 0) return first.index;
  throw new UsageError(`say where the client is: --interface (served are ${names}), or --giaddr`);
}

/** An explanation, and whose. */
export type Explained = Explanation & { readonly server: string };

/** An explanation as it is told, with what else there is to know. */
export function explanationOf(
  server: string,
  explanation: Explanation,
  leases: Pick<LeaseTable, 'byHardwareAddress' | 'get'>,
  question: Question,
): Explained {
  const note = identifierNote(leases, question);
  const steps = note === null ? explanation.steps : [note, ...explanation.steps];
  return { server, ...explanation, steps };
}

// Who is asked about by hardware address alone may be known by an identifier, and gets another answer then.
function identifierNote(
  leases: Pick<LeaseTable, 'byHardwareAddress' | 'get'>,
  { hardwareAddress, clientId }: Question,
): TraceStep | null {
  if (clientId !== undefined) return null;
  for (const address of leases.byHardwareAddress(HTYPE_ETHERNET, hardwareAddress)) {
    const lease = leases.get(address);
    if (!lease?.clientId) continue;
    const sent = formatHardwareAddress(lease.clientId);
    const because = `it sent a client identifier for ${formatIpv4(address)}: to ask about that, add --client-id ${sent}`;
    return { about: 'note', because };
  }
  return null;
}
