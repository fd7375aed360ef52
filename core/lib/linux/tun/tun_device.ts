import { cString, SystemError } from "../libc.ts";

const SYMBOLS = {
  open: { parameters: ["buffer", "i32"], result: "i32" },
  ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" },
  read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  /** Runs on a thread of its own: the only call that may block. */
  poll: { parameters: ["buffer", "u64", "i32"], result: "i32", nonblocking: true },
  close: { parameters: ["i32"], result: "i32" },
  strerror: { parameters: ["i32"], result: "pointer" },
  __errno_location: { parameters: [], result: "pointer" },
} as const;

const OPEN_FLAGS = 0x2 | 0x800 | 0x80000; // read and write, non-blocking, close-on-exec
const EVENT_FLAGS = 0x800 | 0x80000;
const POLLIN = 1;
/** `_IOW('T', 202, int)`, the same on x86-64 and aarch64. */
const TUNSETIFF = 0x4004_54can;
/** Whole IP packets, without a header of the driver's. */
const IFF_TUN_NO_PI = 0x0001 | 0x1000;
/** `struct ifreq`: a name, then flags. */
const IFREQ_BYTES = 40;
const NAME_BYTES = 16;
export const PACKET_BYTES_MAX = 65_535;

/**
 * A device whose packets this process reads and writes (tuntap(7)). It goes, with its routes, when it is closed or the
 * process ends. Belongs to the thread that opened it.
 */
export class TunDevice {
  readonly #library: Deno.DynamicLibrary<typeof SYMBOLS>;
  readonly #descriptor: number;
  /** Written to in order to end a wait. */
  readonly #end: number;
  readonly #polled: Uint8Array<ArrayBuffer>;
  readonly #buffer = new Uint8Array(PACKET_BYTES_MAX);

  /** `undefined` without permission for FFI, and where the C library is not glibc. Throws a `SystemError` where there is no TUN. */
  static open(name: string): TunDevice | undefined {
    let library: Deno.DynamicLibrary<typeof SYMBOLS>;
    try {
      library = Deno.dlopen("libc.so.6", SYMBOLS);
    } catch {
      return undefined; // packets are not carried then
    }
    return new TunDevice(library, name);
  }

  private constructor(library: Deno.DynamicLibrary<typeof SYMBOLS>, name: string) {
    this.#library = library;
    const { symbols: calls } = library;
    const opened: number[] = [];
    try {
      opened.push(this.#must(calls.open(cString(TUN_PATH), OPEN_FLAGS), `open ${TUN_PATH}`));
      this.#descriptor = opened[0]!;
      const request = new Uint8Array(IFREQ_BYTES);
      request.set(cString(name).subarray(0, NAME_BYTES));
      new DataView(request.buffer).setUint16(NAME_BYTES, IFF_TUN_NO_PI, true);
      this.#must(calls.ioctl(this.#descriptor, TUNSETIFF, request), `make device "${name}"`);
      opened.push(this.#must(calls.eventfd(0, EVENT_FLAGS), "make an event descriptor"));
      this.#end = opened[1]!;
    } catch (error) {
      for (const descriptor of opened) calls.close(descriptor);
      library.close();
      throw error;
    }
    const entries = new Int32Array([this.#descriptor, POLLIN, this.#end, POLLIN]); // struct pollfd
    this.#polled = new Uint8Array(entries.buffer);
  }

  /** Resolves when there is something to read, or the device is ended. */
  async wait(): Promise<void> {
    await this.#library.symbols.poll(this.#polled, 2n, -1);
  }

  /** A packet, valid until the next call; `undefined` when none waits. */
  read(): Uint8Array<ArrayBuffer> | undefined {
    const count = Number(
      this.#library.symbols.read(this.#descriptor, this.#buffer, BigInt(PACKET_BYTES_MAX)),
    );
    return count > 0 ? this.#buffer.subarray(0, count) : undefined;
  }

  /** Hands a packet to the kernel. What it does not take is lost, as packets may be. */
  write(packet: Uint8Array<ArrayBuffer>): void {
    this.#library.symbols.write(this.#descriptor, packet, BigInt(packet.length));
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

  #must(result: number, what: string): number {
    if (result >= 0) return result;
    const errno = new Deno.UnsafePointerView(this.#library.symbols.__errno_location()!).getInt32();
    const text = this.#library.symbols.strerror(errno);
    const reason = text === null ? `errno ${errno}` : Deno.UnsafePointerView.getCString(text);
    throw new SystemError(`Cannot ${what}: ${reason}`, errno);
  }
}

const TUN_PATH = "/dev/net/tun";
