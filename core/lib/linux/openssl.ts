/** The system's OpenSSL 3. Calls are synchronous and belong to the thread that opened it. */
const SSL_SYMBOLS = {
  TLS_server_method: { parameters: [], result: "pointer" },
  SSL_CTX_new: { parameters: ["pointer"], result: "pointer" },
  SSL_CTX_free: { parameters: ["pointer"], result: "void" },
  SSL_CTX_ctrl: { parameters: ["pointer", "i32", "i64", "pointer"], result: "i64" },
  SSL_CTX_set_options: { parameters: ["pointer", "u64"], result: "u64" },
  SSL_CTX_use_certificate: { parameters: ["pointer", "pointer"], result: "i32" },
  SSL_CTX_use_PrivateKey: { parameters: ["pointer", "pointer"], result: "i32" },
  SSL_CTX_check_private_key: { parameters: ["pointer"], result: "i32" },
  SSL_CTX_set_alpn_select_cb: { parameters: ["pointer", "function", "pointer"], result: "void" },
  SSL_CTX_set_verify: { parameters: ["pointer", "i32", "function"], result: "void" },
  SSL_CTX_set_cert_verify_callback: {
    parameters: ["pointer", "function", "pointer"],
    result: "void",
  },
  SSL_CTX_add_client_CA: { parameters: ["pointer", "pointer"], result: "i32" },
  SSL_CTX_set_num_tickets: { parameters: ["pointer", "usize"], result: "i32" },
  SSL_CTX_set_session_id_context: { parameters: ["pointer", "buffer", "u32"], result: "i32" },
  SSL_new: { parameters: ["pointer"], result: "pointer" },
  SSL_free: { parameters: ["pointer"], result: "void" },
  SSL_set_bio: { parameters: ["pointer", "pointer", "pointer"], result: "void" },
  SSL_set_accept_state: { parameters: ["pointer"], result: "void" },
  SSL_read: { parameters: ["pointer", "pointer", "i32"], result: "i32" },
  SSL_write: { parameters: ["pointer", "pointer", "i32"], result: "i32" },
  SSL_get_error: { parameters: ["pointer", "i32"], result: "i32" },
  SSL_shutdown: { parameters: ["pointer"], result: "i32" },
  SSL_has_pending: { parameters: ["pointer"], result: "i32" },
  SSL_version: { parameters: ["pointer"], result: "i32" },
  SSL_is_init_finished: { parameters: ["pointer"], result: "i32" },
  SSL_session_reused: { parameters: ["pointer"], result: "i32" },
  SSL_get1_peer_certificate: { parameters: ["pointer"], result: "pointer" },
} as const;

const CRYPTO_SYMBOLS = {
  OPENSSL_init_crypto: { parameters: ["u64", "pointer"], result: "i32" },
  BIO_s_mem: { parameters: [], result: "pointer" },
  BIO_new: { parameters: ["pointer"], result: "pointer" },
  BIO_new_mem_buf: { parameters: ["buffer", "i32"], result: "pointer" },
  BIO_free: { parameters: ["pointer"], result: "i32" },
  BIO_read: { parameters: ["pointer", "pointer", "i32"], result: "i32" },
  BIO_write: { parameters: ["pointer", "pointer", "i32"], result: "i32" },
  /** Declared as 32 bits to avoid a bigint: never 4 GiB are pending. */
  BIO_ctrl_pending: { parameters: ["pointer"], result: "u32" },
  PEM_read_bio_X509: {
    parameters: ["pointer", "pointer", "pointer", "pointer"],
    result: "pointer",
  },
  PEM_read_bio_PrivateKey: {
    parameters: ["pointer", "pointer", "pointer", "pointer"],
    result: "pointer",
  },
  X509_free: { parameters: ["pointer"], result: "void" },
  EVP_PKEY_free: { parameters: ["pointer"], result: "void" },
  i2d_X509: { parameters: ["pointer", "buffer"], result: "i32" },
  ERR_get_error: { parameters: [], result: "u64" },
  ERR_clear_error: { parameters: [], result: "void" },
  ERR_error_string_n: { parameters: ["u64", "buffer", "usize"], result: "void" },
} as const;

/**
 * The library does not clean up when the process exits (OPENSSL_init_crypto(3)): the main thread would free what a thread
 * that is still ending uses.
 */
const OPENSSL_INIT_NO_ATEXIT = 0x80000n;

type SslCalls = Deno.DynamicLibrary<typeof SSL_SYMBOLS>["symbols"];
type CryptoCalls = Deno.DynamicLibrary<typeof CRYPTO_SYMBOLS>["symbols"];

/** The two libraries of OpenSSL 3. */
export class Openssl {
  readonly ssl: SslCalls;
  readonly crypto: CryptoCalls;
  readonly memory: Deno.PointerValue;
  readonly #libraries: readonly { close(): void }[];

  private constructor(
    ssl: Deno.DynamicLibrary<typeof SSL_SYMBOLS>,
    crypto: Deno.DynamicLibrary<typeof CRYPTO_SYMBOLS>,
  ) {
    this.ssl = ssl.symbols;
    this.crypto = crypto.symbols;
    this.#libraries = [ssl, crypto];
    this.memory = this.crypto.BIO_s_mem();
  }

  /** Why it is not available, as the end of a sentence: no permission for FFI, or no such library. */
  static open(): Openssl | { missing: string } {
    try {
      const crypto = Deno.dlopen("libcrypto.so.3", CRYPTO_SYMBOLS);
      crypto.symbols.OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, null); // the first call decides
      return new Openssl(Deno.dlopen("libssl.so.3", SSL_SYMBOLS), crypto);
    } catch (error) {
      return error instanceof Deno.errors.NotCapable
        ? { missing: "calling the system's libraries is not allowed (--allow-ffi)" }
        : { missing: "OpenSSL 3 (libssl.so.3) is not installed" };
    }
  }

  /** The oldest error of this thread as text; clears the error queue, so that the next call does not see it. */
  takeError(): string {
    const code = this.crypto.ERR_get_error();
    if (code === 0n) return "no reason given";
    const text = new Uint8Array(ERROR_BYTES_MAX);
    this.crypto.ERR_error_string_n(code, text, BigInt(text.length));
    this.crypto.ERR_clear_error();
    return new TextDecoder().decode(text.subarray(0, text.indexOf(0)));
  }

  /** Closes the libraries. No objects created with them may be left. */
  close(): void {
    for (const library of this.#libraries) library.close();
  }
}
const ERROR_BYTES_MAX = 256;
