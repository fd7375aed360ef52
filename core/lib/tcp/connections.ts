import type { Clock } from "../clock.ts";
import type { ByteEnd } from "../mux/joins.ts";

export type TcpConnection = Deno.TcpConn;

const READ_BYTES = 16 * 1024;

/** Why a connection could not be made. Nothing was sent. */
export class DialError extends Error {
  override name = "DialError";
  constructor(readonly failure: "refused" | "timeout" | "unreachable", message: string) {
    super(message);
  }
}

/** Connects by TCP within `ms`. Rejects with a {@linkcode DialError}, in the words of Go's `net`. */
export async function dialTcp(
  to: { hostname: string; port: number },
  { clock, ms, signal }: { clock: Clock; ms: number; signal?: AbortSignal },
): Promise<TcpConnection> {
  const late = new AbortController();
  const stopTimer = clock.after(ms, () => late.abort());
  const dial = `dial tcp ${to.hostname}:${to.port}`;
  try {
    const signals = signal ? AbortSignal.any([late.signal, signal]) : late.signal;
    const connection = await Deno.connect({ ...to, signal: signals });
    connection.setNoDelay(true);
    return connection;
  } catch (error) {
    if (late.signal.aborted || error instanceof Deno.errors.TimedOut) {
      throw new DialError("timeout", `${dial}: i/o timeout`);
    }
    if (error instanceof Deno.errors.ConnectionRefused) {
      throw new DialError("refused", `${dial}: connect: connection refused`);
    }
    throw new DialError("unreachable", `${dial}: connect: no route to host`);
  } finally {
    stopTimer();
  }
}

/** A connection as one side of what is joined. */
export function tcpEnd(connection: TcpConnection, first?: Uint8Array): ByteEnd {
  return {
    bytes: bytesOf(connection, first),
    write: (bytes) => writeAll(connection, bytes),
    end: () => connection.closeWrite().catch(() => {}), // it is broken, which its reader finds
    reset: () => closeQuietly(connection),
  };
}

/** What comes, in arrays of their own. Throws when the connection is broken. */
export async function* bytesOf(
  connection: TcpConnection,
  first?: Uint8Array,
): AsyncIterable<Uint8Array<ArrayBufferLike>> {
  if (first !== undefined && first.length > 0) yield first;
  const buffer = new Uint8Array(READ_BYTES);
  for (;;) {
    const count = await connection.read(buffer);
    if (count === null) return;
    yield buffer.slice(0, count);
  }
}

export async function writeAll(connection: TcpConnection, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

/** Closes a connection, which may be closed already. */
export function closeQuietly(connection: TcpConnection): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
