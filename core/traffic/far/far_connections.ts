import { messageOf } from "../../lib/error_message.ts";
import { type ByteEnd, join, type Passed } from "../../lib/mux/joins.ts";
import { closeQuietly, DialError, type TcpConnection, tcpEnd } from "../../lib/tcp/connections.ts";
import { CONNECTED, dialReason } from "./relaying.ts";

/**
 * Connects a stream from far away to whom `dial` reaches: says first that it is connected, then passes on the bytes as they
 * are. Resolves when both directions have ended. Rejects with why nobody is reached, in words for `failureOf`.
 */
export async function connectTo(
  stream: ByteEnd,
  dial: () => Promise<TcpConnection>,
  passed?: Passed,
): Promise<void> {
  let connection: TcpConnection;
  try {
    connection = await dial();
  } catch (error) {
    const failure = error instanceof DialError ? error.failure : "unreachable";
    throw new Error(dialReason(failure, messageOf(error)), { cause: error });
  }
  try {
    await stream.write(Uint8Array.of(CONNECTED));
    await join(stream, tcpEnd(connection), passed);
  } finally {
    closeQuietly(connection);
  }
}
