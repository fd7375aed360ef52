import type { Clock } from "../../core/lib/clock.ts";
import type { LiveBackend, LiveEndpoint } from "../backends/backends.ts";
import type { TcpConnection } from "./tcp_connection.ts";

const CONNECT_MS = 5_000;
const TRIES_MAX = 3;
const BUFFER_BYTES = 64 * 1024;

export interface TcpForward {
  client: Deno.TcpConn;
  /** What the client's connection is to those who close it. */
  connection: TcpConnection;
  /** The backend as it is when it is asked for. */
  backend: () => LiveBackend;
  clock: Clock;
}

/**
 * Passes a connection on to an endpoint, bytes as they are, each direction to its own end. An endpoint that cannot be
 * reached is passed over for another one; when nobody answers, the client's connection is closed.
 */
export async function forwardTcp(
  { client, connection, backend, clock }: TcpForward,
): Promise<void> {
  const { counts } = backend();
  counts.requests++;
  const claimed = await claimAndConnect(backend, clock);
  if (claimed === undefined) {
    counts.failures++;
    return connection.close();
  }
  const { endpoint, upstream } = claimed;
  connection.join({ close: () => closeIfOpen(upstream) });
  counts.inFlight++;
  endpoint.opened(connection);
  try {
    await Promise.all([pass(client, upstream, connection), pass(upstream, client, connection)]);
  } finally {
    connection.close();
    endpoint.closed(connection);
    endpoint.release();
    counts.inFlight--;
  }
}

/** A client's connection may have been closed with its listener. */
export function closeIfOpen(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

async function claimAndConnect(
  backend: () => LiveBackend,
  clock: Clock,
): Promise<{ endpoint: LiveEndpoint; upstream: Deno.TcpConn } | undefined> {
  let failed: LiveEndpoint | undefined;
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const endpoint = backend().claim(clock.elapsed(), failed);
    if (endpoint === undefined) return undefined;
    const upstream = await connection(endpoint, clock);
    if (upstream !== undefined) return { endpoint, upstream };
    endpoint.suspect(clock.elapsed());
    endpoint.release();
    failed = endpoint;
  }
  return undefined;
}

async function connection(
  { endpoint: { address: hostname, port } }: LiveEndpoint,
  clock: Clock,
): Promise<Deno.TcpConn | undefined> {
  const late = new AbortController();
  const stopTimer = clock.after(CONNECT_MS, () => late.abort());
  try {
    return await Deno.connect({ hostname, port, signal: late.signal });
  } catch {
    return undefined; // refused, unreachable or late: all the same here
  } finally {
    stopTimer();
  }
}

/** Copies until `from` ends, then tells `to`. A broken connection ends both directions. */
async function pass(
  from: Deno.TcpConn,
  to: Deno.TcpConn,
  connection: TcpConnection,
): Promise<void> {
  const buffer = new Uint8Array(BUFFER_BYTES);
  try {
    to.setNoDelay(true);
    to.setKeepAlive(true); // else one that is gone without a word is here for days
    for (;;) {
      const count = await from.read(buffer);
      if (count === null) break;
      connection.hasMoved = true;
      let written = 0;
      while (written < count) written += await to.write(buffer.subarray(written, count));
    }
    connection.isHalfClosed = true;
    await to.closeWrite();
  } catch {
    connection.close(); // broken on one side: the other learns it so
  }
}
