import type { Clock } from "../../../core/lib/clock.ts";
import { type ByteEnd, join } from "../../../core/lib/mux/joins.ts";
import { bytesOf, closeQuietly, writeAll } from "../../../core/lib/tcp/connections.ts";
import {
  ASKED_BYTES_MAX,
  CONNECTED,
  failureOf,
  FAILURES,
  type FarTarget,
  FRAME_BYTES_MOST,
  LENGTH_BYTES,
  RELAY_HOST,
  type RelayAddress,
  SECRET_BYTES,
} from "../../../core/traffic/far/relaying.ts";

/** Connections at once; more are closed. */
const RELAYED_MAX = 8_192;
/** How long it waits after a failure to accept. */
const ACCEPT_RETRY_MS = 100;
/** How long who connects may take to say what for. */
const GREETING_MS = 5_000;
/** How long it may take until somebody far away has answered that the connection is there. */
const CONNECT_MS = 10_000;

/** Opens a connection to somebody far away. Never throws: what cannot be opened is lost from its beginning. */
export type FarOpener = (target: FarTarget) => ByteEnd;

export interface RelayOptions {
  open: FarOpener;
  clock: Clock;
}

/**
 * Where the proxy's threads connect to for endpoints behind tunnels (`core/traffic/far/relaying.ts`). Only who has been told
 * the secret is served: others on this machine get nothing.
 */
export class Relay {
  readonly address: RelayAddress;
  readonly #options: RelayOptions;
  readonly #listener: Deno.TcpListener;
  readonly #connections = new Set<Deno.TcpConn>();
  #isClosed = false;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#listener = Deno.listen({ hostname: RELAY_HOST, port: 0 });
    const secret = crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
    this.address = { port: this.#listener.addr.port, secret };
    void this.#accept();
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#connections.size;
  }

  close(): void {
    this.#isClosed = true;
    this.#listener.close();
    for (const connection of this.#connections) closeQuietly(connection);
  }

  async #accept(): Promise<void> {
    while (!this.#isClosed) {
      try {
        const connection = await this.#listener.accept();
        if (this.#connections.size >= RELAYED_MAX) closeQuietly(connection);
        else void this.#serve(connection);
      } catch {
        if (!this.#isClosed) await this.#options.clock.sleep(ACCEPT_RETRY_MS); // too many open files, say
      }
    }
  }

  async #serve(connection: Deno.TcpConn): Promise<void> {
    this.#connections.add(connection);
    const { clock, open } = this.#options;
    const stopGreeting = clock.after(GREETING_MS, () => closeQuietly(connection));
    try {
      const { target, rest } = await this.#greetingOf(connection);
      stopGreeting();
      connection.setNoDelay(true);
      const near = new RelayedEnd(connection, rest), far = open(target);
      const stopConnect = clock.after(CONNECT_MS, () => near.giveUp(far));
      await join(near, far);
      stopConnect();
      await near.finished;
    } catch {
      // it is broken, or was no connection of ours
    } finally {
      stopGreeting();
      closeQuietly(connection);
      this.#connections.delete(connection);
    }
  }

  /** Throws when it is none. */
  async #greetingOf(connection: Deno.TcpConn): Promise<{ target: FarTarget; rest: Uint8Array }> {
    const buffer = new Uint8Array(SECRET_BYTES + LENGTH_BYTES + ASKED_BYTES_MAX + READ_AHEAD_BYTES);
    const header = SECRET_BYTES + LENGTH_BYTES;
    let count = 0, asked = ASKED_BYTES_MAX + 1;
    while (count < header + asked) {
      const more = await connection.read(buffer.subarray(count));
      if (more === null) throw new Error("it ended within its greeting");
      count += more;
      if (count < header) continue;
      if (!isSame(buffer.subarray(0, SECRET_BYTES), this.address.secret)) {
        throw new Error("it does not know the secret");
      }
      asked = new DataView(buffer.buffer).getUint16(SECRET_BYTES);
      if (asked > ASKED_BYTES_MAX) throw new Error("it asks for too much");
    }
    const end = header + asked;
    const target = JSON.parse(new TextDecoder().decode(buffer.subarray(header, end)));
    return { target, rest: buffer.slice(end, count) }; // who knows the secret says what is right
  }
}

const READ_AHEAD_BYTES = 14 * 1024;

/** All bytes are looked at, wherever they differ. */
function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.reduce((difference, byte, i) => difference | byte ^ other[i]!, 0) === 0;
}

/** The proxy's end: what goes to it is a status and then frames. */
class RelayedEnd implements ByteEnd {
  readonly bytes: AsyncIterable<Uint8Array>;
  readonly #connection: Deno.TcpConn;
  #state: "asked" | "connected" | "over" = "asked";
  /** What is written last before the connection is closed. */
  finished: Promise<void> = Promise.resolve();

  constructor(connection: Deno.TcpConn, rest: Uint8Array) {
    this.#connection = connection;
    this.bytes = bytesOf(connection, rest);
  }

  /** The first byte says that the far end is connected. */
  async write(bytes: Uint8Array): Promise<void> {
    let rest = bytes;
    if (this.#state === "asked") {
      if (bytes[0] !== CONNECTED) throw new Error("the far end answers in no known way");
      this.#state = "connected";
      rest = bytes.subarray(1);
      if (rest.length === 0) return await writeAll(this.#connection, bytes);
      const first = framed(rest.subarray(0, FRAME_BYTES_MOST), 1);
      first[0] = CONNECTED;
      await writeAll(this.#connection, first);
      rest = rest.subarray(FRAME_BYTES_MOST);
    }
    for (let at = 0; at < rest.length; at += FRAME_BYTES_MOST) {
      await writeAll(this.#connection, framed(rest.subarray(at, at + FRAME_BYTES_MOST)));
    }
  }

  async end(): Promise<void> {
    if (this.#state === "asked") return this.reset("unreachable: it ended at once");
    await writeAll(this.#connection, new Uint8Array(LENGTH_BYTES));
  }

  reset(reason: string): void {
    const wasAsked = this.#state === "asked";
    if (this.#state === "over") return;
    this.#state = "over";
    if (!wasAsked) return closeQuietly(this.#connection);
    const status = Uint8Array.of(1 + FAILURES.indexOf(failureOf(reason)));
    this.finished = writeAll(this.#connection, status).catch(() => {}) // nobody waits for it any more
      .then(() => closeQuietly(this.#connection));
  }

  /** Waits no longer for an answer that has not come. */
  giveUp(far: ByteEnd): void {
    if (this.#state !== "asked") return;
    const reason = `timeout: no answer within ${CONNECT_MS} ms`;
    this.reset(reason);
    far.reset(reason);
  }
}

/** `bytes`: at most what a frame can carry. */
function framed(bytes: Uint8Array, before = 0): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(before + LENGTH_BYTES + bytes.length);
  new DataView(frame.buffer).setUint16(before, bytes.length);
  frame.set(bytes, before + LENGTH_BYTES);
  return frame;
}
