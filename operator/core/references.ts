import { parseIpv4 } from '../../codec/ipv4.ts';
import { childName } from '../../crds/assignment.ts';
import type { DhcpRelayObject, DhcpServerObject, Service } from '../../crds/client/resources.ts';
import type { ObjectRef } from '../../crds/types/common.ts';
import type { DhcpOptions, ServiceOption } from '../../crds/types/dhcpoptions.ts';
import type { DhcpRelaySpec, RelayUpstream } from '../../crds/types/dhcprelay.ts';
import type { AllowedNetwork, DhcpServerSpec } from '../../crds/types/dhcpserver.ts';

/** What can be referred to. */
export interface Referable {
  service(namespace: string, name: string): Service | undefined;
  server(namespace: string, name: string): DhcpServerObject | undefined;
  /** Addresses of the ready endpoints of a Service that has none of its own. */
  endpoints(namespace: string, name: string): readonly string[];
  readonly relays: readonly DhcpRelayObject[];
}

/** A reference that cannot be followed now. */
export interface Unresolved {
  readonly path: string;
  readonly message: string;
}

/** A spec without references, unless some could not be followed. */
export interface ResolvedSpec<Spec> {
  readonly spec: Spec;
  readonly unresolved: readonly Unresolved[];
}

/** The addresses that a Service is reached at: its load balancer's, else its own, else those of its endpoints. */
function serviceAddresses(
  service: Service | undefined,
  endpoints: readonly string[],
): readonly string[] {
  const balancer = (service?.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []);
  const own = (service?.spec?.clusterIPs ?? [service?.spec?.clusterIP ?? 'None']).filter(isIpv4);
  for (const found of [balancer.filter(isIpv4), own, endpoints.filter(isIpv4)])
    if (found.length > 0) return found;
  return [];
}

function isIpv4(text: string): boolean {
  return parseIpv4(text) !== null;
}

/** Puts addresses in place of what a DhcpRelay refers to. */
export function resolveRelay(
  { metadata, spec }: DhcpRelayObject,
  from: Referable,
): ResolvedSpec<DhcpRelaySpec> {
  const follow = new Follow(metadata.namespace ?? '', from);
  const upstreams = follow.upstreams(spec.upstreams, 'spec.upstreams');
  const interfaces = spec.interfaces?.map((entry, i) =>
    entry.upstreams === undefined
      ? entry
      : {
          ...entry,
          upstreams: follow.upstreams(entry.upstreams, `spec.interfaces[${i}].upstreams`),
        },
  );
  const resolved = { ...spec, upstreams, ...(interfaces === undefined ? {} : { interfaces }) };
  return { spec: resolved, unresolved: follow.unresolved };
}

/** Puts addresses in place of what a DhcpServer refers to, and lets the relays in that name it. */
export function resolveServer(
  server: DhcpServerObject,
  from: Referable,
): ResolvedSpec<DhcpServerSpec> {
  const { metadata, spec } = server;
  const namespace = metadata.namespace ?? '';
  const follow = new Follow(namespace, from);
  const withOptions = follow.everywhere(spec, 'spec') as DhcpServerSpec;
  let { serverIdentifier, allowedRelays } = withOptions;
  if (serverIdentifier === 'Service') {
    const own = from.service(namespace, childName('DhcpServer', metadata.name));
    const [address] = serviceAddresses(own, []);
    if (address === undefined)
      follow.fail('spec.serverIdentifier', 'its Service has no address yet');
    serverIdentifier = (address ?? 'Auto') as typeof serverIdentifier;
  }
  if (allowedRelays !== undefined) {
    const more = relaysOf(namespace, metadata.name, from.relays).filter(
      (address) => !allowedRelays!.some((entry) => entry.address === address),
    );
    allowedRelays = [...allowedRelays, ...more.map((address): AllowedNetwork => ({ address }))];
  }
  const resolved = {
    ...withOptions,
    ...(serverIdentifier === undefined ? {} : { serverIdentifier }),
    ...(allowedRelays === undefined ? {} : { allowedRelays }),
  };
  return { spec: resolved, unresolved: follow.unresolved };
}

