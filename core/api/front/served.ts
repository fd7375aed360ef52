import type { Clock } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";
import type { KeyPair } from "../access/pki_certificates.ts";

/**
 * How the API is served. `tls-thread`: a thread that calls OpenSSL. `https`: `node:https`, which under Deno keeps reading
 * while paused and is therefore watched. `auto`: the thread; where it is not available, `https` on loopback.
 */
export const FRONTS = ["auto", "tls-thread", "https"] as const;
export type FrontName = typeof FRONTS[number];

export interface ServeOptions {
  /** `auto` if absent. */
  front?: FrontName;
  host: string;
  /** 0: a free one. */
  port: number;
  tls: KeyPair & { authority: string };
  clock: Clock;
  log: Log;
  /** Milliseconds without a TLS handshake after which a connection is closed. */
  handshakeMs?: number;
}

/** A server that listens. */
export interface Served {
  /** The address it listens on, with the actual port. */
  readonly address: { host: string; port: number };
  /** Uses another certificate for new connections. */
  useCertificate(pair: KeyPair): void;
  /** Stops accepting, ends watches, lets requests in flight end for `STOP_GRACE_MS` or until the signal, then closes. */
  stop(signal?: AbortSignal): Promise<void>;
}

/** Why the server cannot listen, worded for the user. */
export class ListenError extends Error {
  override name = "ListenError";
}

/** `code`: of the system call that failed, e.g. `EADDRINUSE`. */
export function listenError(
  { code, message }: { code?: string | undefined; message: string },
  { host, port }: { host: string; port: number },
): ListenError {
  const where = `Cannot listen on ${host.includes(":") ? `[${host}]` : host}:${port}`;
  switch (code) {
    case "EADDRINUSE":
      return new ListenError(
        `${where}: the address is in use; stop the process that listens there, or choose another with "--listen"`,
      );
    case "EACCES":
      return new ListenError(`${where}: not permitted; choose a port above 1023 with "--listen"`);
    case "EADDRNOTAVAIL":
      return new ListenError(
        `${where}: this machine does not have the address; choose another with "--listen"`,
      );
    default:
      return new ListenError(`${where}: ${message}`);
  }
}
