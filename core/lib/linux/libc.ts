const SYMBOLS = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  send: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
  recv: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  /** Runs on a thread of its own: the only call that may block. */
  poll: { parameters: ["buffer", "u64", "i32"], result: "i32", nonblocking: true },
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  open: { parameters: ["buffer", "i32", "i32"], result: "i32" },
  openat: { parameters: ["i32", "buffer", "i32", "i32"], result: "i32" },
  mkdirat: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  readlinkat: { parameters: ["i32", "buffer", "buffer", "usize"], result: "isize" },
  close: { parameters: ["i32"], result: "i32" },
  unlink: { parameters: ["buffer"], result: "i32" },
  setns: { parameters: ["i32", "i32"], result: "i32" },
  unshare: { parameters: ["i32"], result: "i32" },
  mount: { parameters: ["buffer", "buffer", "buffer", "u64", "pointer"], result: "i32" },
  /** Linux 5.12, glibc 2.36. */
  mount_setattr: {
    parameters: ["i32", "buffer", "u32", "buffer", "usize"],
    result: "i32",
    optional: true,
  },
  umount2: { parameters: ["buffer", "i32"], result: "i32" },
  if_nametoindex: { parameters: ["buffer"], result: "u32" },
  strerror: { parameters: ["i32"], result: "pointer" },
  __errno_location: { parameters: [], result: "pointer" },
} as const;

/** A system call that failed. */
export class SystemError extends Error {
  override name = "SystemError";
  constructor(message: string, readonly errno: number) {
    super(message);
  }
}

/** Error numbers that callers distinguish (errno(3)); the same on all architectures. */
export const ERRNO = { ENOENT: 2, EEXIST: 17 } as const;

export function isErrno(error: unknown, errno: number): boolean {
  return error instanceof SystemError && error.errno === errno;
}

/** The C library of this process. All calls but `poll` are synchronous and run on the thread of the caller. */
export class Libc {
  readonly #library: Deno.DynamicLibrary<typeof SYMBOLS>;

  /** `undefined` without permission for FFI, and where the C library is not glibc. */
  static open(): Libc | undefined {
    try {
      return new Libc(Deno.dlopen("libc.so.6", SYMBOLS));
    } catch {
      return undefined; // the caller has another way
    }
  }

  private constructor(library: Deno.DynamicLibrary<typeof SYMBOLS>) {
    this.#library = library;
  }

  get calls(): Deno.DynamicLibrary<typeof SYMBOLS>["symbols"] {
    return this.#library.symbols;
  }

  /** Returns the result of a call; throws a {@linkcode SystemError} when it is negative. `what` names the call. */
  must(result: number | bigint, what: string): number {
    if (Number(result) >= 0) return Number(result);
    throw this.error(what, this.errno);
  }

  /** Why the last call of this thread failed. To be read at once: the runtime makes calls, too. */
  get errno(): number {
    return new Deno.UnsafePointerView(this.calls.__errno_location()!).getInt32();
  }

  error(what: string, errno: number): SystemError {
    const text = this.calls.strerror(errno);
    const reason = text === null ? `errno ${errno}` : Deno.UnsafePointerView.getCString(text);
    return new SystemError(`Cannot ${what}: ${reason}`, errno);
  }

  close(): void {
    this.#library.close();
  }
}

/** A zero-terminated string. Throws a TypeError for text with a zero character, which would name another path. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  if (text.includes("\0")) {
    throw new TypeError(`unexpected NUL character in ${JSON.stringify(text)}`);
  }
  return new TextEncoder().encode(`${text}\0`);
}
