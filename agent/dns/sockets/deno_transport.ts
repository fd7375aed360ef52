import type { Clock } from "../../../core/lib/clock.ts";
import { wordAt } from "../messages/query.ts";
import type { Transport } from "../upstream/forwarder.ts";
import type { NameServer } from "../upstream/resolv_conf.ts";

const MESSAGE_BYTES = 4_096;

/**
 * Asks other servers by Deno's sockets. Each question has a socket of its own, and with it a port that nobody can foresee;
 * what comes from another address is passed over.
 */
export class DenoTransport implements Transport {
  readonly #clock: Pick<Clock, "after">;

  constructor(clock: Pick<Clock, "after">) {
    this.#clock = clock;
  }

  async byDatagram(
    { address, port }: NameServer,
    question: Uint8Array,
    accepts: (message: Uint8Array) => boolean,
    timeoutMs: number,
  ): Promise<Uint8Array | undefined> {
    const hostname = address.includes(":") ? "::" : "0.0.0.0";
    return await this.#within(
      timeoutMs,
      () => Promise.resolve(Deno.listenDatagram({ transport: "udp", hostname, port: 0 })),
      async (socket) => {
        await socket.send(question, { transport: "udp", hostname: address, port });
        for (;;) {
          const [message, from] = await socket.receive(new Uint8Array(MESSAGE_BYTES));
          const { hostname: source, port: sourcePort } = from as Deno.NetAddr;
          const isServer = source === address.replace(/%.*$/, "") && sourcePort === port;
          if (isServer && accepts(message)) return message;
        }
      },
    );
  }

  async byStream(
    { address, port }: NameServer,
    question: Uint8Array,
    timeoutMs: number,
  ): Promise<Uint8Array | undefined> {
    const signal = new AbortController();
    return await this.#within(
      timeoutMs,
      () => Deno.connect({ hostname: address, port, signal: signal.signal }),
      async (connection) => {
        const writer = connection.writable.getWriter();
        await writer.write(Uint8Array.of(question.length >> 8, question.length & 0xff));
        await writer.write(question);
        return await readMessage(connection);
      },
      () => signal.abort(),
    );
  }

  /** Closes what was opened after the time at the latest, which ends all that waits for it. */
  async #within<T extends { close(): void }>(
    timeoutMs: number,
    open: () => Promise<T>,
    ask: (socket: T) => Promise<Uint8Array | undefined>,
    abandon: () => void = () => {},
  ): Promise<Uint8Array | undefined> {
    let close = abandon;
    const cancel = this.#clock.after(timeoutMs, () => close());
    try {
      const socket = await open();
      let isOpen = true;
      close = () => {
        if (isOpen) socket.close();
        isOpen = false;
      };
      return await ask(socket).finally(() => close());
    } catch {
      return undefined; // it is unreachable, or was too slow: to the caller all the same
    } finally {
      cancel();
    }
  }
}

async function readMessage(connection: Deno.Conn): Promise<Uint8Array | undefined> {
  let bytes = new Uint8Array(0);
  const buffer = new Uint8Array(16_384);
  while (bytes.length < 2 || bytes.length < 2 + wordAt(bytes, 0)) {
    const read = await connection.read(buffer);
    if (read === null) return undefined;
    const longer = new Uint8Array(bytes.length + read);
    longer.set(bytes);
    longer.set(buffer.subarray(0, read), bytes.length);
    bytes = longer;
  }
  return bytes.subarray(2, 2 + wordAt(bytes, 0));
}
