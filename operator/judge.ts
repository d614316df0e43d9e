import { childName } from '../crds/assignment.ts';
import type { Kube } from '../crds/client/kube.ts';
import {
  DHCP_LEASES,
  type DhcpLeaseObject,
  type DhcpServerObject,
} from '../crds/client/resources.ts';
import { isIntent } from '../crds/compile/lease.ts';
import { documentOf } from '../crds/document.ts';
import type { Announcer } from './announcer.ts';
import { isUnjudged, judge } from './core/intents.ts';
import { MANAGER } from './core/names.ts';
import { lastGoodOf } from './lastgood.ts';
import type { View } from './view.ts';

/** What judging needs from who asks for it. */
export interface JudgeParts {
  readonly kube: Kube;
  readonly view: View;
  readonly announcer: Announcer;
  /** Throws when nothing may be written any more. */
  mayWrite(): void;
  /** Is told of every write. */
  wrote(): void;
  /** RFC 3339. */
  now(): string;
}

/** Says in the DhcpLeases that users wrote whether their server goes by them, and why not. */
export class Judge {
  private readonly parts: JudgeParts;

  constructor(parts: JudgeParts) {
    this.parts = parts;
  }

  /** Judges all of one server, whether that is there or not; rejects with KubeError. */
  async judge(namespace: string, name: string): Promise<void> {
    const { kube, view, announcer, mayWrite, wrote, now } = this.parts;
    const leases = view
      .leasesOf(namespace, name)
      .filter((lease) => isIntent(lease.spec) || isUnjudged(lease));
    if (leases.length === 0) return;
    for (const { lease, conditions, events } of judge(
      leases,
      this.inForce(namespace, name),
      now(),
    )) {
      mayWrite();
      const { apiVersion, kind } = DHCP_LEASES;
      await kube.apply(
        DHCP_LEASES,
        {
          apiVersion,
          kind,
          metadata: { namespace, name: lease.metadata.name },
          status: { conditions },
        } as Partial<DhcpLeaseObject> & Pick<DhcpLeaseObject, 'metadata'>,
        { fieldManager: MANAGER, force: true, subresource: 'status' },
      );
      wrote();
      await announcer.announce(lease, events);
    }
  }

  // What its agents go by; before anything has been accepted, what is written.
  private inForce(namespace: string, name: string): Parameters<typeof judge>[1] {
    const { view } = this.parts;
    const server: DhcpServerObject | undefined = view.servers.objects.get(`${namespace}/${name}`);
    if (server === undefined) return null;
    const map = view.configMaps.objects.get(`${namespace}/${childName('DhcpServer', name)}`);
    return lastGoodOf(map)?.document ?? documentOf(server);
  }
}
