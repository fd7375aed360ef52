import { isIpv4, isWithin, parseIp, specialUseOf } from "../../../lib/addresses/ip_address.ts";
import type { IpAddress, SpecialUse } from "../../../lib/addresses/ip_address.ts";
import { Failure, OpaqueValue, type Value } from "../values/values.ts";
import { goQuoted } from "./go_text.ts";
import type { Declaration } from "./overloads.ts";

const ADDRESS_LENGTH_MAX = 64;

class Ip extends OpaqueValue {
  readonly typeName = "net.IP";
  readonly bytes: IpAddress;

  constructor(bytes: IpAddress) {
    super();
    this.bytes = bytes;
  }

  equals(other: OpaqueValue): boolean {
    return other instanceof Ip && other.bytes.every((byte, index) => byte === this.bytes[index]);
  }

  override get costSize(): number {
    return isIpv4(this.bytes) ? 4 : 16;
  }
}

class Cidr extends OpaqueValue {
  readonly typeName = "net.CIDR";
  readonly ip: Ip;
  /** Of the address as it is written: up to 32 or 128. */
  readonly length: number;

  constructor(ip: Ip, length: number) {
    super();
    this.ip = ip;
    this.length = length;
  }

  equals(other: OpaqueValue): boolean {
    return other instanceof Cidr && other.length === this.length && other.ip.equals(this.ip);
  }

  override get costSize(): number {
    return Math.ceil(this.length / 8);
  }

  contains({ bytes }: Ip): boolean {
    if (isIpv4(bytes) !== isIpv4(this.ip.bytes)) return false;
    return isWithin(bytes, { first: this.ip.bytes, prefixLength: this.#bits });
  }

  get masked(): Cidr {
    const bits = this.#bits;
    const bytes = this.ip.bytes.map((byte, index) => {
      const kept = Math.max(0, Math.min(8, bits - index * 8));
      return byte & (0xff << (8 - kept)) & 0xff;
    });
    return new Cidr(new Ip(bytes), this.length);
  }

  get #bits(): number {
    return isIpv4(this.ip.bytes) ? 96 + this.length : this.length;
  }
}

/** IP addresses and networks, read strictly: no zone, no leading zeros, no IPv4 in IPv6. */
export const ADDRESSES: readonly Declaration[] = [
  ["is_ip", "isIP(string): bool", (text: string) => isFine(ipFrom(text))],
  ["string_to_ip", "ip(string): IP", ipFrom],
  ["ip_to_string", "string(IP): string", textOf],
  ["ip_is_canonical", "ip.isCanonical(string): bool", (text: string) => {
    const ip = ipFrom(text);
    return ip instanceof Failure ? ip : textOf(ip) === text;
  }],
  ["ip_family", "IP.family(): int", ({ bytes }: Ip) => isIpv4(bytes) ? 4n : 6n],
  ["ip_is_unspecified", "IP.isUnspecified(): bool", isFor("unspecified")],
  ["ip_is_loopback", "IP.isLoopback(): bool", isFor("loopback")],
  ["ip_is_link_local_multicast", "IP.isLinkLocalMulticast(): bool", isFor("link-local multicast")],
  ["ip_is_link_local_unicast", "IP.isLinkLocalUnicast(): bool", isFor("link-local")],
  [
    "ip_is_global_unicast",
    "IP.isGlobalUnicast(): bool",
    ({ bytes }: Ip) =>
      specialUseOf(bytes) === undefined &&
      !(isIpv4(bytes) && bytes.slice(12).every((b) => b === 255)),
  ],
  ["is_cidr", "isCIDR(string): bool", (text: string) => isFine(cidrFrom(text))],
  ["string_to_cidr", "cidr(string): CIDR", cidrFrom],
  ["cidr_to_string", "string(CIDR): string", ({ ip, length }: Cidr) => `${textOf(ip)}/${length}`],
  ["cidr_contains_ip_string", "CIDR.containsIP(string): bool", (cidr: Cidr, text: string) => {
    const ip = ipFrom(text);
    return ip instanceof Failure ? ip : cidr.contains(ip);
  }],
  ["cidr_contains_ip_ip", "CIDR.containsIP(IP): bool", (cidr: Cidr, ip: Ip) => cidr.contains(ip)],
  ["cidr_contains_cidr_string", "CIDR.containsCIDR(string): bool", (cidr: Cidr, text: string) => {
    const other = cidrFrom(text);
    return other instanceof Failure ? other : containsCidr(cidr, other);
  }],
  ["cidr_contains_cidr", "CIDR.containsCIDR(CIDR): bool", containsCidr],
  ["cidr_ip", "CIDR.ip(): IP", ({ ip }: Cidr) => ip],
  ["cidr_prefix_length", "CIDR.prefixLength(): int", ({ length }: Cidr) => BigInt(length)],
  ["cidr_masked", "CIDR.masked(): CIDR", ({ masked }: Cidr) => masked],
];

function isFine(value: Value): boolean {
  return !(value instanceof Failure);
}

function isFor(use: SpecialUse) {
  return ({ bytes }: Ip) => specialUseOf(bytes) === use;
}

function containsCidr(cidr: Cidr, other: Cidr): boolean {
  return other.length >= cidr.length && cidr.contains(other.ip);
}

function ipFrom(text: string): Ip | Failure {
  const bytes = text.length <= ADDRESS_LENGTH_MAX ? parseIp(text) : undefined;
  if (!bytes) {
    const isZoned = text.length <= ADDRESS_LENGTH_MAX && text.includes("%") &&
      parseIp(text.split("%")[0]!);
    return new Failure(
      isZoned
        ? `IP address ${goQuoted(text)} with zone value is not allowed`
        : `IP Address ${goQuoted(text)} parse error during conversion from string: ParseAddr(${
          goQuoted(text)
        }): unable to parse IP`,
    );
  }
  return text.includes(":") && isIpv4(bytes)
    ? new Failure(`IPv4-mapped IPv6 address ${goQuoted(text)} is not allowed`)
    : new Ip(bytes);
}

function cidrFrom(text: string): Cidr | Failure {
  const slash = text.lastIndexOf("/");
  const length = text.slice(slash + 1);
  const ip = slash < 0 ? undefined : ipFrom(text.slice(0, slash));
  const isLength = /^(0|[1-9]\d{0,2})$/.test(length);
  if (ip instanceof Ip && isLength && Number(length) <= (isIpv4(ip.bytes) ? 32 : 128)) {
    return new Cidr(ip, Number(length));
  }
  if (ip instanceof Failure && ip.message.startsWith("IPv4-mapped")) {
    return new Failure(`IPv4-mapped IPv6 address ${goQuoted(text)} is not allowed`);
  }
  const cause = slash < 0
    ? "no '/'"
    : ip instanceof Ip
    ? "prefix length out of range"
    : "unable to parse IP";
  return new Failure(
    `network address parse error during conversion from string: netip.ParsePrefix(${
      goQuoted(text)
    }): ${cause}`,
  );
}

/** As RFC 5952 writes it. */
function textOf({ bytes }: Ip): string {
  if (isIpv4(bytes)) return bytes.slice(12).join(".");
  const groups = Array.from({ length: 8 }, (_, at) => bytes[at * 2]! * 256 + bytes[at * 2 + 1]!);
  const [start, length] = longestZeros(groups);
  const hex = (part: number[]) => part.map((group) => group.toString(16)).join(":");
  if (length < 2) return hex(groups);
  return `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`;
}

function longestZeros(groups: readonly number[]): [start: number, length: number] {
  let best: [number, number] = [0, 0];
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > best[1]) best = [start, length];
  }
  return best;
}
