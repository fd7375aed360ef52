import type { Endpoint } from "../backends.ts";

/**
 * How a thread of the proxy gets to an endpoint behind a tunnel: it connects to a relay in its own process, says the secret
 * and whom it wants, and is answered with a byte and then frames. Frames tell an orderly end from a tunnel that was lost,
 * which a plain connection between the two would not.
 *
 *     to the relay:    secret (16) | length (2) | what a stream is opened with | bytes as they are
 *     from the relay:  status (1)  | frames: length (2) | bytes; a length of 0 is the end
 */
export interface RelayAddress {
  readonly port: number;
  readonly secret: Uint8Array;
}

/** Relays listen here. */
export const RELAY_HOST = "127.0.0.1";
export const SECRET_BYTES = 16;
export const LENGTH_BYTES = 2;
/** Of what a stream is opened with, as far as relays take it. */
export const ASKED_BYTES_MAX = 2048;
export const FRAME_BYTES_MOST = 0xffff;

/** A port of a pod of some node; what a stream between node and server is opened with. */
export interface PodTarget {
  readonly kind: "tcp";
  readonly node: string;
  readonly address: string;
  readonly port: number;
  /** When it has to be this pod and no other that has its address. */
  readonly uid?: string;
}

/** The API server's own port. */
export interface ApiTarget {
  readonly kind: "apiserver";
}

export type FarTarget = PodTarget | ApiTarget;

/** Why a connection could not be made, in the order of the statuses of relays, after `connected`. */
export const FAILURES = ["refused", "timeout", "unreachable"] as const;
export type DialFailure = typeof FAILURES[number];

export const CONNECTED = 0;

/** Whom an endpoint that is far is behind. */
export function targetOf(
  { far, address, port, podUid }: Pick<Endpoint, "far" | "address" | "port" | "podUid">,
): FarTarget | undefined {
  if (far === undefined) return undefined;
  if (far === "apiserver") return { kind: "apiserver" };
  return { kind: "tcp", node: far.node, address, port, ...(podUid !== "" && { uid: podUid }) };
}

/** What a relay is told before the bytes of a connection. */
export function greeting(secret: Uint8Array, target: FarTarget): Uint8Array<ArrayBuffer> {
  const asked = new TextEncoder().encode(JSON.stringify(target));
  const bytes = new Uint8Array(SECRET_BYTES + LENGTH_BYTES + asked.length);
  bytes.set(secret);
  new DataView(bytes.buffer).setUint16(SECRET_BYTES, asked.length);
  bytes.set(asked, SECRET_BYTES + LENGTH_BYTES);
  return bytes;
}

/** The reason with which a stream is reset because nobody could be reached. */
export function dialReason(failure: DialFailure, message: string): string {
  return `${failure}: ${message}`;
}

/** What such a reason says; `unreachable` for any other. */
export function failureOf(reason: string): DialFailure {
  return FAILURES.find((failure) => reason.startsWith(`${failure}: `)) ?? "unreachable";
}
