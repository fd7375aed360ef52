import type { Libc } from "./libc.ts";
import { inNamespace } from "./network_namespace.ts";

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0x800;
const SOCK_CLOEXEC = 0x80000;
const SOL_SOCKET = 1;
const SO_ERROR = 4;
const POLLOUT = 4;
const EINPROGRESS = 115;
const ECONNREFUSED = 111;

/**
 * Connects by TCP to a port of the loopback device inside a network namespace, by IPv4 and then IPv6. Resolves with a
 * descriptor that does not block; rejects with what Go's `net` says of a failure.
 */
export async function dialInNamespace(
  libc: Libc,
  path: string,
  port: number,
  waitMs: number,
): Promise<number> {
  try {
    return await dial(libc, path, ipv4Loopback(port), `dial tcp4 127.0.0.1:${port}`, waitMs);
  } catch (error) {
    const ipv6 = dial(libc, path, ipv6Loopback(port), `dial tcp6 [::1]:${port}`, waitMs);
    return await ipv6.catch(() => {
      throw error; // the usual one says more
    });
  }
}

async function dial(
  libc: Libc,
  path: string,
  address: Uint8Array<ArrayBuffer>,
  what: string,
  waitMs: number,
): Promise<number> {
  const { calls } = libc;
  const { descriptor, errno } = inNamespace(libc, path, () => {
    const family = address[0] === AF_INET6 ? AF_INET6 : AF_INET;
    const type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    const descriptor = libc.must(calls.socket(family, type, 0), "open a socket");
    const result = calls.connect(descriptor, address, address.length);
    return { descriptor, errno: result === 0 ? 0 : libc.errno };
  });
  try {
    const fault = errno === EINPROGRESS ? await settled(libc, descriptor, waitMs) : errno;
    if (fault === "late") throw new Error(`${what}: i/o timeout`);
    if (fault === ECONNREFUSED) throw new Error(`${what}: connect: connection refused`);
    if (fault !== 0) throw libc.error(what, fault);
    return descriptor;
  } catch (error) {
    calls.close(descriptor);
    throw error;
  }
}

/** Waits until a connection stands or has failed: 0 or its errno. */
async function settled(libc: Libc, descriptor: number, waitMs: number): Promise<number | "late"> {
  const polled = new Uint8Array(8);
  const view = new DataView(polled.buffer);
  view.setInt32(0, descriptor, true);
  view.setInt16(4, POLLOUT, true);
  if (await libc.calls.poll(polled, 1n, waitMs) === 0) return "late";
  const fault = new Uint8Array(4);
  const length = Uint8Array.of(4, 0, 0, 0);
  libc.calls.getsockopt(descriptor, SOL_SOCKET, SO_ERROR, fault, length);
  return new DataView(fault.buffer).getInt32(0, true);
}

/** sockaddr_in: ip(7). */
function ipv4Loopback(port: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(AF_INET, 0, port >> 8, port & 255, 127, 0, 0, 1, ...new Uint8Array(8));
}

/** sockaddr_in6: ipv6(7). */
function ipv6Loopback(port: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(
    AF_INET6,
    0,
    port >> 8,
    port & 255,
    ...new Uint8Array(4 + 15),
    1,
    0,
    0,
    0,
    0,
  );
}
