/** A range of IPv4 addresses, e.g. `10.42.0.0/24`. */
export interface Ipv4Range {
  /** The first address as a number. */
  first: number;
  prefixLength: number;
}

/** `10.42.0.1` as a number; `undefined` when it is not an IPv4 address. */
export function parseIpv4(text: string): number | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  let address = 0;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    address = address * 256 + Number(part);
  }
  return address;
}

/** A number as `10.42.0.1`. */
export function formatIpv4(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join(".");
}

/** Parses CIDR notation (RFC 4632). Bits after the prefix must be zero. */
export function parseIpv4Range(text: string): Ipv4Range | undefined {
  const [address, length, ...rest] = text.split("/");
  const first = parseIpv4(address ?? "");
  if (first === undefined || rest.length > 0 || !/^\d{1,2}$/.test(length ?? "")) return undefined;
  const prefixLength = Number(length);
  if (prefixLength > 32 || first % sizeOf(prefixLength) !== 0) return undefined;
  return { first, prefixLength };
}

/** How many addresses a range holds. */
export function sizeOfRange({ prefixLength }: Ipv4Range): number {
  return sizeOf(prefixLength);
}

/** Whether an address lies in a range. */
export function isInRange(address: number, range: Ipv4Range): boolean {
  return address >= range.first && address < range.first + sizeOfRange(range);
}

/** Whether two ranges have an address in common. */
export function overlap(one: Ipv4Range, other: Ipv4Range): boolean {
  return isInRange(one.first, other) || isInRange(other.first, one);
}

/** A range in CIDR notation. */
export function formatIpv4Range({ first, prefixLength }: Ipv4Range): string {
  return `${formatIpv4(first)}/${prefixLength}`;
}

function sizeOf(prefixLength: number): number {
  return 2 ** (32 - prefixLength);
}
