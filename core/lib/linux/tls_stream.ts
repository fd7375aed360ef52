import type { Openssl } from "./openssl.ts";
import type { TlsContext } from "./tls_context.ts";
import { CLOSED_BY_PEER, NOTHING_YET, TlsSession } from "./tls_session.ts";

const SCRATCH_BYTES = 64 * 1024;

/** Where bytes come out of sessions before they are copied. One per thread. */
const scratch = new Uint8Array(SCRATCH_BYTES);
const scratchPointer = Deno.UnsafePointer.of(scratch);

/** What came of bytes that were fed. */
export interface Plain {
  /** Empty when there are none. */
  readonly bytes: Uint8Array;
  readonly state: "open" | "ended" | "broken";
}

/** A {@linkcode TlsSession} whose bytes come and go in arrays. Not to be used after `free`. */
export class TlsStream {
  readonly #session: TlsSession;

  constructor(openssl: Openssl, context: TlsContext) {
    this.#session = new TlsSession(openssl, context);
  }

  /** Whether the handshake is done. */
  get isReady(): boolean {
    return this.#session.isReady;
  }
  get silentBytes(): number {
    return this.#session.silentBytes;
  }

  /** Takes what came of the network and gives all plain bytes of it, in an array of their own. */
  feed(bytes: Uint8Array): Plain {
    const session = this.#session, plain = new Joined();
    session.feed(pointerTo(bytes), bytes.length);
    do {
      const read = session.read(scratchPointer, SCRATCH_BYTES);
      if (read <= 0) return { bytes: plain.bytes, state: stateOf(read) };
      plain.add(scratch.subarray(0, read));
    } while (session.hasMore);
    return { bytes: plain.bytes, state: "open" };
  }

  /** Encrypts all of the bytes. False: the session is broken. */
  write(bytes: Uint8Array): boolean {
    return this.#session.write(pointerTo(bytes), bytes.length);
  }

  /** What is to be sent next, in an array of its own; `undefined`: nothing. */
  out(): Uint8Array | undefined {
    const length = this.#session.out(scratchPointer, SCRATCH_BYTES);
    return length === 0 ? undefined : scratch.slice(0, length);
  }

  /** Says that nothing more will be written. */
  end(): void {
    this.#session.end();
  }

  free(): void {
    this.#session.free();
  }
}

function stateOf(read: number): Plain["state"] {
  if (read === NOTHING_YET) return "open";
  return read === CLOSED_BY_PEER ? "ended" : "broken";
}

/** Of a view, since the engine may move a small array that has no buffer yet. */
function pointerTo(bytes: Uint8Array): Deno.PointerValue {
  return Deno.UnsafePointer.of(bytes.subarray() as Uint8Array<ArrayBuffer>);
}

/** Plain bytes of one record after the other. */
class Joined {
  #bytes: Uint8Array = new Uint8Array();
  #length = 0;

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  add(more: Uint8Array): void {
    const length = this.#length + more.length;
    if (length > this.#bytes.length) {
      const larger = new Uint8Array(this.#length === 0 ? length : 2 * length);
      larger.set(this.bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(more, this.#length);
    this.#length = length;
  }
}
