import { formatIpv4, formatPrefix } from '../../codec/ipv4.ts';
import { formatDuration } from '../../crds/duration.ts';
import { API_VERSION } from '../../crds/kinds.ts';
import type { DhcpServer, DhcpServerSpec } from '../../crds/types/dhcpserver.ts';
import type { SharedNetwork } from '../../crds/types/dhcpsubnet.ts';
import { type BootContext, bootContext, bootTable, NO_BOOT } from './boots.ts';
import { Classes, classesYaml } from './classes.ts';
import { levelYaml, seconds } from './levels.ts';
import type { Level, ServerModel, Subnet, Switches } from './model.ts';
import type { Place, Report } from './report.ts';
import { placeReservations } from './reservations.ts';
import { servable, subnetYaml } from './subnets.ts';

/** The name and namespace that objects are given. */
export interface Naming {
  readonly name: string;
  readonly namespace?: string;
}

const SUBNETS_MAX = 4096;
const SHARED_MAX = 1024;
const INTERFACES_MAX = 64;

/** Writes a server as a manifest that is accepted, and reports what is not in it. */
export function serverYaml(
  model: ServerModel,
  naming: Naming,
  place: Place,
  report: Report,
): DhcpServer {
  const subnets = limited(servable(model.subnets, report), SUBNETS_MAX, place, 'subnets', report);
  placeReservations(model, subnets, report);
  const outer = bootContext(model.level, NO_BOOT);
  const classes = classesOf(model, outer, report);
  const contexts = sharedContexts(model, outer);
  const sharedNetworks = sharedYaml(model, subnets, outer, classes, report);
  const names = new Set(subnets.map(({ prefix }) => formatPrefix(prefix)));
  const written = subnets.map((subnet) =>
    subnetYaml(subnet, contexts.get(subnet.sharedNetwork ?? '') ?? outer, names, classes, report),
  );
  for (const { level } of [model, ...everyLevel(model)]) renewalsOf(level, model, report);
  const boot = bootTable(model.level, NO_BOOT, classes, { place, what: 'the server', report });
  const classList = classesYaml(classes.drafts);
  const spec: DhcpServerSpec = {
    ...interfacesYaml(model),
    ...switchesYaml(model.switches, model.level),
    ...levelYaml(model.level),
    ...(boot !== undefined && { boot }),
    ...(classList !== undefined && { classes: classList }),
    ...(sharedNetworks.length > 0 && { sharedNetworks }),
    subnets: written,
  };
  return { apiVersion: API_VERSION, kind: 'DhcpServer', metadata: { ...naming }, spec };
}

function classesOf(model: ServerModel, outer: BootContext, report: Report): Classes {
  const classes = new Classes(model.classes, report);
  for (const one of model.classes) {
    const mention = { place: one.place, what: `class ${one.name}`, report };
    const drafts = classes.define(one);
    const boot = one.refuse ? undefined : bootTable(one.level, outer, classes, mention);
    if (boot !== undefined) for (const draft of drafts) draft.boot = boot;
  }
  return classes;
}

function limited<T extends { readonly place: Place }>(
  all: T[],
  max: number,
  place: Place,
  what: string,
  report: Report,
): T[] {
  if (all.length <= max) return all;
  const why = `${all.length} are too many for one DhcpServer`;
  report.add(all[max]?.place ?? place, what, why, 'write another DhcpServer for the rest');
  return all.slice(0, max);
}

function interfacesYaml({ interfaces, excludeInterfaces }: ServerModel): Partial<DhcpServerSpec> {
  const links = [...new Set(interfaces)].slice(0, INTERFACES_MAX);
  const hasGlob = links.some((link) => /[*?]/.test(link));
  const excluded = excludeInterfaces.filter((name) => hasGlob || name !== 'lo');
  const others = [...new Set(excluded)].slice(0, INTERFACES_MAX);
  return {
    ...(links.length > 0 && { interfaces: links.map((match) => ({ match })) }),
    ...(links.length > 0 && others.length > 0 && { excludeInterfaces: others }),
  };
}

/** Longer waits would try the patience of clients (RFC 2131 §4.1). */
const PING_MAX = 2_000;

