import { parseIp } from "../../../core/lib/addresses/ip_address.ts";

/** A name server elsewhere. */
export interface NameServer {
  readonly address: string;
  readonly port: number;
}

/** As resolv.conf(5) and glibc have it. */
const SERVERS_MAX = 3;
const DNS_PORT = 53;

/** The name servers in a `resolv.conf`, the preferred one first; the machine itself when it names none (resolv.conf(5)). */
export function nameServersIn(text: string): NameServer[] {
  const found = text.split("\n").flatMap((line) => {
    const [word, address = ""] = line.trim().split(/\s+/);
    return word === "nameserver" ? nameServer(address) ?? [] : [];
  });
  return found.length > 0 ? found.slice(0, SERVERS_MAX) : [nameServer("127.0.0.1")!];
}

/** `192.0.2.1`, `192.0.2.1:5353`, `fe80::1%eth0`; `undefined` for anything else. */
export function nameServer(text: string): NameServer | undefined {
  const [, ipv4, ownPort] = /^([\d.]+):(\d{1,5})$/.exec(text) ?? [];
  const address = ipv4 ?? text;
  const port = ownPort === undefined ? DNS_PORT : Number(ownPort);
  const isAddress = parseIp(address.replace(/%.*$/, "")) !== undefined;
  return isAddress && port > 0 && port <= 65_535 ? { address, port } : undefined;
}
