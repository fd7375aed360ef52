const SYMBOLS = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  listen: { parameters: ["i32", "i32"], result: "i32" },
  accept4: { parameters: ["i32", "buffer", "buffer", "i32"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  socketpair: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  // Sizes are declared as 32 bits to avoid bigints: on 64-bit machines the upper half of the register is zero.
  recv: { parameters: ["i32", "pointer", "u32", "i32"], result: "i32" },
  send: { parameters: ["i32", "pointer", "u32", "i32"], result: "i32" },
  shutdown: { parameters: ["i32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  inet_pton: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  inet_ntop: { parameters: ["i32", "buffer", "buffer", "u32"], result: "pointer" },
  if_nametoindex: { parameters: ["buffer"], result: "u32" },
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  epoll_create1: { parameters: ["i32"], result: "i32" },
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  epoll_wait: { parameters: ["i32", "pointer", "i32", "i32"], result: "i32" },
  getrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  setrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  strerror: { parameters: ["i32"], result: "pointer" },
  __errno_location: { parameters: [], result: "pointer" },
} as const;

/** Values of `errno`, by their names in C. */
export const ERRNO = {
  EINTR: 4,
  EAGAIN: 11,
  EACCES: 13,
  ENFILE: 23,
  EMFILE: 24,
  EADDRINUSE: 98,
  EADDRNOTAVAIL: 99,
  ENOBUFS: 105,
  ENOMEM: 12,
} as const;

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0x800;
const SOCK_CLOEXEC = 0x80000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_SNDBUF = 7;
const SO_KEEPALIVE = 9;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const TCP_KEEPIDLE = 4;
const TCP_KEEPINTVL = 5;
const TCP_KEEPCNT = 6;
const MSG_NOSIGNAL = 0x4000;
const SHUT_WR = 1;
const SOCKADDR_BYTES = 28;
const INET6_ADDRSTRLEN = 46;
const IPV4_IN_IPV6 = "::ffff:";
const ACCEPT_BACKLOG = 4096;

/** The address of a socket or of its peer. */
export interface SocketAddress {
  /** Without brackets; an IPv4 peer of an IPv6 socket as IPv4. */
  host: string;
  port: number;
}

/** Sockets, epoll and eventfd of the C library, by descriptor and never blocking. Belongs to the thread that opened it. */
export class Sockets {
  readonly calls: Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];
  readonly #library: Deno.DynamicLibrary<typeof SYMBOLS>;
  readonly #errno: Int32Array;
  readonly #one = new Uint8Array(new Int32Array([1]).buffer);
  readonly #peer = new Uint8Array(SOCKADDR_BYTES);
  readonly #length = new Uint8Array(4);
  readonly #pair = new Int32Array(2);

  /** `undefined` without permission for FFI, and where the C library is not glibc. */
  static open(): Sockets | undefined {
    try {
      return new Sockets(Deno.dlopen("libc.so.6", SYMBOLS));
    } catch {
      return undefined; // the caller has another way
    }
  }

  private constructor(library: Deno.DynamicLibrary<typeof SYMBOLS>) {
    this.#library = library;
    this.calls = library.symbols;
    const location = this.calls.__errno_location()!;
    this.#errno = new Int32Array(Deno.UnsafePointerView.getArrayBuffer(location, 4));
  }

  /** Why the last call of this thread failed. To be read at once: the runtime makes calls, too. */
  get errno(): number {
    return this.#errno[0]!;
  }

  /** Whether the last call would have blocked: to be retried when the descriptor is ready. */
  get isOnlyFull(): boolean {
    return this.errno === ERRNO.EAGAIN || this.errno === ERRNO.EINTR;
  }

  /** Returns the result of a call; throws a {@linkcode SocketError} when it is negative. `what` names the call. */
  must(result: number, what: string): number {
    if (result >= 0) return result;
    const { errno } = this;
    const text = this.calls.strerror(errno);
    const reason = text === null ? `errno ${errno}` : Deno.UnsafePointerView.getCString(text);
    throw new SocketError(`Cannot ${what}: ${reason}`, errno);
  }

  /** Listens on an IP address. Throws a {@linkcode SocketError} when it is not available. */
  listen({ host, port }: SocketAddress): { descriptor: number; address: SocketAddress } {
    const family = host.includes(":") ? AF_INET6 : AF_INET;
    const type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    const descriptor = this.must(this.calls.socket(family, type, 0), "open a socket");
    try {
      this.#set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1);
      const name = this.#nameOf(family, { host, port });
      this.must(this.calls.bind(descriptor, name, name.length), "bind to the address");
      this.must(this.calls.listen(descriptor, ACCEPT_BACKLOG), "listen");
      const bound = new Uint8Array(SOCKADDR_BYTES);
      this.#resetLength();
      this.must(this.calls.getsockname(descriptor, bound, this.#length), "find out the port");
      return { descriptor, address: { host, port: this.#addressIn(bound).port } };
    } catch (error) {
      this.close(descriptor);
      throw error;
    }
  }

  /** Accepts the next connection, with TCP_NODELAY and keep-alive probes on; otherwise says why there is none. */
  accept(listener: number): { descriptor: number; peer: SocketAddress } | { errno: number } {
    this.#resetLength();
    const flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
    const descriptor = this.calls.accept4(listener, this.#peer, this.#length, flags);
    if (descriptor < 0) return { errno: this.errno };
    this.calls.setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, this.#one, 4);
    return { descriptor, peer: this.#addressIn(this.#peer) };
  }

  /** Keep-alive probes: after a minute of silence, six times, ten seconds apart. */
  keepAlive(descriptor: number): void {
    this.#set(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1);
    this.#set(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, 60);
    this.#set(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, 10);
    this.#set(descriptor, IPPROTO_TCP, TCP_KEEPCNT, 6);
  }

  /** A socket pair; `undefined`: too many descriptors are open. */
  pair(): readonly [number, number] | undefined {
    const type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    if (this.calls.socketpair(AF_UNIX, type, 0, this.#pair) < 0) return undefined;
    return [this.#pair[0]!, this.#pair[1]!];
  }

  /** Sets how many bytes the kernel buffers of what this end sends. */
  setSendBuffer(descriptor: number, bytes: number): void {
    this.#set(descriptor, SOL_SOCKET, SO_SNDBUF, bytes);
  }

  /** Returns the bytes read; 0: the peer has closed; negative: see `errno`. */
  receive(descriptor: number, into: Deno.PointerValue, bytesMax: number): number {
    return this.calls.recv(descriptor, into, bytesMax, 0);
  }

  /** Returns the bytes accepted; negative: see `errno`. */
  send(descriptor: number, from: Deno.PointerValue, bytes: number): number {
    return this.calls.send(descriptor, from, bytes, MSG_NOSIGNAL);
  }

  /** Half-closes: nothing more will be sent. */
  endSending(descriptor: number): void {
    this.calls.shutdown(descriptor, SHUT_WR);
  }

  close(descriptor: number): void {
    this.calls.close(descriptor);
  }

  /** Closes the library. */
  closeLibrary(): void {
    this.#library.close();
  }

  #set(descriptor: number, level: number, option: number, value: number): void {
    this.calls.setsockopt(descriptor, level, option, new Int32Array([value]), 4);
  }

  #resetLength(): void {
    new DataView(this.#length.buffer).setUint32(0, SOCKADDR_BYTES, true);
  }

  /** sockaddr_in or sockaddr_in6 (ip(7), ipv6(7)). An IPv6 address may name its interface: `fe80::1%eth0`. */
  #nameOf(family: number, { host, port }: SocketAddress): Uint8Array<ArrayBuffer> {
    const isIpv4 = family === AF_INET;
    const name = new Uint8Array(isIpv4 ? 16 : SOCKADDR_BYTES);
    const view = new DataView(name.buffer);
    view.setUint16(0, family, true);
    view.setUint16(2, port);
    const [digits, scope] = host.split("%");
    const text = encoder.encode(`${digits}\0`);
    if (this.calls.inet_pton(family, text, name.subarray(isIpv4 ? 4 : 8)) !== 1) {
      throw new SocketError(`Cannot read "${host}" as an address`, 0);
    }
    if (scope !== undefined) {
      view.setUint32(24, this.calls.if_nametoindex(encoder.encode(`${scope}\0`)), true);
    }
    return name;
  }

  #addressIn(name: Uint8Array<ArrayBuffer>): SocketAddress {
    const port = name[2]! << 8 | name[3]!;
    if (name[0] === AF_INET) return { host: name.subarray(4, 8).join("."), port };
    const text = new Uint8Array(INET6_ADDRSTRLEN);
    this.calls.inet_ntop(AF_INET6, name.subarray(8, 24), text, text.length);
    const host = new TextDecoder().decode(text.subarray(0, text.indexOf(0)));
    const isIpv4 = host.startsWith(IPV4_IN_IPV6) && host.includes(".");
    return { host: isIpv4 ? host.slice(IPV4_IN_IPV6.length) : host, port };
  }
}

/** A system call that failed. */
export class SocketError extends Error {
  override name = "SocketError";
  constructor(message: string, readonly errno: number) {
    super(message);
  }

  /** Its name in C, if it is one of {@linkcode ERRNO}. */
  get code(): string | undefined {
    return Object.entries(ERRNO).find(([, errno]) => errno === this.errno)?.[0];
  }
}

const encoder = new TextEncoder();
