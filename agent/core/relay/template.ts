import { formatHardwareAddress } from '../../../codec/hardware.ts';
import { formatIpv4, UNSPECIFIED } from '../../../codec/ipv4.ts';
import type { Template, TemplateField } from '../../../crds/types/agentconfig.ts';
import type { RelayLink } from './links.ts';

/** A sub-option's length is one octet (RFC 3046 §2.0), and other sub-options need room too. */
const LENGTH_MAX = 253;

/** Names that templates take from somewhere else than the link. */
export interface TemplateNames {
  readonly node: string;
  readonly relay: string;
}

/** Fills a template with what is so on this link; what the link lacks is left empty. At most 253 octets. */
export function fillTemplate(template: Template, link: RelayLink, names: TemplateNames): Buffer {
  const parts = template.map((part) =>
    part.kind === 'bytes' ? part.bytes : Buffer.from(fieldOf(part.field, link, names)),
  );
  return Buffer.concat(parts).subarray(0, LENGTH_MAX);
}

function fieldOf(field: TemplateField, link: RelayLink, names: TemplateNames): string {
  switch (field) {
    case 'interface':
      return link.name;
    case 'vlan':
      return link.vlanId === null ? '' : String(link.vlanId);
    case 'mac':
      return formatHardwareAddress(link.hardwareAddress);
    case 'address':
      return formatIpv4(link.addresses[0]?.address ?? UNSPECIFIED);
    case 'node':
      return names.node;
    case 'relay':
      return names.relay;
  }
}
