import { LateError } from "./connection.ts";
import type { ProbeTarget } from "./probe_type.ts";

/** The number of a port, by its name in the container when it is one. */
export function portOf(
  port: number | string,
  { ports }: Pick<ProbeTarget, "ports">,
): number {
  const number = typeof port === "number" ? port : Number(port);
  const known = Number.isInteger(number)
    ? number
    : ports.find(({ name }) => name === port)?.containerPort;
  if (known === undefined) throw new Error(`strconv.Atoi: parsing "${port}": invalid syntax`);
  if (known < 1 || known > 65_535) throw new Error(`invalid port number: ${known}`);
  return known;
}

const WORDS_OF_CODE: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connect: connection refused",
  EHOSTUNREACH: "connect: no route to host",
  ENETUNREACH: "connect: network is unreachable",
};

/** What Go's `net` says of the same failure. */
export function dialErrorText(
  error: Error & { code?: string },
  { hostname, port, protocol }: URL,
  timeoutText = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
): string {
  const address = `${hostname}:${port || (protocol === "https:" ? 443 : 80)}`;
  if (error instanceof LateError) {
    return timeoutText === "i/o timeout" ? `dial tcp ${address}: ${timeoutText}` : timeoutText;
  }
  const code = error.code ?? (error.name === "ConnectionRefused" ? "ECONNREFUSED" : "");
  const words = WORDS_OF_CODE[code];
  if (words !== undefined) return `dial tcp ${address}: ${words}`;
  if (code === "ECONNRESET") {
    return error.message === "socket hang up" ? "EOF" : "read: connection reset by peer";
  }
  if (/WRONG_VERSION_NUMBER|InvalidContentType/.test(`${code} ${error.message}`)) {
    return "http: server gave HTTP response to HTTPS client";
  }
  return error.message;
}

/** An IPv6 address as it stands in a URL; what is none stays as it is. */
export function bracketed(host: string): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}
