import { type Ipv4Range, parseIpv4Range } from "../lib/addresses/ipv4.ts";

/** A smaller range has no address to give. */
const PREFIX_LENGTH_MAX = 29;

/** The range that a text such as `10.96.0.0/16` names. Throws when it is none, or too small. */
export function serviceRange(text: string): Ipv4Range {
  const range = parseIpv4Range(text);
  if (range && range.prefixLength <= PREFIX_LENGTH_MAX) return range;
  throw new Error(`Cannot use "${text}" for the addresses of Services: write it like 10.96.0.0/16`);
}
