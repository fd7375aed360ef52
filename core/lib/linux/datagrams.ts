import { SystemError } from "./libc.ts";

const SYMBOLS = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  recvmmsg: { parameters: ["i32", "pointer", "u32", "i32", "pointer"], result: "i32" },
  sendmmsg: { parameters: ["i32", "pointer", "u32", "i32"], result: "i32" },
  sendto: { parameters: ["i32", "buffer", "u32", "i32", "buffer", "u32"], result: "i32" },
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  /** Runs on a thread of its own: the only call that may block. */
  poll: { parameters: ["buffer", "u64", "i32"], result: "i32", nonblocking: true },
  close: { parameters: ["i32"], result: "i32" },
  strerror: { parameters: ["i32"], result: "pointer" },
  __errno_location: { parameters: [], result: "pointer" },
} as const;

const AF_INET = 2;
const SOCK_DGRAM = 2;
const SOCK_FLAGS = 0x80000 | 0x800; // close-on-exec, non-blocking
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_RCVBUF = 8;
const MSG_DONTWAIT = 0x40;
const POLLIN = 1;
/** What waits in the kernel while a batch is answered. */
const RECEIVE_BUFFER_BYTES = 1 << 20;
/** Datagrams that one call receives or sends. */
const BATCH_MAX = 64;
/** A longer datagram is cut off. */
const DATAGRAM_BYTES = 1_536;
const NAME_BYTES = 16;
/** `struct mmsghdr` and the offsets into it on 64-bit machines (recvmmsg(2)). */
const HEADER_BYTES = 64;
const AT = { nameLength: 8, vector: 16, vectorLength: 24, received: 56 } as const;

/** Who has sent a datagram, to answer later. */
export type Sender = Uint8Array<ArrayBuffer>;

/**
 * An IPv4 datagram socket that receives and sends in batches: one call of the kernel for up to 64 datagrams (recvmmsg(2),
 * sendmmsg(2)). Belongs to the thread that opened it.
 */
export class DatagramSocket {
  readonly #library: Deno.DynamicLibrary<typeof SYMBOLS>;
  readonly #descriptor: number;
  /** Written to in order to end a wait. */
  readonly #end: number;
  readonly #received = new Batch();
  readonly #sent = new Batch();
  readonly #polled: Uint8Array<ArrayBuffer>;
  #toSend = 0;

  /** `undefined` without permission for FFI, and where the C library is not glibc. Throws a `SystemError` when the address is not free. */
  static open(address: string, port: number): DatagramSocket | undefined {
    if (!IS_64_BIT_LITTLE_ENDIAN) return undefined;
    let library: Deno.DynamicLibrary<typeof SYMBOLS>;
    try {
      library = Deno.dlopen("libc.so.6", SYMBOLS);
    } catch {
      return undefined; // the caller has another way
    }
    return new DatagramSocket(library, address, port);
  }

