import { ENDED } from "../../core/lib/abort.ts";
import type { Clock } from "../../core/lib/clock.ts";

export interface ConnectionLimits {
  clock: Pick<Clock, "after">;
  /** For all of it; `Infinity` is no limit. */
  timeoutMs: number;
  signal: AbortSignal;
}

/** A question took longer than it may. */
export class LateError extends Error {
  override name = "TimeoutError";
}

/**
 * What comes of a TCP connection of its own, which is closed when `act` is done, time is up or the signal aborts. Rejects with a
 * {@linkcode LateError} when time is up, and with the error of the system when it cannot be opened.
 */
export async function connected<T>(
  to: { hostname: string; port: number },
  { clock, timeoutMs, signal }: ConnectionLimits,
  act: (connection: Deno.TcpConn) => Promise<T>,
): Promise<T> {
  const opening = new AbortController();
  let connection: Deno.TcpConn | undefined;
  let isLate = false;
  const end = () => {
    opening.abort(ENDED);
    connection?.close();
    connection = undefined;
  };
  const cancel = timeoutMs === Infinity ? () => {} : clock.after(timeoutMs, () => {
    isLate = true;
    end();
  });
  signal.addEventListener("abort", end);
  try {
    signal.throwIfAborted();
    connection = await Deno.connect({ ...to, signal: opening.signal });
    return await act(connection);
  } catch (error) {
    throw isLate ? new LateError() : error;
  } finally {
    cancel();
    signal.removeEventListener("abort", end);
    connection?.close();
  }
}

export async function writeAll(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += await connection.write(bytes.subarray(written));
  }
}
