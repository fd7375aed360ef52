import type { Openssl } from "./openssl.ts";

/** Certificates and settings of a TLS server. All in PEM. */
export interface TlsServerOptions {
  /** The server's certificate, then its chain. */
  certificate: string;
  key: string;
  /** ALPN protocols, by preference. */
  protocols: readonly string[];
  /**
   * Clients are asked for a certificate of one of these authorities. None is required, and **any certificate is
   * accepted**: only possession of its key is proven. The caller must verify who signed it.
   */
  clientAuthorities?: string;
  /** Sessions are resumed only within the same context name. */
  sessionContext: string;
}

// Names and numbers: openssl/ssl.h.
const SSL_CTRL_MODE = 33;
const SSL_CTRL_SET_SESS_CACHE_MODE = 44;
const SSL_CTRL_EXTRA_CHAIN_CERT = 14;
const SSL_CTRL_SET_MIN_PROTO_VERSION = 123;
const TLS1_2_VERSION = 0x0303n;
const SSL_OP_NO_RENEGOTIATION = 1n << 30n;
const SSL_OP_NO_COMPRESSION = 1n << 17n;
/** Not ENABLE_PARTIAL_WRITE (1): with memory BIOs, a call must encrypt everything. */
const ACCEPT_MOVING_WRITE_BUFFER = 2n;
/** Saves 34 KB per idle connection. */
const RELEASE_BUFFERS = 16n;
const SSL_VERIFY_PEER = 1;
const SSL_TLSEXT_ERR_OK = 0;
const SSL_TLSEXT_ERR_ALERT_FATAL = 2;
/** Clients use one; each makes the handshake a little slower. */
const TICKETS = 1n;

/**
 * The settings from which a TLS server creates sessions (SSL_CTX). TLS 1.2 and 1.3; no renegotiation, no compression;
 * sessions are resumed by tickets with keys of this context.
 */
export class TlsContext {
  readonly pointer: Deno.PointerValue;
  readonly #openssl: Openssl;

  /** Throws an `Error` that says what is wrong with certificate or key. */
  constructor(openssl: Openssl, options: TlsServerOptions) {
    this.#openssl = openssl;
    const { ssl } = openssl;
    this.pointer = ssl.SSL_CTX_new(ssl.TLS_server_method());
    if (this.pointer === null) throw this.#failure("make a TLS context");
    try {
      this.#setUp(options);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Existing sessions continue. */
  close(): void {
    this.#openssl.ssl.SSL_CTX_free(this.pointer);
  }

  #setUp({ certificate, key, protocols, clientAuthorities, sessionContext }: TlsServerOptions) {
    const { ssl } = this.#openssl;
    const { pointer } = this;
    ssl.SSL_CTX_ctrl(pointer, SSL_CTRL_SET_MIN_PROTO_VERSION, TLS1_2_VERSION, null);
    ssl.SSL_CTX_set_options(pointer, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    ssl.SSL_CTX_ctrl(pointer, SSL_CTRL_MODE, ACCEPT_MOVING_WRITE_BUFFER | RELEASE_BUFFERS, null);
    ssl.SSL_CTX_ctrl(pointer, SSL_CTRL_SET_SESS_CACHE_MODE, 0n, null);
    ssl.SSL_CTX_set_num_tickets(pointer, TICKETS);
    const context = encoder.encode(sessionContext);
    ssl.SSL_CTX_set_session_id_context(pointer, context, context.length);
    this.#useCertificate(certificate);
    this.#useKey(key);
    ssl.SSL_CTX_set_alpn_select_cb(pointer, alpnCallback(protocols).pointer, null);
    if (clientAuthorities !== undefined) this.#askClients(clientAuthorities);
  }

  #useCertificate(pem: string): void {
    const { ssl, crypto } = this.#openssl;
    let isFirst = true;
    for (const certificate of this.#certificates(pem)) {
      if (!isFirst) { // the context owns it from now on
        ssl.SSL_CTX_ctrl(this.pointer, SSL_CTRL_EXTRA_CHAIN_CERT, 0n, certificate);
        continue;
      }
      isFirst = false;
      const used = ssl.SSL_CTX_use_certificate(this.pointer, certificate);
      crypto.X509_free(certificate);
      if (used !== 1) throw this.#failure("use the certificate");
    }
    if (isFirst) throw new Error("Cannot use the certificate: it holds none in PEM");
  }

  #useKey(pem: string): void {
    const { ssl, crypto } = this.#openssl;
    const key = this.#read(pem, (bio) => crypto.PEM_read_bio_PrivateKey(bio, null, null, null));
    if (key === null) throw this.#failure("read the key");
    const used = ssl.SSL_CTX_use_PrivateKey(this.pointer, key);
    crypto.EVP_PKEY_free(key);
    if (used !== 1) throw this.#failure("use the key");
    if (ssl.SSL_CTX_check_private_key(this.pointer) !== 1) throw this.#failure("use the key");
  }

