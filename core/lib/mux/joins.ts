import { messageOf } from "../error_message.ts";
import { MuxError } from "./mux_error.ts";

/** An end of something that bytes go in and come out of: a stream of a tunnel, a connection. */
export interface ByteEnd {
  /** One reader. Throws when it is broken. */
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Resolves when there is room for more. Rejects when it is broken. */
  write(bytes: Uint8Array): Promise<void>;
  /** Nothing more follows. */
  end(): void | Promise<void>;
  /** Ends both directions at once. */
  reset(reason: string): void;
  /** Aborts when it is broken, also while nobody reads or writes. */
  readonly lost?: AbortSignal;
}

/** What has gone through, in bytes. */
export interface Passed {
  forth: number;
  back: number;
}

/**
 * Passes bytes on in both directions, at the pace of the slower side, each direction to its own end; resolves when both have
 * ended. What breaks on one side is reset on the other, with the reason.
 */
export async function join(one: ByteEnd, other: ByteEnd, passed?: Passed): Promise<void> {
  const fail = (error: unknown) => {
    const reason = messageOf(error);
    one.reset(reason);
    other.reset(reason);
  };
  const leave = [one, other].map((end) => onLost(end, fail));
  const count = passed ?? { forth: 0, back: 0 };
  await Promise.all([
    pass(one, other, (bytes) => count.forth += bytes).catch(fail),
    pass(other, one, (bytes) => count.back += bytes).catch(fail),
  ]);
  for (const each of leave) each();
}

async function pass(from: ByteEnd, to: ByteEnd, count: (bytes: number) => void): Promise<void> {
  for await (const bytes of from.bytes) {
    count(bytes.length);
    await to.write(bytes);
  }
  await to.end();
}

function onLost({ lost }: ByteEnd, fail: (error: unknown) => void): () => void {
  if (lost === undefined) return () => {};
  const listener = () => fail(lost.reason);
  if (lost.aborted) listener();
  else lost.addEventListener("abort", listener, { once: true });
  return () => lost.removeEventListener("abort", listener);
}

/** An end of what could not be opened. */
export function lostEnd(reason: string): ByteEnd {
  const lost = new MuxError(reason);
  return {
    bytes: { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(lost) }) },
    write: () => Promise.reject(lost),
    end: () => {},
    reset: () => {},
  };
}
