import type { ByteSink, ByteSource } from "../../../lib/byte_queue.ts";
import { OPCODE } from "../../../lib/websocket/frames.ts";
import type { WebSocket } from "./web_socket.ts";

/** A connection of another protocol inside the binary messages of a WebSocket. */
export class SocketBytes implements ByteSource, ByteSink {
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  async read(): Promise<Uint8Array | undefined> {
    for (;;) {
      const piece = await this.#socket.read();
      if (piece === undefined) return undefined;
      if (piece.bytes.length > 0) return piece.bytes;
    }
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#socket.send(OPCODE.binary, bytes);
  }

  end(): Promise<void> {
    return this.#socket.close();
  }
}
