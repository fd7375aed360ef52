import { cString, type Libc, SystemError } from "./libc.ts";
import { assembled, type FilterLine } from "./socket_filter.ts";

const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const HEADER_BYTES = 16;
const MESSAGE_BYTES_MAX = 1024;
const RECEIVE_BYTES_MAX = 65_536;
const MSG_DONTWAIT = 0x40;
const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;
const ENOBUFS = 105;
const TYPE_ERROR = 2;
const TYPE_DONE = 3;

/** Flags of a request (netlink(7)). */
export const FLAG = {
  request: 1,
  ack: 4,
  dump: 0x300,
  replace: 0x100,
  exclusive: 0x200,
  create: 0x400,
} as const;

/** A field of a message's header: its value and its size in bytes. */
export type Field = readonly [value: number, bytes: 1 | 2 | 4];

/** One netlink message: a fixed part, then attributes, which may be nested. Numbers are little endian. */
export class NetlinkMessage {
  readonly #bytes = new Uint8Array(MESSAGE_BYTES_MAX);
  readonly #view = new DataView(this.#bytes.buffer);
  #length = HEADER_BYTES;

  constructor(type: number, flags: number, fields: readonly Field[]) {
    this.#view.setUint16(4, type, true);
    this.#view.setUint16(6, flags, true);
    this.#fields(fields);
  }

  bytes(type: number, value: Uint8Array): this {
    this.#view.setUint16(this.#length, value.length + 4, true);
    this.#view.setUint16(this.#length + 2, type, true);
    this.#bytes.set(value, this.#length + 4);
    this.#length += 4 + value.length;
    this.#pad();
    return this;
  }

  text(type: number, value: string): this {
    return this.bytes(type, cString(value));
  }

  number(type: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, value, true);
    return this.bytes(type, bytes);
  }

  /** An attribute that holds a fixed part, if there is one, and what `fill` adds. */
  nested(type: number, fill: () => void, fields: readonly Field[] = []): this {
    const at = this.#length;
    this.#length += 4;
    this.#fields(fields);
    fill();
    this.#view.setUint16(at, this.#length - at, true);
    this.#view.setUint16(at + 2, type, true);
    return this;
  }

  /** The encoded message. */
  encode(sequence: number): Uint8Array {
    this.#view.setUint32(0, this.#length, true);
    this.#view.setUint32(8, sequence, true);
    return this.#bytes.subarray(0, this.#length);
  }

  #fields(fields: readonly Field[]): void {
    for (const [value, bytes] of fields) {
      if (bytes === 1) this.#view.setUint8(this.#length, value);
      else if (bytes === 2) this.#view.setUint16(this.#length, value, true);
      else this.#view.setUint32(this.#length, value, true);
      this.#length += bytes;
    }
    this.#pad();
  }

  #pad(): void {
    this.#length = (this.#length + 3) & ~3;
  }
}

/** The multicast groups that a socket subscribes to. */
export interface Hearing {
  /** Bits of multicast groups. */
  groups: number;
  filter: readonly FilterLine[];
}

/**
 * A netlink socket, of rtnetlink(7) unless another protocol is given. Belongs to the network namespace in which it was
 * opened.
 */
export class Netlink {
  readonly #libc: Libc;
  readonly #socket: number;
  readonly #received = new Uint8Array(RECEIVE_BYTES_MAX);
  #sequence = 1;

