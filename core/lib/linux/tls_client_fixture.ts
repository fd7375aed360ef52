const SSL_SYMBOLS = {
  TLS_client_method: { parameters: [], result: "pointer" },
  SSL_CTX_new: { parameters: ["pointer"], result: "pointer" },
  SSL_CTX_free: { parameters: ["pointer"], result: "void" },
  SSL_CTX_ctrl: { parameters: ["pointer", "i32", "i64", "pointer"], result: "i64" },
  SSL_new: { parameters: ["pointer"], result: "pointer" },
  SSL_free: { parameters: ["pointer"], result: "void" },
  SSL_set_bio: { parameters: ["pointer", "pointer", "pointer"], result: "void" },
  SSL_set_connect_state: { parameters: ["pointer"], result: "void" },
  SSL_do_handshake: { parameters: ["pointer"], result: "i32" },
  SSL_is_init_finished: { parameters: ["pointer"], result: "i32" },
  SSL_key_update: { parameters: ["pointer", "i32"], result: "i32" },
  SSL_read: { parameters: ["pointer", "buffer", "i32"], result: "i32" },
  SSL_write: { parameters: ["pointer", "buffer", "i32"], result: "i32" },
} as const;

const CRYPTO_SYMBOLS = {
  BIO_s_mem: { parameters: [], result: "pointer" },
  BIO_new: { parameters: ["pointer"], result: "pointer" },
  BIO_read: { parameters: ["pointer", "buffer", "i32"], result: "i32" },
  BIO_write: { parameters: ["pointer", "buffer", "i32"], result: "i32" },
} as const;

const SSL_CTRL_SET_MAX_PROTO_VERSION = 124;
const VERSIONS = { "1.2": 0x0303n, "1.3": 0x0304n } as const;
const KEY_UPDATE_REQUESTED = 1;
const READ_BYTES = 65_536;

/** A TLS client with control of single records and key updates, for tests. */
export class TlsClient implements AsyncDisposable {
  readonly #ssl = Deno.dlopen("libssl.so.3", SSL_SYMBOLS);
  readonly #crypto = Deno.dlopen("libcrypto.so.3", CRYPTO_SYMBOLS);
  readonly #context: Deno.PointerValue;
  readonly #session: Deno.PointerValue;
  readonly #input: Deno.PointerValue;
  readonly #output: Deno.PointerValue;
  readonly #buffer = new Uint8Array(READ_BYTES);

  /** Accepts any certificate. */
  static async connect(port: number, version: keyof typeof VERSIONS): Promise<TlsClient> {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    const client = new TlsClient(connection, version);
    const { symbols } = client.#ssl;
    for (;;) {
      symbols.SSL_do_handshake(client.#session);
      await client.send();
      if (symbols.SSL_is_init_finished(client.#session) === 1) return client;
      if (!await client.#receive()) throw new Error("Cannot connect: the server has closed");
    }
  }

  private constructor(readonly connection: Deno.Conn, version: keyof typeof VERSIONS) {
    const [ssl, crypto] = [this.#ssl.symbols, this.#crypto.symbols];
    this.#context = ssl.SSL_CTX_new(ssl.TLS_client_method());
    ssl.SSL_CTX_ctrl(this.#context, SSL_CTRL_SET_MAX_PROTO_VERSION, VERSIONS[version], null);
    this.#session = ssl.SSL_new(this.#context);
    this.#input = crypto.BIO_new(crypto.BIO_s_mem());
    this.#output = crypto.BIO_new(crypto.BIO_s_mem());
    ssl.SSL_set_bio(this.#session, this.#input, this.#output); // which owns both from now on
    ssl.SSL_set_connect_state(this.#session);
  }

  /** A record. */
  write(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.#ssl.symbols.SSL_write(this.#session, bytes, bytes.length);
  }

  /** A key update that requests one of the server. */
  changeKeys(): void {
    this.#ssl.symbols.SSL_key_update(this.#session, KEY_UPDATE_REQUESTED);
    this.#ssl.symbols.SSL_do_handshake(this.#session);
  }

  /** Sends what was written. */
  async send(): Promise<void> {
    for (;;) {
      const length = this.#crypto.symbols.BIO_read(this.#output, this.#buffer, READ_BYTES);
      if (length <= 0) return;
      const bytes = this.#buffer.slice(0, length);
      for (let at = 0; at < length;) at += await this.connection.write(bytes.subarray(at));
    }
  }

  /** The next bytes of the server; `undefined`: it has closed. */
  async read(): Promise<string | undefined> {
    for (;;) {
      const length = this.#ssl.symbols.SSL_read(this.#session, this.#buffer, READ_BYTES);
      if (length > 0) return new TextDecoder().decode(this.#buffer.subarray(0, length));
      if (!await this.#receive()) return undefined;
    }
  }

  async #receive(): Promise<boolean> {
    const bytes = new Uint8Array(READ_BYTES);
    const length = await this.connection.read(bytes).catch(() => null); // it was reset
    if (length === null) return false;
    this.#crypto.symbols.BIO_write(this.#input, bytes, length);
    return true;
  }

  [Symbol.asyncDispose](): Promise<void> {
    try {
      this.connection.close();
    } catch {
      // it is closed already
    }
    this.#ssl.symbols.SSL_free(this.#session);
    this.#ssl.symbols.SSL_CTX_free(this.#context);
    this.#ssl.close();
    this.#crypto.close();
    return Promise.resolve();
  }
}
