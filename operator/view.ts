import type { Change, Following, Kube, KubeObject, Resource } from '../crds/client/kube.ts';
import * as resources from '../crds/client/resources.ts';
import type { TakenNetwork } from './core/checks.ts';
import { OURS } from './core/names.ts';
import type { Referable } from './core/references.ts';

/** Is told which objects may need another look. */
export type Touch = (change: Change<KubeObject>, resource: Resource) => void;

/** Live copies of all that the operator looks at. */
export class View {
  readonly servers: Following<resources.DhcpServerObject>;
  readonly relays: Following<resources.DhcpRelayObject>;
  readonly leases: Following<resources.DhcpLeaseObject>;
  readonly services: Following<resources.Service>;
  readonly nodes: Following<resources.Node>;
  readonly pods: Following<resources.Pod>;
  readonly daemonSets: Following<resources.DaemonSet>;
  readonly configMaps: Following<resources.ConfigMap>;
  private readonly serviceCidrs: Following<resources.ServiceCidr>;
  private readonly slices: Following<resources.EndpointSlice>;
  private readonly children = new Map<string, Following<KubeObject>>();
  private readonly all: Following<KubeObject>[] = [];
  private readonly kube: Kube;
  private readonly touch: Touch;

  constructor(kube: Kube, touch: Touch) {
    this.kube = kube;
    this.touch = touch;
    this.servers = this.follow(resources.DHCP_SERVERS);
    this.relays = this.follow(resources.DHCP_RELAYS);
    this.leases = this.follow(resources.DHCP_LEASES);
    this.services = this.follow(resources.SERVICES);
    this.nodes = this.follow(resources.NODES);
    this.serviceCidrs = this.follow(resources.SERVICE_CIDRS);
    this.slices = this.follow(resources.ENDPOINT_SLICES);
    this.pods = this.follow(resources.PODS, OURS);
    this.daemonSets = this.follow(resources.DAEMON_SETS, OURS);
    this.configMaps = this.follow(resources.CONFIG_MAPS, OURS);
    const { SERVICE_ACCOUNTS, ROLES, ROLE_BINDINGS, PDBS } = resources;
    for (const resource of [SERVICE_ACCOUNTS, ROLES, ROLE_BINDINGS, PDBS])
      this.children.set(resource.kind, this.follow(resource, OURS));
    this.children.set('ConfigMap', this.configMaps);
    this.children.set('DaemonSet', this.daemonSets);
    this.children.set('Service', this.services);
    this.children.set('EndpointSlice', this.slices);
  }

  /** Resolves when everything is known. */
  async ready(): Promise<void> {
    await Promise.all(this.all.map((one) => one.ready));
  }

  close(): void {
    for (const one of this.all) one.close();
  }

  /** The object as it is, of a kind that is followed; null when there is none, undefined when that kind is not followed. */
  current(kind: string, namespace: string, name: string): KubeObject | null | undefined {
    const following = this.children.get(kind);
    return following === undefined
      ? undefined
      : (following.objects.get(`${namespace}/${name}`) ?? null);
  }

  /** The leases of a server. */
  leasesOf(namespace: string, server: string): readonly resources.DhcpLeaseObject[] {
    return [...this.leases.objects.values()].filter(
      ({ metadata, spec }) => metadata.namespace === namespace && spec.serverRef.name === server,
    );
  }

  /** What references lead to. */
  refer(): Referable {
    return {
      service: (namespace, name) => this.services.objects.get(`${namespace}/${name}`),
      server: (namespace, name) => this.servers.objects.get(`${namespace}/${name}`),
      endpoints: (namespace, name) => this.endpoints(namespace, name),
      relays: [...this.relays.objects.values()],
    };
  }

  /** How many objects of each kind of ours there are. */
  counts(): Readonly<Record<string, number>> {
    return {
      DhcpServer: this.servers.objects.size,
      DhcpRelay: this.relays.objects.size,
      DhcpLease: this.leases.objects.size,
    };
  }

  /** Tells every condition of every DhcpServer and DhcpRelay; `object` is its namespace and name. */
  eachCondition(
    visit: (kind: string, object: string, type: string, isTrue: boolean) => void,
  ): void {
    for (const [kind, { objects }] of [
      ['DhcpServer', this.servers],
      ['DhcpRelay', this.relays],
    ] as const) {
      for (const [object, { status }] of objects) {
        for (const condition of status?.conditions ?? [])
          visit(kind, object, condition.type, condition.status === 'True');
      }
    }
  }

  /** Networks that the cluster itself uses. */
  taken(): readonly TakenNetwork[] {
    const services = [...this.serviceCidrs.objects.values()].flatMap(({ spec }) =>
      (spec?.cidrs ?? []).map((cidr) => ({ cidr, by: 'for Services' })),
    );
    const pods = [...this.nodes.objects.values()].flatMap(({ metadata, spec }) =>
      (spec?.podCIDRs ?? []).map((cidr) => ({ cidr, by: `for the pods of node ${metadata.name}` })),
    );
    return [...services, ...pods];
  }

  private endpoints(namespace: string, name: string): readonly string[] {
    return [...this.slices.objects.values()]
      .filter(
        ({ metadata }) =>
          metadata.namespace === namespace &&
          metadata.labels?.['kubernetes.io/service-name'] === name,
      )
      .flatMap(({ endpoints = [] }) =>
        endpoints.filter(({ conditions }) => conditions?.ready !== false),
      )
      .flatMap(({ addresses }) => addresses)
      .sort();
  }

  private follow<T extends KubeObject>(resource: Resource<T>, labels?: string): Following<T> {
    const selection = labels === undefined ? {} : { labels };
    const following = this.kube.follow(resource, selection, (change) =>
      this.touch(change as Change<KubeObject>, resource as Resource),
    );
    this.all.push(following as Following<KubeObject>);
    return following;
  }
}