  constructor(libc: Libc, protocol = 0) {
    this.#libc = libc;
    this.#socket = libc.must(
      libc.calls.socket(AF_NETLINK, SOCK_RAW_CLOEXEC, protocol),
      "open a netlink socket",
    );
  }

  /** A socket that only receives notifications. */
  static listening(libc: Libc, protocol: number, { groups, filter }: Hearing): Netlink {
    const netlink = new Netlink(libc, protocol);
    try {
      netlink.#attach(assembled(filter));
      const address = new Uint32Array([AF_NETLINK, 0, groups]); // struct sockaddr_nl
      const bytes = new Uint8Array(address.buffer);
      libc.must(libc.calls.bind(netlink.#socket, bytes, bytes.length), "hear the kernel's news");
    } catch (error) {
      netlink.close();
      throw error;
    }
    return netlink;
  }

  /** The descriptor, for poll. */
  get descriptor(): number {
    return this.#socket;
  }

  /** Discards all notifications received. */
  drain(): void {
    const { calls } = this.#libc;
    const size = BigInt(RECEIVE_BYTES_MAX);
    try {
      for (;;) {
        const length = calls.recv(this.#socket, this.#received, size, MSG_DONTWAIT);
        this.#libc.must(length, "hear the kernel's news");
      }
    } catch (error) {
      if (!(error instanceof SystemError)) throw error; // nothing is left
      if (error.errno === ENOBUFS) this.drain(); // more came than there was room for: that is all it says
    }
  }

  /** Sends one message and waits for the acknowledgement. `what` completes "Cannot …" in the error. */
  run(message: NetlinkMessage, what: string): void {
    this.#send(message, what);
    for (const answer of this.#receive(what)) {
      if (answer.getUint16(4, true) !== TYPE_ERROR) continue;
      const errno = -answer.getInt32(HEADER_BYTES, true);
      if (errno !== 0) throw this.#libc.error(what, errno);
    }
  }

  /** Sends a request and returns the answer, a view that is valid until the next call. */
  ask(message: NetlinkMessage, what: string): DataView {
    this.#send(message, what);
    for (const answer of this.#receive(what)) {
      if (answer.getUint16(4, true) !== TYPE_ERROR) return answer;
      throw this.#libc.error(what, -answer.getInt32(HEADER_BYTES, true));
    }
    throw new Error(`Cannot ${what}: the kernel says nothing`);
  }

  /** All objects that a request with {@linkcode FLAG.dump} returns. Each view is valid until the next one. */
  *dump(message: NetlinkMessage, what: string): Generator<DataView> {
    this.#send(message, what);
    while (true) {
      for (const answer of this.#receive(what)) {
        const type = answer.getUint16(4, true);
        if (type === TYPE_DONE) return;
        if (type === TYPE_ERROR) {
          throw this.#libc.error(what, -answer.getInt32(HEADER_BYTES, true));
        }
        yield answer;
      }
    }
  }

  close(): void {
    this.#libc.calls.close(this.#socket);
  }

  #attach(instructions: Uint8Array<ArrayBuffer>): void {
    const program = new Uint8Array(16); // struct sock_fprog
    const view = new DataView(program.buffer);
    view.setUint16(0, instructions.length / 8, true);
    const pointer = Deno.UnsafePointer.of(instructions);
    view.setBigUint64(8, Deno.UnsafePointer.value(pointer), true);
    const { setsockopt } = this.#libc.calls;
    const done = setsockopt(this.#socket, SOL_SOCKET, SO_ATTACH_FILTER, program, program.length);
    this.#libc.must(done, "hear only a part of the kernel's news");
  }

  #send(message: NetlinkMessage, what: string): void {
    const bytes = message.encode(this.#sequence++) as Uint8Array<ArrayBuffer>;
    this.#libc.must(this.#libc.calls.send(this.#socket, bytes, BigInt(bytes.length), 0), what);
  }

  *#receive(what: string): Generator<DataView> {
    const { calls } = this.#libc;
    const length = this.#libc.must(
      calls.recv(this.#socket, this.#received, BigInt(RECEIVE_BYTES_MAX), 0),
      what,
    );
    for (let at = 0; at + HEADER_BYTES <= length;) {
      const size = new DataView(this.#received.buffer, at).getUint32(0, true);
      yield new DataView(this.#received.buffer, at, size);
      at += (size + 3) & ~3;
    }
  }
}

/** The attributes of an answer, after a header of `headBytes`. */
export function attributesOf(answer: DataView, headBytes: number): Map<number, DataView> {
  const attributes = new Map<number, DataView>();
  for (let at = HEADER_BYTES + headBytes; at + 4 <= answer.byteLength;) {
    const size = answer.getUint16(at, true);
    if (size < 4) break;
    const value = new DataView(answer.buffer, answer.byteOffset + at + 4, size - 4);
    attributes.set(answer.getUint16(at + 2, true) & 0x3fff, value);
    at += (size + 3) & ~3;
  }
  return attributes;
}
