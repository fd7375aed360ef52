import { isInRange, parseIpv4, parseIpv4Range } from "../../core/lib/addresses/ipv4.ts";

/** Whether an address lies in one of the ranges, which are of IPv4. IPv4-mapped addresses of IPv6 count as what they map. */
export function isInRanges(ranges: readonly string[], address: string): boolean {
  const number = parseIpv4(address.replace(/^::ffff:/, ""));
  return number !== undefined && ranges.some((range) => isInRange(number, parseIpv4Range(range)!));
}
