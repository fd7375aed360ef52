import { parseIpv4 } from "./ipv4.ts";

/** Sixteen bytes. An IPv4 address is the mapped one, `::ffff:a.b.c.d`, so that both spellings are the same address. */
export type IpAddress = readonly number[];

const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** Reads an IPv4 or IPv6 address (RFC 4291 §2.2) without zone, brackets or prefix; `undefined` for anything else. */
export function parseIp(text: string): IpAddress | undefined {
  const ipv4 = parseIpv4(text);
  if (ipv4 !== undefined) return [...MAPPED, ...bytesOf(ipv4)];
  const halves = text.split("::");
  if (!text.includes(":") || halves.length > 2) return undefined;
  const [before, after] = halves.map((half, i) =>
    half === "" ? [] : groupsOf(half.split(":"), { isLast: i === halves.length - 1 })
  );
  if (before === undefined) return undefined;
  if (halves.length === 1) return before.length === 16 ? before : undefined;
  if (after === undefined || before.length + after.length > 14) return undefined;
  return [...before, ...new Array(16 - before.length - after.length).fill(0), ...after];
}

/** The bytes of groups of four digits; the last two of an address may be an IPv4 address. */
function groupsOf(
  groups: readonly string[],
  { isLast }: { isLast: boolean },
): number[] | undefined {
  const bytes: number[] = [];
  for (const [i, group] of groups.entries()) {
    const ipv4 = isLast && i === groups.length - 1 ? parseIpv4(group) : undefined;
    if (ipv4 !== undefined) bytes.push(...bytesOf(ipv4));
    else if (/^[0-9a-fA-F]{1,4}$/.test(group)) {
      const value = parseInt(group, 16);
      bytes.push(value >> 8, value & 255);
    } else return undefined;
  }
  return bytes;
}

function bytesOf(ipv4: number): number[] {
  return [24, 16, 8, 0].map((shift) => (ipv4 >>> shift) & 255);
}

export function isIpv4(address: IpAddress): boolean {
  return MAPPED.every((byte, i) => address[i] === byte);
}

/** Addresses with the same first bits. */
export interface IpRange {
  readonly first: IpAddress;
  readonly prefixLength: number;
}

/** Reads CIDR notation, or an address alone; bits after the prefix are ignored. `undefined` for anything else. */
export function parseIpRange(text: string): IpRange | undefined {
  const [address = "", length, ...rest] = text.split("/");
  const first = parseIp(address);
  if (first === undefined || rest.length > 0) return undefined;
  if (length === undefined) return { first, prefixLength: 128 };
  const mapped = address.includes(":") ? 0 : 96;
  const prefixLength = mapped + Number(length);
  if (!/^(0|[1-9]\d{0,2})$/.test(length) || prefixLength > 128) return undefined;
  return { first, prefixLength };
}

export function isWithin(address: IpAddress, { first, prefixLength }: IpRange): boolean {
  const whole = prefixLength >> 3, bits = prefixLength & 7;
  for (let i = 0; i < whole; i++) if (address[i] !== first[i]) return false;
  return bits === 0 || (address[whole]! ^ first[whole]!) >> (8 - bits) === 0;
}

/** What an address is for, when not for one host of a network. Source: RFC 1122 §3.2.1.3, RFC 4291, RFC 5771. */
export type SpecialUse =
  | "loopback"
  | "link-local"
  | "link-local multicast"
  | "multicast"
  | "unspecified";

const SPECIAL: readonly (readonly [SpecialUse, ...string[]])[] = [
  ["unspecified", "0.0.0.0/32", "::/128"],
  ["loopback", "127.0.0.0/8", "::1/128"],
  ["link-local", "169.254.0.0/16", "fe80::/10"],
  ["link-local multicast", "224.0.0.0/24", "ff02::/16"],
  ["multicast", "224.0.0.0/4", "ff00::/8"],
];
const SPECIAL_RANGES = SPECIAL.map(([use, ...ranges]) => ({
  use,
  ranges: ranges.map((range) => parseIpRange(range)!),
}));

/** The special use of the address; `undefined` when it is an ordinary address of one host. */
export function specialUseOf(address: IpAddress): SpecialUse | undefined {
  return SPECIAL_RANGES.find(({ ranges }) => ranges.some((range) => isWithin(address, range)))?.use;
}

/**
 * Whether a text is an address that traffic may be forwarded to: one host, and not only on its link. Loopback addresses
 * count: pods have them where the agent does not run as root.
 */
export function isHostAddress(text: string): boolean {
  const address = parseIp(text);
  if (address === undefined) return false;
  const use = specialUseOf(address);
  return use === undefined || use === "loopback";
}
