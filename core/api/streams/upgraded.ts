import { abortWith, ENDED } from "../../lib/abort.ts";
import type { Clock } from "../../lib/clock.ts";
import type { StreamParts, UpgradeRequest } from "./stream.ts";
import { RawConnection } from "./upgrades/raw_connection.ts";

/** How long nothing may come or go: kubelet `streamingConnectionIdleTimeout`. */
const IDLE_MS = 4 * 60 * 60 * 1000;

/**
 * Sends the head of the answer and lets `use` have the connection. Its signal aborts when the client is gone, nothing has
 * happened for {@linkcode IDLE_MS}, the user's credential is no longer valid, or the server stops. Resolves when `use` has
 * ended, however that was. Throws TooManyRequests before anything is sent.
 */
export async function openConnection(
  { socket, head, isCurrent }: UpgradeRequest,
  { open, clock }: StreamParts,
  answer: string,
  use: (connection: RawConnection, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const end = open.open(isCurrent);
  socket.write(answer);
  const connection = new RawConnection({ socket, head });
  const unlink = abortWith(end, connection.gone);
  end.signal.addEventListener("abort", () => connection.destroy(), { once: true });
  const stopIdle = endWhenIdle(clock, connection, () => end.abort(ENDED));
  try {
    await use(connection, end.signal);
  } catch {
    // The client did not do its part, or left: there is nobody to tell.
  } finally {
    stopIdle();
    unlink();
    open.close(end);
    connection.discardInput();
  }
}

function endWhenIdle(clock: Clock, connection: RawConnection, end: () => void): () => void {
  let activeMs = clock.elapsed();
  let cancel: () => void;
  connection.onActivity(() => activeMs = clock.elapsed());
  const wait = (ms: number) =>
    cancel = clock.after(ms, () => {
      const leftMs = activeMs + IDLE_MS - clock.elapsed();
      if (leftMs <= 0) end();
      else wait(leftMs);
    });
  wait(IDLE_MS);
  return () => cancel();
}
