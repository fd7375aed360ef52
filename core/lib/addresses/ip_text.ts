import { type IpAddress, isIpv4, parseIp } from "./ip_address.ts";

/** Addresses and ranges as Go's `net` writes them, and as older versions of it read them: `010.0.0.1` is 10.0.0.1. */

/** Reads an address of which the numbers may begin with zeros; `undefined` for anything else. */
export function parseSloppyIp(text: string): IpAddress | undefined {
  const start = text.lastIndexOf(":") + 1;
  const numbers = text.slice(start).split(".");
  if (numbers.length !== 4) return parseIp(text);
  const trimmed = numbers.map((number) => number.replace(/^0+(?=\d)/, ""));
  return parseIp(text.slice(0, start) + trimmed.join("."));
}

/** The canonical text: RFC 5952; of an IPv4 address, mapped or not, with dots. */
export function formatIp(address: IpAddress): string {
  if (isIpv4(address)) return address.slice(12).join(".");
  const groups = Array.from({ length: 8 }, (_, i) => address[2 * i]! * 256 + address[2 * i + 1]!);
  const { start, length } = longestZeros(groups);
  const text = (part: readonly number[]) => part.map((group) => group.toString(16)).join(":");
  return length < 2
    ? text(groups)
    : `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`;
}

function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let end = start;
    while (groups[end] === 0) end++;
    if (end - start > best.length) best = { start, length: end - start };
  }
  return best;
}

/** An address and a prefix length, as written. */
export interface Cidr {
  readonly address: IpAddress;
  /** Counted in 128 bits. */
  readonly prefixLength: number;
}

/** Reads CIDR notation, of which the numbers may begin with zeros; `undefined` for anything else. */
export function parseSloppyCidr(text: string): Cidr | undefined {
  const slash = text.indexOf("/");
  const [written, length] = [text.slice(0, slash), text.slice(slash + 1)];
  const address = slash < 0 ? undefined : parseSloppyIp(written);
  if (address === undefined || !/^0*\d{1,3}$/.test(length)) return undefined;
  const prefixLength = Number(length) + (written.includes(":") ? 0 : 96);
  return prefixLength > 128 ? undefined : { address, prefixLength };
}

/** The first address of the range that `cidr` lies in. */
export function networkOf({ address, prefixLength }: Cidr): IpAddress {
  return address.map((byte, i) => {
    const bits = Math.min(8, Math.max(0, prefixLength - 8 * i));
    return byte & (0xff00 >> bits) & 0xff;
  });
}

/** The range as Go writes it, without the bits beyond the prefix. */
export function formatCidr(cidr: Cidr): string {
  const network = networkOf(cidr);
  return `${formatIp(network)}/${cidr.prefixLength - (isIpv4(network) ? 96 : 0)}`;
}