function switchesYaml(switches: Switches, level: Level): Partial<DhcpServerSpec> {
  const { authoritative, identity, serverIdentifier, echoClientId, rapidCommit, bootp } = switches;
  const { proxyDhcp, pingTimeout, pingOff, declineQuarantine, offerTime } = switches;
  const { leasesPerCircuit, leaseQueryFrom } = switches;
  const conflictDetection = {
    ...(pingOff && { mode: 'Off' as const }),
    ...(pingTimeout !== undefined && { timeout: formatDuration(Math.min(pingTimeout, PING_MAX)) }),
  };
  const from = leaseQueryFrom?.slice(0, 256).map((one) => ({ cidr: formatPrefix(one) }));
  return {
    ...(authoritative && { authoritative }),
    ...(identity !== undefined && { identity }),
    ...(serverIdentifier !== undefined && { serverIdentifier: formatIpv4(serverIdentifier) }),
    ...(echoClientId === false && { echoClientId }),
    ...(rapidCommit && !proxyDhcp && { rapidCommit }),
    ...(bootp !== undefined && { bootp }),
    ...(proxyDhcp && { proxyDhcp }),
    ...renewalsYaml(switches, level),
    ...(Object.keys(conflictDetection).length > 0 && { conflictDetection }),
    ...(declineQuarantine !== undefined && { declineQuarantine: seconds(declineQuarantine) }),
    ...(offerTime !== undefined && { offerTime: seconds(offerTime) }),
    ...(leasesPerCircuit !== undefined && {
      limits: { leasesPerCircuit: Math.min(Math.max(leasesPerCircuit, 1), 65_536) },
    }),
    ...(from !== undefined && from.length > 0 && { leaseQuery: { from } }),
  };
}

/** RFC 2131 §4.4.5; 87.5 would be out of place in an API of whole numbers. */
const RENEWAL_PERCENT = 50;
const REBINDING_PERCENT = 87;

function renewalsYaml(switches: Switches, level: Level): Partial<DhcpServerSpec> {
  const lease = level.leaseTime;
  const percent = (time: number | undefined): number | undefined =>
    time === undefined || lease === undefined
      ? undefined
      : Math.min(Math.max(Math.round((100 * time) / lease), 1), 99);
  const renewal = switches.renewalPercent ?? percent(level.renewalTime?.seconds);
  const rebinding = switches.rebindingPercent ?? percent(level.rebindingTime?.seconds);
  const ordered = (renewal ?? RENEWAL_PERCENT) < (rebinding ?? REBINDING_PERCENT);
  if (!ordered) return {};
  return {
    ...(renewal !== undefined && renewal !== RENEWAL_PERCENT && { renewalPercent: renewal }),
    ...(rebinding !== undefined && { rebindingPercent: rebinding }),
  };
}

function everyLevel(model: ServerModel): { readonly level: Level }[] {
  const { subnets, sharedNetworks, classes, reservations } = model;
  const pools = subnets.flatMap((subnet) => subnet.pools);
  const reserved = subnets.flatMap((subnet) => subnet.reservations);
  return [...subnets, ...sharedNetworks, ...classes, ...pools, ...reserved, ...reservations];
}

// T1 and T2 are one percentage for all leases of a server.
function renewalsOf(level: Level, model: ServerModel, report: Report): void {
  const global = model.level;
  const isKnown = global.leaseTime !== undefined;
  for (const [name, own, other, field] of [
    ['renewal time', level.renewalTime, global.renewalTime, 'renewalPercent'],
    ['rebinding time', level.rebindingTime, global.rebindingTime, 'rebindingPercent'],
  ] as const) {
    if (own === undefined || (isKnown && own.seconds === other?.seconds)) continue;
    const why = 'is a percentage of the lease, the same for all';
    const remedy = `set spec.${field} if the default does not do`;
    report.add(own.place, `${name} of ${own.seconds} s`, why, remedy);
  }
}

function sharedContexts(model: ServerModel, outer: BootContext): Map<string, BootContext> {
  return new Map(model.sharedNetworks.map(({ name, level }) => [name, bootContext(level, outer)]));
}

function sharedYaml(
  model: ServerModel,
  subnets: readonly Subnet[],
  outer: BootContext,
  classes: Classes,
  report: Report,
): SharedNetwork[] {
  const used = new Set(subnets.map(({ sharedNetwork }) => sharedNetwork));
  const written: SharedNetwork[] = [];
  for (const { name, level, place } of model.sharedNetworks) {
    if (!used.has(name)) continue;
    const boot = bootTable(level, outer, classes, {
      place,
      what: `shared network ${name}`,
      report,
    });
    const settings = { ...levelYaml(level), ...(boot !== undefined && { boot }) };
    if (Object.keys(settings).length > 0) written.push({ name, ...settings });
  }
  return written.length <= SHARED_MAX ? written : written.slice(0, SHARED_MAX);
}
