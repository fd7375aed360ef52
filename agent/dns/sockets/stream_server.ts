import type { Clock } from "../../../core/lib/clock.ts";
import { wordAt } from "../messages/query.ts";
import type { Resolver } from "../answers/resolver.ts";
import type { OpenServer } from "./datagram_server.ts";

/** Connections at once, of all clients and of one. */
const CONNECTIONS_MAX = 256;
const CONNECTIONS_OF_CLIENT_MAX = 32;
/** Without a question for this long a connection is closed (RFC 7766, 6.2.3). */
const IDLE_MS = 10_000;
/** A question has a name, a type, and perhaps options. */
const QUESTION_BYTES_MAX = 4_096;

export interface StreamServerOptions {
  resolver: Pick<Resolver, "answer">;
  clock: Pick<Clock, "after">;
  address: string;
  port: number;
}

/** Answers questions by TCP, one after the other on each connection (RFC 7766). Throws when the address is not free. */
export function serveStreams(options: StreamServerOptions): OpenServer {
  const { address, port } = options;
  const listener = Deno.listen({ hostname: address, port });
  const connections = new Map<Deno.Conn, string>();
  const countOf = (client: string) =>
    [...connections.values()].filter((each) => each === client).length;
  const accept = async () => {
    for await (const connection of listener) {
      const client = (connection.remoteAddr as Deno.NetAddr).hostname;
      const isFull = connections.size >= CONNECTIONS_MAX ||
        countOf(client) >= CONNECTIONS_OF_CLIENT_MAX;
      if (isFull) {
        connection.close();
        continue;
      }
      connections.set(connection, client);
      void serve(connection, options).finally(() => {
        connections.delete(connection);
        closeQuietly(connection);
      });
    }
  };
  const running = accept();
  return {
    port: (listener.addr as Deno.NetAddr).port,
    async close() {
      listener.close();
      for (const connection of connections.keys()) closeQuietly(connection);
      await running;
    },
  };
}

/** Never rejects: whatever a client does ends its own connection. */
async function serve(
  connection: Deno.Conn,
  { resolver, clock }: StreamServerOptions,
): Promise<void> {
  const reader = new MessageReader(connection);
  try {
    for (;;) {
      const cancel = clock.after(IDLE_MS, () => closeQuietly(connection));
      const message = await reader.next().finally(cancel);
      const answer = message && await resolver.answer(message, { isStream: true });
      if (answer === undefined) return;
      const framed = new Uint8Array(answer.length + 2);
      framed[0] = answer.length >> 8;
      framed[1] = answer.length & 0xff;
      framed.set(answer, 2);
      const stop = clock.after(IDLE_MS, () => closeQuietly(connection));
      await writeAll(connection, framed).finally(stop);
    }
  } catch {
    // the client is gone, or too slow
  }
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

/** Messages with their lengths before them. */
class MessageReader {
  readonly #connection: Deno.Conn;
  readonly #bytes = new Uint8Array(QUESTION_BYTES_MAX + 2);
  #length = 0;

  constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  /** `undefined` at the end, and for what is longer than any question. */
  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      const wanted = this.#length < 2 ? 2 : 2 + wordAt(this.#bytes, 0);
      if (wanted > this.#bytes.length) return undefined;
      if (this.#length >= 2 && this.#length >= wanted) {
        const message = this.#bytes.slice(2, wanted);
        this.#bytes.copyWithin(0, wanted, this.#length);
        this.#length -= wanted;
        return message;
      }
      const read = await this.#connection.read(this.#bytes.subarray(this.#length));
      if (read === null) return undefined;
      this.#length += read;
    }
  }
}

function closeQuietly(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // it is closed already
  }
}
