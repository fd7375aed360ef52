import {
  formatIpv4Range,
  type Ipv4Range,
  overlap,
  parseIpv4Range,
} from "../../../lib/addresses/ipv4.ts";

/** Addresses that only the node's own machine can reach: several nodes may use the same ones. */
const LOOPBACK = parseIpv4Range("127.0.0.0/8")!;
/** Private addresses: RFC 1918 and RFC 6598. */
const PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"]
  .map((text) => parseIpv4Range(text)!);
/** A node has room for 65,536 pods. */
const PREFIX_LENGTH_MIN = 16;

/**
 * Why a node may not claim an address range for its pods: other nodes would send it traffic that is not meant for it.
 * `undefined`: it may. `taken`: ranges of other nodes and of Services. Pure.
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
