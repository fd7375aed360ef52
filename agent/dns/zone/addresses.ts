import { isIpv4, parseIp } from "../../../core/lib/addresses/ip_address.ts";
import { TYPE } from "../messages/codes.ts";

/** The record that says an address; `undefined` for a text that is none. */
export function addressData(ip: string): { type: number; data: Uint8Array } | undefined {
  const address = parseIp(ip);
  if (address === undefined) return undefined;
  return isIpv4(address)
    ? { type: TYPE.A, data: Uint8Array.from(address.slice(12)) }
    : { type: TYPE.AAAA, data: Uint8Array.from(address) };
}

/** The name by which one looks up whose address it is (RFC 1035, 3596). */
export function reverseName(ip: string): string | undefined {
  const address = parseIp(ip);
  if (address === undefined) return undefined;
  if (isIpv4(address)) return `${address.slice(12).reverse().join(".")}.in-addr.arpa`;
  const digits = address.flatMap((byte) => [byte >> 4, byte & 15]).reverse();
  return `${digits.map((digit) => digit.toString(16)).join(".")}.ip6.arpa`;
}

/** The IPv4 address that a reverse name asks for; `undefined` for other names. */
export function addressInReverse(name: string): string | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa$/.exec(name);
  if (match === null) return undefined;
  const ip = match.slice(1).reverse().join(".");
  return parseIp(ip) && ip;
}

/** The label of an endpoint without a host name, and of a pod: `10-42-0-5`. */
export function addressLabel(ip: string): string {
  return ip.replaceAll(/[.:]/g, "-");
}

/** The address that such a label means; `undefined` when it means none. */
export function addressOfLabel(label: string): string | undefined {
  const ipv4 = label.replaceAll("-", ".");
  if (parseIp(ipv4) !== undefined) return ipv4;
  const ipv6 = label.replaceAll("-", ":");
  return ipv6.includes(":") && parseIp(ipv6) !== undefined ? ipv6 : undefined;
}