/** The addresses that DhcpRelays which name a server send from. */
function relaysOf(
  namespace: string,
  name: string,
  relays: readonly DhcpRelayObject[],
): readonly string[] {
  const all = relays
    .filter(({ metadata, spec }) => {
      const upstreams = [
        ...spec.upstreams,
        ...(spec.interfaces ?? []).flatMap((entry) => entry.upstreams ?? []),
      ];
      return upstreams.some(
        ({ serverRef }) =>
          serverRef?.name === name && (serverRef.namespace ?? metadata.namespace) === namespace,
      );
    })
    .flatMap(({ status }) => (status?.nodes ?? []).flatMap(({ addresses = [] }) => addresses));
  return [...new Set(all)].sort();
}

class Follow {
  readonly unresolved: Unresolved[] = [];
  private readonly namespace: string;
  private readonly from: Referable;

  constructor(namespace: string, from: Referable) {
    this.namespace = namespace;
    this.from = from;
  }

  fail(path: string, message: string): void {
    this.unresolved.push({ path, message });
  }

  upstreams(given: readonly RelayUpstream[], path: string): readonly RelayUpstream[] {
    const found = given.flatMap((upstream, i): readonly RelayUpstream[] => {
      const { serviceRef, serverRef } = upstream;
      if (serviceRef !== undefined)
        return this.service(serviceRef, `${path}[${i}].serviceRef`).map((address) => ({ address }));
      if (serverRef !== undefined)
        return this.server(serverRef, `${path}[${i}].serverRef`).map((address) => ({ address }));
      return [upstream];
    });
    // Two references may lead to one place.
    const seen = new Set<string>();
    return found.filter(({ address }) => {
      if (address === undefined) return true;
      const isNew = !seen.has(address);
      seen.add(address);
      return isNew;
    });
  }

  // `options` occur at every level of a server; all have the same shape.
  everywhere(value: unknown, path: string): unknown {
    if (Array.isArray(value)) return value.map((one, i) => this.everywhere(one, `${path}[${i}]`));
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value).map(([key, inner]): [string, unknown] => {
      const at = `${path}.${key}`;
      if (key === 'options') return [key, this.options(inner as DhcpOptions, at)];
      return [key, this.everywhere(inner, at)];
    });
    return Object.fromEntries(entries);
  }

  private options({ fromServices, ...options }: DhcpOptions, path: string): DhcpOptions {
    if (fromServices === undefined) return options;
    const found = fromServices.map(({ option, serviceRef }, i): [string, unknown] => {
      const addresses = this.service(serviceRef, `${path}.fromServices[${i}].serviceRef`);
      return [option, optionValue(option, addresses)];
    });
    return { ...Object.fromEntries(found.filter(([, value]) => value !== null)), ...options };
  }

  private service(ref: ObjectRef, path: string): readonly string[] {
    const namespace = ref.namespace ?? this.namespace;
    const service = this.from.service(namespace, ref.name);
    const name = `Service ${namespace}/${ref.name}`;
    if (service === undefined) {
      this.fail(path, `there is no ${name}: make it, or name another`);
      return [];
    }
    const found = serviceAddresses(service, this.from.endpoints(namespace, ref.name));
    if (found.length === 0) this.fail(path, `${name} has no IPv4 address yet`);
    return found;
  }

  private server(ref: ObjectRef, path: string): readonly string[] {
    const namespace = ref.namespace ?? this.namespace;
    const server = this.from.server(namespace, ref.name);
    const name = `DhcpServer ${namespace}/${ref.name}`;
    if (server === undefined) {
      this.fail(path, `there is no ${name}: make it, or name another`);
      return [];
    }
    // The identifier that clients know it by must be where they find it.
    if (server.spec.serverIdentifier === 'Service') {
      const own = this.from.service(namespace, childName('DhcpServer', ref.name));
      const found = serviceAddresses(own, []);
      if (found.length > 0) return found;
    }
    const found = server.status?.endpoints ?? [];
    if (found.length === 0) this.fail(path, `${name} answers nowhere yet`);
    return found;
  }
}

function optionValue(option: ServiceOption['option'], addresses: readonly string[]): unknown {
  if (addresses.length === 0) return null;
  return option === 'tftpServerName' ? addresses[0] : addresses;
}
