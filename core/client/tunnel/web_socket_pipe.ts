import { randomFillSync } from "node:crypto";
import { MuxError } from "../../lib/mux/mux_error.ts";
import {
  CLOSE_CODE,
  closeFrame,
  FRAME_RESERVE_BYTES,
  FrameError,
  type FrameEvent,
  frameInPlace,
  FrameReader,
  OPCODE,
} from "../../lib/websocket/frames.ts";
import type { ByteConnection } from "./byte_connection.ts";
import type { TunnelPipe } from "./tunnel_pipe.ts";

/** Bytes of which masks are cut. */
const MASKS = new Uint8Array(1024);
let masksUsed = MASKS.length;

/** The tunnel's bytes as binary messages of a WebSocket, wherever they are cut. RFC 6455. */
export class WebSocketPipe implements TunnelPipe {
  readonly reserve = FRAME_RESERVE_BYTES;
  readonly #connection: ByteConnection;
  readonly #isClient: boolean;
  readonly #frames: FrameReader;
  #events: Generator<FrameEvent> | undefined;
  #isClosing = false;

  constructor(connection: ByteConnection, side: "client" | "server") {
    this.#connection = connection;
    this.#isClient = side === "client";
    this.#frames = new FrameReader({ from: this.#isClient ? "server" : "client" });
  }

  async send(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#connection.write(this.#frame(bytes, OPCODE.binary));
  }

  async read(): Promise<Uint8Array | undefined> {
    try {
      for (;;) {
        const next = this.#events?.next();
        if (!next || next.done) {
          const part = await this.#connection.read();
          if (part === undefined) return undefined;
          this.#events = this.#frames.push(part);
        } else if (next.value.type === "data") {
          if (next.value.bytes.length > 0) return next.value.bytes;
        } else await this.#answer(next.value);
      }
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#sayGoodBye(CLOSE_CODE.protocolError, error.message);
      throw new MuxError(`the other end broke the protocol: ${error.message}`);
    }
  }

  close(reason: string): void {
    this.#sayGoodBye(CLOSE_CODE.goingAway, reason);
  }

  async #answer({ type, bytes }: FrameEvent): Promise<void> {
    if (type === "ping") {
      const pong = new Uint8Array(FRAME_RESERVE_BYTES + bytes.length);
      pong.set(bytes, FRAME_RESERVE_BYTES);
      await this.#connection.write(this.#frame(pong, OPCODE.pong));
    } else if (type === "close") {
      this.#sayGoodBye(CLOSE_CODE.normal, "");
      const reason = new TextDecoder().decode(bytes.subarray(2));
      throw new MuxError(`the other end has closed the tunnel${reason && `: ${reason}`}`);
    }
  }

  #frame(bytes: Uint8Array<ArrayBuffer>, opcode: number): Uint8Array {
    return frameInPlace(bytes, opcode, this.#isClient ? newMask() : undefined);
  }

  #sayGoodBye(code: number, reason: string): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    const payload = closeFrame(code, reason).subarray(2);
    const bytes = new Uint8Array(FRAME_RESERVE_BYTES + payload.length);
    bytes.set(payload, FRAME_RESERVE_BYTES);
    this.#connection.write(this.#frame(bytes, OPCODE.close)).catch(() => {}); // gone already
    this.#connection.end();
  }
}

/** Four bytes that nobody can foresee, so that no stranger chooses what proxies on the way see: RFC 6455, section 10.3. */
function newMask(): Uint8Array {
  if (masksUsed + 4 > MASKS.length) {
    randomFillSync(MASKS);
    masksUsed = 0;
  }
  return MASKS.subarray(masksUsed, masksUsed += 4);
}
