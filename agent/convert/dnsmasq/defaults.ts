import {
  contains,
  formatPrefix,
  type Ipv4,
  parseIpv4,
  parsePrefix,
  writeIpv4,
} from '../../../codec/ipv4.ts';
import { utf8 } from '../../../codec/v4/kind.ts';
import { OPTION } from '../../../codec/v4/options.ts';
import type { Level, ServerModel, Subnet } from '../model.ts';
import type { Report } from '../report.ts';
import type { Directive } from './lines.ts';

/** What dnsmasq tells clients of itself unless it is told otherwise. */
export class Defaults {
  /** Addresses of the machine that dnsmasq runs on, as far as the file tells. */
  private readonly own: Ipv4[] = [];
  private readonly domains: { readonly name: string; readonly network: string | undefined }[] = [];
  private servesDns = true;

  /** Takes what the defaults depend on; false for everything else. */
  take({ name, parts }: Directive): boolean {
    switch (name) {
      case 'listen-address':
        this.own.push(...parts.map(parseIpv4).filter((address) => address !== null));
        return true;
      case 'port':
        this.servesDns = parts[0] !== '0';
        return true;
      case 'domain':
        if (parts[0] !== undefined && parts[0] !== '' && parts[0] !== '#') {
          this.domains.push({ name: parts[0], network: parts[1] });
        }
        return true;
      default:
        return false;
    }
  }

  /** Sets them, or reports what the file does not tell. */
  settle(model: ServerModel, report: Report): void {
    for (const subnet of model.subnets) {
      this.domain(subnet, model);
      if (model.switches.proxyDhcp) continue;
      this.self(subnet, OPTION.routers, 'routers', model, report);
      if (this.servesDns) {
        this.self(subnet, OPTION.domainNameServers, 'domainNameServers', model, report);
      }
    }
  }

  private domain(subnet: Subnet, model: ServerModel): void {
    if (isSaid(subnet, OPTION.domainName, model)) return;
    const { prefix, level } = subnet;
    const found =
      this.domains.find(({ network }) => {
        const where = network === undefined ? null : parsePrefix(network.trim());
        return where !== null && contains(where, prefix.address);
      }) ?? this.domains.find(({ network }) => network === undefined);
    if (found !== undefined) level.options.set(OPTION.domainName, utf8(found.name));
  }

  private self(
    subnet: Subnet,
    code: number,
    name: string,
    model: ServerModel,
    report: Report,
  ): void {
    if (isSaid(subnet, code, model)) return;
    const { prefix, level, place } = subnet;
    const own = this.own.find((address) => contains(prefix, address));
    if (own === undefined) {
      const why = 'dnsmasq names its own address, which the file does not tell';
      report.add(place, `${name} of ${formatPrefix(prefix)}`, why, `write options.${name}`);
      return;
    }
    const data = new Uint8Array(4);
    writeIpv4(data, 0, own);
    level.options.set(code, data);
  }
}

function isSaid({ level, pools }: Subnet, code: number, model: ServerModel): boolean {
  const says = ({ options, suppress }: Level): boolean => options.has(code) || suppress.has(code);
  if (says(model.level) || says(level)) return true;
  return pools.length > 0 && pools.every((pool) => says(pool.level));
}
