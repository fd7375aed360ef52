/** What a client says first, as far as a certificate is chosen by it. */
export type ClientHello =
  /** `serverName`: in small letters; `""`: it names none. */
  | { readonly serverName: string }
  | "needs more"
  /** No TLS, or nothing that can be understood. */
  | "unreadable";

/** More is refused: RFC 8446 allows 64 KiB, and those of today have less than 3 KiB. */
export const HELLO_BYTES_MAX = 20 * 1024;
const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;
const RECORD_HEAD_BYTES = 5;
const RECORD_BYTES_MAX = 16 * 1024;
const MESSAGE_HEAD_BYTES = 4;
/** Version and random. */
const FIXED_BYTES = 34;
const SERVER_NAME = 0;
const HOST_NAME = 0;
const NAME = /^[a-z0-9_]([a-z0-9_.-]{0,252})$/;

/** Reads the ClientHello, which may be spread over several records. RFC 8446, sections 4.1.2 and 5.1; RFC 6066, section 3. */
export function readClientHello(bytes: Uint8Array): ClientHello {
  const message: number[] = [];
  for (let at = 0; at < bytes.length;) {
    if (bytes[at] !== HANDSHAKE_RECORD) return "unreadable";
    if (bytes.length - at < RECORD_HEAD_BYTES) return "needs more";
    const length = bytes[at + 3]! << 8 | bytes[at + 4]!;
    if (length === 0 || length > RECORD_BYTES_MAX) return "unreadable";
    const start = at + RECORD_HEAD_BYTES, end = Math.min(start + length, bytes.length);
    for (let i = start; i < end; i++) message.push(bytes[i]!);
    const hello = readMessage(message);
    if (hello !== "needs more") return hello;
    at = start + length;
  }
  return bytes.length > HELLO_BYTES_MAX ? "unreadable" : "needs more";
}

function readMessage(message: readonly number[]): ClientHello {
  if (message.length < MESSAGE_HEAD_BYTES) return "needs more";
  if (message[0] !== CLIENT_HELLO) return "unreadable";
  const length = message[1]! << 16 | message[2]! << 8 | message[3]!;
  if (length > HELLO_BYTES_MAX) return "unreadable";
  if (message.length < MESSAGE_HEAD_BYTES + length) return "needs more";
  const body = Uint8Array.from(message.slice(MESSAGE_HEAD_BYTES, MESSAGE_HEAD_BYTES + length));
  const rest = new Fields(body);
  rest.skip(FIXED_BYTES);
  rest.take(1); // session
  rest.take(2); // cipher suites
  rest.take(1); // compressions
  if (rest.isBroken) return "unreadable";
  return rest.isAtEnd ? { serverName: "" } : serverNameIn(rest.take(2));
}

function serverNameIn(extensions: Fields): ClientHello {
  while (!extensions.isAtEnd) {
    const type = extensions.number(2);
    const extension = extensions.take(2);
    if (extensions.isBroken) return "unreadable";
    if (type !== SERVER_NAME) continue;
    const list = extension.take(2);
    const kind = list.number(1);
    const name = new TextDecoder("latin1").decode(list.take(2).bytes).toLowerCase();
    if (extension.isBroken || list.isBroken || kind !== HOST_NAME) return "unreadable";
    return NAME.test(name) ? { serverName: name } : "unreadable";
  }
  return extensions.isBroken ? "unreadable" : { serverName: "" };
}

/** Bytes that are read in order; once something is missing, all that follows is empty. */
class Fields {
  isBroken = false;
  #at = 0;

  constructor(readonly bytes: Uint8Array) {}

  get isAtEnd(): boolean {
    return this.isBroken || this.#at >= this.bytes.length;
  }

  skip(count: number): void {
    this.#at += count;
    this.isBroken ||= this.#at > this.bytes.length;
  }

  number(size: number): number {
    let value = 0;
    for (let i = 0; i < size; i++) value = value << 8 | (this.bytes[this.#at + i] ?? 0);
    this.skip(size);
    return value;
  }

  /** The bytes after a length of `size` bytes. */
  take(size: number): Fields {
    const length = this.number(size);
    const start = this.#at;
    this.skip(length);
    const taken = new Fields(
      this.isBroken ? new Uint8Array() : this.bytes.subarray(start, this.#at),
    );
    taken.isBroken = this.isBroken;
    return taken;
  }
}
