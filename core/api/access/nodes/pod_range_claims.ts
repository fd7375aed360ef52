import {
  formatIpv4Range,
  type Ipv4Range,
  overlap,
  parseIpv4Range,
} from "../../../lib/addresses/ipv4.ts";

/** Addresses that the node's own machine alone reaches: those of several nodes may be the same. */
const LOOPBACK = parseIpv4Range("127.0.0.0/8")!;
/** Private addresses: RFC 1918, and those of RFC 6598. */
const PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"]
  .map((text) => parseIpv4Range(text)!);
/** A node has room for 65,536 pods. */
const PREFIX_LENGTH_MIN = 16;

/**
 * Why a node may not say that its pods have the addresses of a range: the others would send it what is not meant for
 * it. `undefined`: it may. `taken`: by the other nodes, and by Services. Pure.
 */
export function claimFault(claim: string, taken: readonly Ipv4Range[]): string | undefined {
  const range = parseIpv4Range(claim);
  if (!range) return `"${claim}" is no range of IPv4 addresses`;
  if (isWithin(range, LOOPBACK)) return undefined;
  if (range.prefixLength < PREFIX_LENGTH_MIN) return `"${claim}" is too large`;
  if (!PRIVATE.some((outer) => isWithin(range, outer))) return `"${claim}" is not private`;
  const other = taken.find((one) => overlap(one, range));
  return other && `"${claim}" overlaps with ${formatIpv4Range(other)}, which is taken`;
}

function isWithin(inner: Ipv4Range, outer: Ipv4Range): boolean {
  return overlap(inner, outer) && inner.prefixLength >= outer.prefixLength;
}
