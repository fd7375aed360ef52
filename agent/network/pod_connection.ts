import { connect, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { ApiError } from "../../core/client/api_error.ts";
import type { PodPort } from "../../core/client/node_streams.ts";
import type { Clock } from "../../core/lib/clock.ts";
import { Libc } from "../../core/lib/linux/libc.ts";
import { dialInNamespace } from "../../core/lib/linux/namespace_dial.ts";
import { containersOf } from "../../core/resources/core/pods/spec/pod_containers.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import type { PodAddress } from "./pod_network.ts";

const CONNECT_MS = 10_000;
const LOOPBACK = "127.0.0.1";

/**
 * Connects to a port of a pod of this node, at the address that this node has given it, or inside its network namespace:
 * no address that anybody has written down is believed. A pod on the node's own network is reached at the ports that it
 * declares, and at no others: the rest of the node is not its own.
 */
export async function connectToPod(
  pod: Pod,
  address: PodAddress | undefined,
  { port, at }: PodPort,
  clock: Clock,
): Promise<Duplex> {
  if (pod.spec.hostNetwork) return await connected(hostOf(pod, { port, at }), port, clock);
  if (address === undefined) {
    throw new ApiError("InternalError", `pod "${pod.metadata.name}" has no network yet`);
  }
  const { namespacePath, ip } = address;
  if (at === "address" || namespacePath === undefined) return await connected(ip, port, clock);
  const libc = Libc.open();
  if (!libc) throw new ApiError("NotImplemented", "the namespace of a pod cannot be entered here");
  try {
    const descriptor = await dialInNamespace(libc, namespacePath, port, CONNECT_MS);
    // Node's types do not allow `fd` together with `allowHalfOpen`; the runtime does.
    const options = { fd: descriptor, readable: true, writable: true, allowHalfOpen: true };
    return new Socket(options as ConstructorParameters<typeof Socket>[0]);
  } finally {
    libc.close();
  }
}

/** Where a pod on the node's own network is dialled. Throws an ApiError for a port that it does not declare. */
export function hostOf(pod: Pod, { port, at }: PodPort): string {
  refuseUndeclared(pod, port);
  return at === "loopback" ? LOOPBACK : pod.status.hostIP ?? LOOPBACK;
}

function refuseUndeclared({ metadata, spec }: Pod, port: number): void {
  const isDeclared = containersOf(spec).some(({ container: { ports = [] } }) =>
    ports.some(({ containerPort, protocol = "TCP" }) =>
      containerPort === port && protocol === "TCP"
    )
  );
  if (isDeclared) return;
  throw new ApiError(
    "Forbidden",
    `pod "${metadata.name}" is on the node's own network and does not declare port ${port}: other ports of the node are not reached through it`,
  );
}

function connected(host: string, port: number, clock: Clock): Promise<Duplex> {
  const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
  const socket = connect({ host, port, allowHalfOpen: true });
  const late = () => socket.destroy(new Error(`dial tcp4 ${host}:${port}: i/o timeout`));
  const cancel = clock.after(CONNECT_MS, late);
  socket.once("close", cancel);
  socket.once(
    "error",
    (error: Error & { code?: string }) => reject(new Error(dialFault(error, host, port))),
  );
  socket.once("connect", () => {
    cancel();
    socket.setNoDelay(true);
    resolve(socket);
  });
  return promise;
}

/** What Go's `net` says of it. */
function dialFault(error: Error & { code?: string }, host: string, port: number): string {
  const words = error.code === undefined ? undefined : FAULTS.get(error.code);
  return words === undefined ? error.message : `dial tcp4 ${host}:${port}: connect: ${words}`;
}
const FAULTS = new Map([
  ["ECONNREFUSED", "connection refused"],
  ["EHOSTUNREACH", "no route to host"],
  ["ENETUNREACH", "network is unreachable"],
  ["ETIMEDOUT", "connection timed out"],
]);
