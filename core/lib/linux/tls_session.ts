import type { Openssl } from "./openssl.ts";
import type { TlsContext } from "./tls_context.ts";

/** Results of {@linkcode TlsSession.read} other than bytes. */
export const NOTHING_YET = 0;
export const CLOSED_BY_PEER = -1;
export const BROKEN = -2;

const SSL_ERROR_WANT_READ = 2;
const SSL_ERROR_WANT_WRITE = 3;
const SSL_ERROR_ZERO_RETURN = 6;
const TLS1_3_VERSION = 0x0304;
/** Overhead of a record: header, type and tag (RFC 8446 section 5.2). */
const RECORD_OVERHEAD = 22;
/** The maximum before TLS 1.3: header, IV, MAC and padding (RFC 5246 section 6.2.3). */
const OLD_RECORD_OVERHEAD_MAX = 96;

/**
 * One TLS connection of a server, without I/O: encrypted bytes go in by `feed` and come out by `out`, plain ones by
 * `write` and `read`. After `read` or `write`, send what `out` returns. Not to be used after `free`.
 */
export class TlsSession {
  readonly #openssl: Openssl;
  readonly #session: Deno.PointerValue;
  readonly #input: Deno.PointerValue;
  readonly #output: Deno.PointerValue;
  #error = "";
  #silentBytes = 0;
  /** Overhead of a record; unknown before the handshake is done. */
  #overhead: number | undefined;

  constructor(openssl: Openssl, context: TlsContext) {
    const { ssl, crypto, memory } = openssl;
    this.#openssl = openssl;
    this.#session = ssl.SSL_new(context.pointer);
    this.#input = crypto.BIO_new(memory);
    this.#output = crypto.BIO_new(memory);
    if (this.#session === null || this.#input === null || this.#output === null) {
      throw new Error(`Cannot begin a TLS session: ${openssl.takeError()}`);
    }
    ssl.SSL_set_bio(this.#session, this.#input, this.#output); // which owns both from now on
    ssl.SSL_set_accept_state(this.#session);
  }

  /** Accepts bytes from the network. */
  feed(from: Deno.PointerValue, bytes: number): void {
    this.#openssl.crypto.BIO_write(this.#input, from, bytes);
    this.#silentBytes += bytes;
  }

  /**
   * Bytes fed since the handshake that carried no application data: an incomplete record, and TLS messages such as key
   * updates, each of which costs as much CPU as a thousand bytes.
   */
  get silentBytes(): number {
    return this.#overhead === undefined ? 0 : this.#silentBytes;
  }

  /** Decrypts what was fed, and continues the handshake. Returns the number of bytes, or one of the constants above. */
  read(into: Deno.PointerValue, bytesMax: number): number {
    const read = this.#openssl.ssl.SSL_read(this.#session, into, bytesMax);
    if (this.#overhead === undefined && this.isReady) this.#beginCount();
    if (read > 0) {
      this.#silentBytes = Math.max(0, this.#silentBytes - read - this.#overhead!);
      return read;
    }
    switch (this.#openssl.ssl.SSL_get_error(this.#session, read)) {
      case SSL_ERROR_WANT_READ:
      case SSL_ERROR_WANT_WRITE:
        return NOTHING_YET;
      case SSL_ERROR_ZERO_RETURN:
        return CLOSED_BY_PEER;
      default:
        this.#error = this.#openssl.takeError();
        return BROKEN;
    }
  }

  #beginCount(): void {
    const isNew = this.#openssl.ssl.SSL_version(this.#session) >= TLS1_3_VERSION;
    this.#overhead = isNew ? RECORD_OVERHEAD : OLD_RECORD_OVERHEAD_MAX;
    this.#silentBytes = 0;
  }

  /** Whether `read` may return more before the next `feed`. */
  get hasMore(): boolean {
    const { ssl, crypto } = this.#openssl;
    return ssl.SSL_has_pending(this.#session) !== 0 || crypto.BIO_ctrl_pending(this.#input) !== 0;
  }

  /** Encrypts all of the bytes. Returns false when the session is broken. */
  write(from: Deno.PointerValue, bytes: number): boolean {
    if (this.#openssl.ssl.SSL_write(this.#session, from, bytes) > 0) return true;
    this.#error = this.#openssl.takeError();
    return false;
  }

  /** Copies encrypted bytes for the network; returns 0 when there are none. */
  out(into: Deno.PointerValue, bytesMax: number): number {
    return Math.max(0, this.#openssl.crypto.BIO_read(this.#output, into, bytesMax));
  }

  /** Sends close_notify: nothing more will be written. */
  end(): void {
    this.#openssl.ssl.SSL_shutdown(this.#session);
    this.#openssl.crypto.ERR_clear_error();
  }

  /** Whether the handshake is done. */
  get isReady(): boolean {
    return this.#openssl.ssl.SSL_is_init_finished(this.#session) === 1;
  }

  /** Whether it resumes an earlier one. */
  get isResumed(): boolean {
    return this.#openssl.ssl.SSL_session_reused(this.#session) === 1;
  }

  /**
   * The client's certificate, as DER; `undefined`: none. Only possession of its key is proven, by this handshake or by the
   * resumed one.
   */
  get peerCertificate(): Uint8Array<ArrayBuffer> | undefined {
    const { ssl, crypto } = this.#openssl;
    const certificate = ssl.SSL_get1_peer_certificate(this.#session);
    if (certificate === null) return undefined;
    try {
      const der = new Uint8Array(crypto.i2d_X509(certificate, null));
      const place = new BigUint64Array([Deno.UnsafePointer.value(Deno.UnsafePointer.of(der))]);
      crypto.i2d_X509(certificate, place);
      return der;
    } finally {
      crypto.X509_free(certificate);
    }
  }

  /** The error that broke the session. */
  get error(): string {
    return this.#error;
  }

  free(): void {
    this.#openssl.ssl.SSL_free(this.#session);
  }
}
