import type { ServerProcess } from "../tests/server_process.ts";

const HEAD_END = new TextEncoder().encode("\r\n\r\n");
const BUFFER_BYTES = 256 * 1024;

export interface ApiAnswer {
  status: number;
  /** Number of bytes in the body: all that is needed of a long list. */
  bodyBytes: number;
  body: Uint8Array;
}

/**
 * One kept-alive HTTPS connection as the admin, with one request at a time: a client that costs little, so that a
 * rate is the server's rather than the client's.
 */
export class ApiConnection {
  readonly #connection: Deno.TlsConn;
  readonly #common: string;
  readonly #encoder = new TextEncoder();
  readonly #decoder = new TextDecoder();
  #buffer = new Uint8Array(BUFFER_BYTES);
  #start = 0;
  #end = 0;

  private constructor(connection: Deno.TlsConn, common: string) {
    this.#connection = connection;
    this.#common = common;
  }

  static async open({ address, dataFolder }: ServerProcess): Promise<ApiConnection> {
    const { hostname, port } = new URL(address);
    const [ca, token] = await Promise.all([
      Deno.readTextFile(`${dataFolder}/ca.crt`),
      Deno.readTextFile(`${dataFolder}/admin.token`),
    ]);
    const connection = await Deno.connectTls({ hostname, port: Number(port), caCerts: [ca] });
    const common = `host: ${hostname}:${port}\r\nauthorization: Bearer ${token.trim()}\r\n` +
      `accept: application/json\r\n`;
    return new ApiConnection(connection, common);
  }

  /** Sends one request and reads its whole answer. */
  async send(method: string, path: string, body?: string, type = "application/json"): Promise<
    ApiAnswer
  > {
    await this.#write(method, path, body, type);
    const { status, length } = await this.#readHead();
    if (length !== undefined) {
      const bytes = await this.#take(length);
      return { status, bodyBytes: bytes.length, body: bytes };
    }
    const pieces: Uint8Array[] = [];
    for await (const piece of this.#pieces()) pieces.push(piece.slice());
    const whole = pieces.length === 1 ? pieces[0]! : concatenated(pieces);
    return { status, bodyBytes: whole.length, body: whole };
  }

  /** Opens a watch and yields its bytes, in chunks of any length, until the connection is closed. */
  async *stream(path: string): AsyncGenerator<Uint8Array> {
    await this.#write("GET", path, undefined, "");
    const { status } = await this.#readHead();
    if (status !== 200) throw new Error(`GET ${path}: ${status}`);
    yield* this.#pieces();
  }

  close(): void {
    try {
      this.#connection.close();
    } catch {
      // the server has closed it
    }
  }

  async #write(method: string, path: string, body: string | undefined, type: string) {
    const bytes = body === undefined ? undefined : this.#encoder.encode(body);
    const entity = bytes ? `content-type: ${type}\r\ncontent-length: ${bytes.length}\r\n` : "";
    const head = `${method} ${path} HTTP/1.1\r\n${this.#common}${entity}\r\n`;
    const all = this.#encoder.encode(bytes ? head + body : head);
    for (let done = 0; done < all.length;) {
      done += await this.#connection.write(all.subarray(done));
    }
  }

  async #readHead(): Promise<{ status: number; length: number | undefined }> {
    const text = this.#decoder.decode(await this.#until(HEAD_END));
    const length = /^content-length: (\d+)/im.exec(text)?.[1];
    return {
      status: Number(text.slice(9, 12)),
      length: length === undefined ? undefined : Number(length),
    };
  }

  /** The chunks of a body: https://www.rfc-editor.org/rfc/rfc9112#section-7.1 */
  async *#pieces(): AsyncGenerator<Uint8Array> {
    const lineEnd = HEAD_END.subarray(0, 2);
    while (true) {
      const size = parseInt(this.#decoder.decode(await this.#until(lineEnd)), 16);
      const piece = await this.#take(size + 2);
      if (size === 0) return;
      yield piece.subarray(0, size);
    }
  }

  async #until(mark: Uint8Array): Promise<Uint8Array> {
    for (let from = this.#start;;) {
      const at = indexOf(this.#buffer, mark, from, this.#end);
      if (at >= 0) {
        const bytes = this.#buffer.subarray(this.#start, at);
        this.#start = at + mark.length;
        return bytes;
      }
      const known = this.#end - this.#start;
      await this.#fill(known + 1);
      from = this.#start + Math.max(0, known - mark.length);
    }
  }

  async #take(length: number): Promise<Uint8Array> {
    await this.#fill(length);
    const bytes = this.#buffer.subarray(this.#start, this.#start + length);
    this.#start += length;
    return bytes;
  }

  /** Reads until there are `length` bytes. */
  async #fill(length: number): Promise<void> {
    if (this.#start + length > this.#buffer.length) {
      const rest = this.#buffer.subarray(this.#start, this.#end);
      const room = Math.max(BUFFER_BYTES, 2 * length);
      const buffer = room > this.#buffer.length ? new Uint8Array(room) : this.#buffer;
      buffer.set(rest);
      [this.#buffer, this.#start, this.#end] = [buffer, 0, rest.length];
    }
    while (this.#end - this.#start < length) {
      const read = await this.#connection.read(this.#buffer.subarray(this.#end));
      if (read === null) throw new Error("The server has closed the connection");
      this.#end += read;
    }
  }
}

function concatenated(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function indexOf(bytes: Uint8Array, mark: Uint8Array, from: number, end: number): number {
  for (let at = from; at + mark.length <= end; at++) {
    if (mark.every((byte, offset) => bytes[at + offset] === byte)) return at;
  }
  return -1;
}
