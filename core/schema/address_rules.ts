import { type IpAddress, isIpv4, parseIp } from "../lib/addresses/ip_address.ts";
import {
  type Cidr,
  formatCidr,
  formatIp,
  networkOf,
  parseSloppyCidr,
  parseSloppyIp,
} from "../lib/addresses/ip_text.ts";
import { type Cause, invalid } from "./causes.ts";

/** Rules for addresses and ranges, in the words of k8s.io/apimachinery/pkg/util/validation/ip.go. */

const NO_IP = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
const NO_CIDR = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";

/** For fields that take whatever old versions of Go take. */
export function sloppyIpCauses(field: string, text: string): Cause[] {
  return parseSloppyIp(text) ? [] : [invalid(field, text, NO_IP)];
}

/** The same of a range. */
export function sloppyCidrCauses(field: string, text: string): Cause[] {
  return parseSloppyCidr(text) ? [] : [invalid(field, text, NO_CIDR)];
}

/** An address in its one canonical form. */
export function ipFaults(text: string): string[] {
  const address = parseSloppyIp(text);
  if (!address) return [NO_IP];
  const faults = parseIp(text) ? [] : ["must not have leading 0s"];
  if (isMapped(text, address)) faults.push("must not be an IPv4-mapped IPv6 address");
  if (faults.length > 0) return faults;
  const canonical = formatIp(address);
  return text === canonical ? [] : [`must be in canonical form (${JSON.stringify(canonical)})`];
}

/** A range in its one canonical form. */
export function cidrFaults(text: string): string[] {
  const cidr = parseSloppyCidr(text);
  if (!cidr) return [NO_CIDR];
  if (!isStrict(text)) return ["must not have leading 0s in IP or prefix length"];
  if (isMapped(text, cidr.address)) return ["must not have an IPv4-mapped IPv6 address"];
  if (hasSurplusBits(cidr)) return ["must not have bits set beyond the prefix length"];
  const canonical = formatCidr(cidr);
  return text === canonical ? [] : [`must be in canonical form (${JSON.stringify(canonical)})`];
}

/** What is unusual about an address that is valid by {@linkcode sloppyIpCauses}. */
export function ipWarnings(field: string, text: string): string[] {
  const address = parseSloppyIp(text);
  if (!address) return [];
  const [given, canonical] = [JSON.stringify(text), JSON.stringify(formatIp(address))];
  if (!parseIp(text) || isMapped(text, address)) {
    return [
      `${field}: non-standard IP address ${given} will be considered invalid in a future Kubernetes release: use ${canonical}`,
    ];
  }
  return given === canonical
    ? []
    : [`${field}: IPv6 address ${given} should be in RFC 5952 canonical format (${canonical})`];
}

/** What is unusual about a range that is valid by {@linkcode sloppyCidrCauses}. */
export function cidrWarnings(field: string, text: string): string[] {
  const cidr = parseSloppyCidr(text);
  if (!cidr) return [];
  const [given, canonical] = [JSON.stringify(text), JSON.stringify(formatCidr(cidr))];
  const warnings: string[] = [];
  if (hasSurplusBits(cidr)) {
    const single = JSON.stringify(formatCidr({ ...cidr, prefixLength: 128 }));
    warnings.push(
      `${field}: CIDR value ${given} is ambiguous in this context (should be ${canonical} or ${single}?)`,
    );
  }
  if (!isStrict(text) || isMapped(text, cidr.address)) {
    warnings.push(
      `${field}: non-standard CIDR value ${given} will be considered invalid in a future Kubernetes release: use ${canonical}`,
    );
  }
  if (warnings.length > 0 || given === canonical) return warnings;
  return [
    `${field}: IPv6 CIDR value ${given} should be in RFC 5952 canonical format (${canonical})`,
  ];
}

function isStrict(cidr: string): boolean {
  const [address, length] = cidr.split("/") as [string, string];
  return parseIp(address) !== undefined && /^(0|[1-9]\d*)$/.test(length);
}

function isMapped(text: string, address: IpAddress): boolean {
  return text.includes(":") && isIpv4(address);
}

function hasSurplusBits(cidr: Cidr): boolean {
  const network = networkOf(cidr);
  return cidr.address.some((byte, i) => byte !== network[i]);
}
