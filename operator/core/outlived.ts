import type { DhcpLeaseObject } from '../../crds/client/resources.ts';
import { parseMoment } from '../../crds/compile/moment.ts';

/** How long the object of a lease that has ended is kept: the client may come back for the same address. */
const KEPT = 24 * 3_600_000;
/** No more than so many at a time: there is another time. */
const AT_ONCE = 500;

/** Objects of bindings that are of no use any more: long ended, or of a server that is not there. What users wrote stays. */
export function outlived(
  leases: readonly DhcpLeaseObject[],
  servers: ReadonlyMap<string, unknown>,
  now: number,
): readonly DhcpLeaseObject[] {
  return leases
    .filter(({ metadata, spec, status }) => {
      if (spec.intent !== 'Bind' || spec.pin === true || spec.revoke === true) return false;
      if (metadata.deletionTimestamp !== undefined) return false;
      if (!servers.has(`${metadata.namespace}/${spec.serverRef.name}`)) return true;
      if (status?.state !== 'Expired' && status?.state !== 'Released') return false;
      const heard = parseMoment(status.lastTransaction ?? '');
      return heard !== null && now - heard > KEPT;
    })
    .slice(0, AT_ONCE);
}
