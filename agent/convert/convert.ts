import { stringify } from 'yaml';
import { formatPrefix } from '../../codec/ipv4.ts';
import type { WallMillis } from '../../codec/machine.ts';
import { compile } from '../../crds/compile.ts';
import { documentOf } from '../../crds/document.ts';
import type { DhcpLease } from '../../crds/types/dhcplease.ts';
import type { DhcpServer } from '../../crds/types/dhcpserver.ts';
import { matchesGlob } from '../core/relay/links.ts';
import { readDnsmasqConf } from './dnsmasq/config.ts';
import { readDnsmasqLeases } from './dnsmasq/leases.ts';
import { ConvertError } from './fault.ts';
import { readDhcpdConf } from './isc/config.ts';
import { readDhcpdLeases } from './isc/leases.ts';
import { readKeaConf } from './kea/config.ts';
import { readKeaLeases } from './kea/leases.ts';
import { leasesYaml, type PlacedLease, placeLeases } from './leases.ts';
import type { ImportedLease, ServerModel, Subnet } from './model.ts';
import { type Finding, Report } from './report.ts';
import { serverYaml } from './server.ts';
import { type Files, labelOf, type SourceFile } from './source.ts';

/** The programs whose files can be read. */
export type SourceKind = 'dhcpd' | 'kea' | 'dnsmasq';

export interface ConvertRequest {
  readonly config: SourceFile;
  /** Null: as the file looks. */
  readonly from: SourceKind | null;
  readonly leases: readonly SourceFile[];
  readonly naming: { readonly name?: string; readonly namespace?: string };
  /** Links that are served; empty: as the file says. */
  readonly interfaces: readonly string[];
  readonly files: Files;
  /** Whether leases become DhcpLeases. */
  readonly leasesAsObjects: boolean;
  readonly now: WallMillis;
}

export interface Converted {
  readonly kind: SourceKind;
  readonly server: DhcpServer;
  /** The server, then its leases. */
  readonly objects: readonly (DhcpServer | DhcpLease)[];
  /** The leases that are in the server's subnets, whatever their state. */
  readonly placed: readonly PlacedLease[];
  /** What could not be carried over, in the order of the files. */
  readonly findings: readonly Finding[];
}

/** Makes manifests of another server's files; throws ConvertError when they are not what they should be. Reads files only through `files`. */
export function convert(request: ConvertRequest): Converted {
  const { config, leases, now, naming } = request;
  const report = new Report();
  const kind = request.from ?? guessKind(config.text);
  const model = READERS[kind].config(config, request.files, report);
  const place = { file: labelOf(config.path), line: 0 };
  if (model.subnets.length === 0) {
    throw new ConvertError(place, 'has no subnet, so there is no DHCP server to make of it');
  }
  setInterfaces(model, request, kind, report);
  const server = serverYaml(model, { name: kind, ...naming }, place, report);
  const read = leases.flatMap((file) => READERS[kind].leases(file, report, request.files));
  const placed = placeLeases(read, server, now, report);
  const written = request.leasesAsObjects ? leasesYaml(placed, server, kind, now, report) : [];
  const objects = [server, ...written];
  checkObjects(objects, place.file, report);
  return { kind, server, objects, placed, findings: report.inOrder() };
}

/** Kubernetes reads YAML 1.1, to which more words are something else than text. */
const FORMAT = { version: '1.1', lineWidth: 120, aliasDuplicateObjects: false } as const;

/** The objects as YAML, a document each. */
export function manifestOf({ objects }: Converted): string {
  return objects.map((object) => stringify(object, FORMAT)).join('---\n');
}

interface Reader {
  config(file: SourceFile, files: Files, report: Report): ServerModel;
  leases(file: SourceFile, report: Report, files: Files): ImportedLease[];
}

const READERS: { readonly [K in SourceKind]: Reader } = {
  dhcpd: { config: readDhcpdConf, leases: readDhcpdLeases },
  kea: { config: readKeaConf, leases: readKeaLeases },
  dnsmasq: { config: readDnsmasqConf, leases: readDnsmasqLeases },
};

/** Which program a configuration is for, by its looks. */
export function guessKind(text: string): SourceKind {
  const plain = text.replace(/\/\*[\s\S]*?\*\/|^\s*(\/\/|#).*$/gm, '').trim();
  if (/^[{<]/.test(plain)) return 'kea';
  // Statements of dhcpd end in a semicolon, blocks in a brace.
  if (plain !== '' && !/[;{}]\s*$/m.test(plain)) return 'dnsmasq';
  return 'dhcpd';
}

function setInterfaces(
  model: ServerModel,
  { interfaces, config }: ConvertRequest,
  kind: SourceKind,
  report: Report,
): void {
  if (interfaces.length > 0) {
    model.interfaces.splice(0, model.interfaces.length, ...interfaces);
    for (const subnet of model.subnets) tellOtherLinks(subnet, interfaces, report);
  } else if (model.noInterfaces !== undefined) {
    const why = 'names no interface, so only relayed requests are answered';
    report.add(model.noInterfaces, 'interfaces-config', why, 'name them in spec.interfaces');
  } else if (kind === 'dhcpd') {
    model.interfaces.push('*');
    const why = 'dhcpd is told on its command line, see /etc/default/isc-dhcp-server';
    const remedy = 'name them with --interface, or in spec.interfaces';
    report.add({ file: labelOf(config.path), line: 0 }, 'interfaces to serve', why, remedy);
  }
}

// The file's own name of a link stays where it selects a subnet: which of the new links it is, nobody has said.
function tellOtherLinks(
  { prefix, selectors, place }: Subnet,
  interfaces: readonly string[],
  report: Report,
): void {
  for (const { interface: link } of selectors) {
    if (link === undefined || interfaces.some((match) => matchesGlob(match, link))) continue;
    const what = `subnet ${formatPrefix(prefix)}`;
    const why = `is for clients on ${link}, which --interface does not name`;
    report.add(place, what, why, 'write the name of the new link in its selectors');
  }
}

// What is printed is accepted; if it is not after all, that is not kept from anybody.
function checkObjects(
  objects: readonly (DhcpServer | DhcpLease)[],
  file: string,
  report: Report,
): void {
  const documents = objects.map((object) => documentOf(object));
  const { problems } = compile(documents, { kubernetes: false });
  for (const { kind, name, path, message } of problems) {
    report.add({ file, line: 0 }, `${kind}/${name} ${path}`, message, 'mend it in the manifest');
  }
}
