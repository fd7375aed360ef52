import { cString, Libc } from "../../../core/lib/linux/libc.ts";
import { inNamespace } from "../../../core/lib/linux/network_namespace.ts";

const SYMBOLS = {
  ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" },
  read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
} as const;
const O_RDWR_NONBLOCK_CLOEXEC = 0o2 | 0o4000 | 0o2000000;
const TUNSETIFF = 0x400454ca;
const IFF_TAP_NO_PI = 0x0002 | 0x1000;
const IFREQ_BYTES = 40;
const NAME_BYTES = 16;
const FRAME_BYTES_MAX = 65_600;

/** The calls of the C library that devices in user space need. */
export class TapCalls {
  readonly libc: Libc;
  readonly #library = Deno.dlopen("libc.so.6", SYMBOLS);

  constructor() {
    const libc = Libc.open();
    if (libc === undefined) throw new Error("The C library cannot be called");
    this.libc = libc;
  }

  get calls(): Deno.DynamicLibrary<typeof SYMBOLS>["symbols"] {
    return this.#library.symbols;
  }
}

/** An Ethernet device whose cable is this process (Linux, Documentation/networking/tuntap.rst). It goes with it. */
export class Tap {
  readonly descriptor: number;
  readonly #calls: TapCalls;
  readonly #buffer = new Uint8Array(FRAME_BYTES_MAX);

  /** `namespace`: the path of the network namespace in which it appears. */
  constructor(calls: TapCalls, { name, namespace }: { name: string; namespace: string }) {
    this.#calls = calls;
    const { libc } = calls;
    this.descriptor = inNamespace(libc, namespace, () => {
      const flags = O_RDWR_NONBLOCK_CLOEXEC;
      const path = cString("/dev/net/tun");
      const opened = libc.must(libc.calls.open(path, flags, 0), "open /dev/net/tun");
      const request = new Uint8Array(IFREQ_BYTES);
      request.set(new TextEncoder().encode(name));
      new DataView(request.buffer).setUint16(NAME_BYTES, IFF_TAP_NO_PI, true);
      libc.must(calls.calls.ioctl(opened, BigInt(TUNSETIFF), request), `make device "${name}"`);
      return opened;
    });
  }

  /** A frame that was sent to the device; `undefined` when none waits. */
  read(): Uint8Array<ArrayBuffer> | undefined {
    const { read } = this.#calls.calls;
    const size = Number(read(this.descriptor, this.#buffer, BigInt(FRAME_BYTES_MAX)));
    return size > 0 ? this.#buffer.slice(0, size) : undefined;
  }

  /** Lets a frame come out of the device; one for which there is no room, or while it is down, is lost. */
  write(frame: Uint8Array<ArrayBuffer>): void {
    this.#calls.libc.calls.write(this.descriptor, frame, BigInt(frame.length));
  }
}