  #askClients(authorities: string): void {
    const { ssl, crypto } = this.#openssl;
    for (const certificate of this.#certificates(authorities)) {
      ssl.SSL_CTX_add_client_CA(this.pointer, certificate);
      crypto.X509_free(certificate);
    }
    ssl.SSL_CTX_set_verify(this.pointer, SSL_VERIFY_PEER, null);
    ssl.SSL_CTX_set_cert_verify_callback(this.pointer, takeAnyCertificate().pointer, null);
  }

  #certificates(pem: string): Deno.PointerValue[] {
    const { crypto } = this.#openssl;
    return this.#read(pem, (bio) => {
      const found: Deno.PointerValue[] = [];
      for (;;) {
        const certificate = crypto.PEM_read_bio_X509(bio, null, null, null);
        if (certificate === null) break;
        found.push(certificate);
      }
      crypto.ERR_clear_error(); // the end of the text is an error, too
      return found;
    });
  }

  #read<T>(pem: string, read: (bio: Deno.PointerValue) => T): T {
    const bytes = encoder.encode(pem);
    const bio = this.#openssl.crypto.BIO_new_mem_buf(bytes, bytes.length);
    try {
      return read(bio);
    } finally {
      this.#openssl.crypto.BIO_free(bio);
    }
  }

  #failure(what: string): Error {
    return new Error(`Cannot ${what}: ${this.#openssl.takeError()}`);
  }
}

const encoder = new TextEncoder();
/** OpenSSL may call these callbacks as long as the thread lives. */
const alpnCallbacks = new Map<string, ReturnType<typeof newAlpnCallback>>();
let certificateCallback: ReturnType<typeof newCertificateCallback> | undefined;

function alpnCallback(protocols: readonly string[]) {
  const name = protocols.join();
  const callback = alpnCallbacks.get(name) ?? newAlpnCallback(protocols);
  alpnCallbacks.set(name, callback);
  return callback;
}

/** Source: SSL_CTX_set_alpn_select_cb(3). Nothing in common is a fatal alert (RFC 7301 section 3.2). */
function newAlpnCallback(protocols: readonly string[]) {
  const ours = protocols.map((protocol) => encoder.encode(protocol));
  return new Deno.UnsafeCallback(
    {
      parameters: ["pointer", "pointer", "pointer", "pointer", "u32", "pointer"],
      result: "i32",
    },
    (_ssl, out, outLength, offered, offeredLength) => {
      const list = bytesAt(offered, offeredLength);
      const at = firstShared(ours, list);
      if (at === undefined) return SSL_TLSEXT_ERR_ALERT_FATAL;
      const address = Deno.UnsafePointer.value(offered) + BigInt(at + 1);
      new DataView(bytesAt(out, 8).buffer).setBigUint64(0, address, true);
      bytesAt(outLength, 1)[0] = list[at]!;
      return SSL_TLSEXT_ERR_OK;
    },
  );
}

/** The offset of our preferred protocol in the client's list, where a length byte precedes each name. */
function firstShared(ours: readonly Uint8Array[], list: Uint8Array): number | undefined {
  for (const name of ours) {
    for (let at = 0; at < list.length; at += list[at]! + 1) {
      if (list[at] === name.length && name.every((byte, i) => list[at + 1 + i] === byte)) return at;
    }
  }
  return undefined;
}

/** Replaces OpenSSL's verification of the chain. Possession of the key is always verified elsewhere. */
function takeAnyCertificate() {
  return certificateCallback ??= newCertificateCallback();
}

function newCertificateCallback() {
  return new Deno.UnsafeCallback({ parameters: ["pointer", "pointer"], result: "i32" }, () => 1);
}

function bytesAt(pointer: Deno.PointerValue, length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(pointer!, length));
}