  private constructor(
    library: Deno.DynamicLibrary<typeof SYMBOLS>,
    address: string,
    port: number,
  ) {
    this.#library = library;
    const calls = library.symbols;
    this.#descriptor = this.#must(
      calls.socket(AF_INET, SOCK_DGRAM | SOCK_FLAGS, 0),
      "open a socket",
    );
    this.#set(SO_RCVBUF, RECEIVE_BUFFER_BYTES);
    this.#set(SO_REUSEADDR, 1); // a thread that has failed may have left its own
    const name = nameOf(address, port);
    try {
      this.#must(calls.bind(this.#descriptor, name, name.length), `listen on ${address}:${port}`);
      this.#end = this.#must(calls.eventfd(0, SOCK_FLAGS), "make an event descriptor");
    } catch (error) {
      calls.close(this.#descriptor);
      library.close();
      throw error;
    }
    const entries = new Int32Array([this.#descriptor, POLLIN, this.#end, POLLIN]); // struct pollfd
    this.#polled = new Uint8Array(entries.buffer);
  }

  /** The port that it is, also when 0 was asked for. */
  get port(): number {
    const name = new Uint8Array(NAME_BYTES), length = new Uint8Array([NAME_BYTES, 0, 0, 0]);
    this.#library.symbols.getsockname(this.#descriptor, name, length);
    return name[2]! << 8 | name[3]!;
  }

  /** Resolves when there is something to receive, or the socket is ended. */
  async wait(): Promise<void> {
    await this.#library.symbols.poll(this.#polled, 2n, -1);
  }

  /** Receives what is there: the number of datagrams, which are valid until the next call. */
  receive(): number {
    this.#received.prepare(BATCH_MAX);
    const { pointer } = this.#received;
    const calls = this.#library.symbols;
    const count = calls.recvmmsg(this.#descriptor, pointer, BATCH_MAX, MSG_DONTWAIT, null);
    return Math.max(0, count); // an error of one, such as of ICMP, is no reason to stop
  }

  /** The bytes of a datagram that was received. */
  datagram(index: number): Uint8Array {
    return this.#received.datagram(index);
  }

  /** Who has sent it, as a number: four bytes of an address. */
  sourceOf(index: number): number {
    const at = index * NAME_BYTES + 4, { names } = this.#received;
    return (names[at]! << 24 | names[at + 1]! << 16 | names[at + 2]! << 8 | names[at + 3]!) >>> 0;
  }

  /** Who has sent it, to answer after the next call of `receive`. */
  senderOf(index: number): Sender {
    return this.#received.names.slice(index * NAME_BYTES, (index + 1) * NAME_BYTES);
  }

  /** Answers a datagram that was received, with the next `flush`. The bytes are copied. */
  reply(index: number, bytes: Uint8Array): void {
    if (bytes.length > DATAGRAM_BYTES) return;
    const at = index * NAME_BYTES;
    this.#sent.names.set(
      this.#received.names.subarray(at, at + NAME_BYTES),
      this.#toSend * NAME_BYTES,
    );
    this.#sent.set(this.#toSend++, bytes);
    if (this.#toSend === BATCH_MAX) this.flush();
  }

  /** Sends what `reply` was given. What the kernel does not take is lost, as datagrams may be. */
  flush(): void {
    const calls = this.#library.symbols;
    for (let sent = 0; sent < this.#toSend;) {
      const count = this.#toSend - sent;
      const done = calls.sendmmsg(this.#descriptor, this.#sent.at(sent), count, MSG_DONTWAIT);
      sent += Math.max(1, done);
    }
    this.#toSend = 0;
  }

  send(to: Sender, bytes: Uint8Array): void {
    const own = new Uint8Array(bytes); // the call takes no shared memory
    this.#library.symbols.sendto(this.#descriptor, own, own.length, MSG_DONTWAIT, to, NAME_BYTES);
  }

  /** Ends a wait, and all that come. */
  end(): void {
    this.#library.symbols.write(this.#end, new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0]), 8n);
  }

  /** Nobody may wait any more. */
  close(): void {
    this.#library.symbols.close(this.#descriptor);
    this.#library.symbols.close(this.#end);
    this.#library.close();
  }

  #set(option: number, value: number): void {
    const bytes = new Uint8Array(new Int32Array([value]).buffer);
    this.#library.symbols.setsockopt(this.#descriptor, SOL_SOCKET, option, bytes, bytes.length);
  }

  #must(result: number, what: string): number {
    if (result >= 0) return result;
    const calls = this.#library.symbols;
    const errno = new Deno.UnsafePointerView(calls.__errno_location()!).getInt32();
    const text = calls.strerror(errno);
    const reason = text === null ? `errno ${errno}` : Deno.UnsafePointerView.getCString(text);
    throw new SystemError(`Cannot ${what}: ${reason}`, errno);
  }
}

const IS_64_BIT_LITTLE_ENDIAN = ["x86_64", "aarch64"].includes(Deno.build.arch);

/** Room for a batch, laid out as the kernel wants it. */
class Batch {
  readonly names = new Uint8Array(BATCH_MAX * NAME_BYTES);
  readonly pointer: Deno.PointerObject;
  readonly #data = new Uint8Array(BATCH_MAX * DATAGRAM_BYTES);
  readonly #vectors = new BigUint64Array(BATCH_MAX * 2);
  readonly #headers = new Uint8Array(BATCH_MAX * HEADER_BYTES);
  readonly #view = new DataView(this.#headers.buffer);
  readonly #pointers: readonly Deno.PointerObject[];

  constructor() {
    const [data, names, vectors] = [this.#data, this.names, this.#vectors].map(addressOf);
    for (let i = 0; i < BATCH_MAX; i++) {
      this.#vectors[2 * i] = data! + BigInt(i * DATAGRAM_BYTES);
      this.#vectors[2 * i + 1] = BigInt(DATAGRAM_BYTES);
      const at = i * HEADER_BYTES;
      this.#view.setBigUint64(at, names! + BigInt(i * NAME_BYTES), true);
      this.#view.setUint32(at + AT.nameLength, NAME_BYTES, true);
      this.#view.setBigUint64(at + AT.vector, vectors! + BigInt(16 * i), true);
      this.#view.setBigUint64(at + AT.vectorLength, 1n, true);
    }
    this.pointer = Deno.UnsafePointer.of(this.#headers)!;
    const first = Deno.UnsafePointer.value(this.pointer);
    this.#pointers = Array.from(
      { length: BATCH_MAX },
      (_, i) => Deno.UnsafePointer.create(BigInt(first) + BigInt(i * HEADER_BYTES))!,
    );
  }

  at(index: number): Deno.PointerObject {
    return this.#pointers[index]!;
  }

  /** The kernel writes the lengths of names: they are room again. */
  prepare(count: number): void {
    for (let i = 0; i < count; i++) {
      this.#view.setUint32(i * HEADER_BYTES + AT.nameLength, NAME_BYTES, true);
    }
  }

  datagram(index: number): Uint8Array {
    const length = this.#view.getUint32(index * HEADER_BYTES + AT.received, true);
    return this.#data.subarray(index * DATAGRAM_BYTES, index * DATAGRAM_BYTES + length);
  }

  set(index: number, bytes: Uint8Array): void {
    this.#data.set(bytes, index * DATAGRAM_BYTES);
    this.#vectors[2 * index + 1] = BigInt(bytes.length);
  }
}

function addressOf(buffer: Uint8Array<ArrayBuffer> | BigUint64Array<ArrayBuffer>): bigint {
  return BigInt(Deno.UnsafePointer.value(Deno.UnsafePointer.of(buffer)));
}

/** sockaddr_in (ip(7)). */
function nameOf(address: string, port: number): Uint8Array<ArrayBuffer> {
  const name = new Uint8Array(NAME_BYTES);
  new DataView(name.buffer).setUint16(0, AF_INET, true);
  new DataView(name.buffer).setUint16(2, port);
  name.set(address.split(".").map(Number), 4);
  return name;
}
