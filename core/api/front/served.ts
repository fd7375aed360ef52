import type { Clock } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";
import type { KeyPair } from "../access/pki_certificates.ts";

/**
 * What carries the API. `tls-thread`: a thread of ours that calls OpenSSL. `https`: `node:https`, which goes on reading
 * when it should not, so that we watch it. `auto`: the thread; where it cannot be had, `https` on loopback.
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
  /** Where it does, with the port that was picked. */
  readonly address: { host: string; port: number };
  /** Shows another certificate to those who connect from now on. */
  useCertificate(pair: KeyPair): void;
  /** Stops accepting, ends watches, lets requests under way end for `STOP_GRACE_MS` or until the signal, then closes. */
  stop(signal?: AbortSignal): Promise<void>;
}

/** Why the server cannot listen, in words for whoever started it. */
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
        `${where}: the address is in use; stop what listens there, or choose another with "--listen"`,
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
