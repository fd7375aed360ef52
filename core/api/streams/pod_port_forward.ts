import { ApiError } from "../../client/api_error.ts";
import type { ObjectName } from "../../client/client.ts";
import type { ByteSink, ByteSource } from "../../lib/byte_queue.ts";
import type { Clock } from "../../lib/clock.ts";
import { UnreachableNode } from "../../client/nodes/unreachable_node.ts";
import { messageOf } from "../../lib/error_message.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import { nameOf } from "../verbs/request.ts";
import { refuseOrdinary } from "./command.ts";
import { type ForwardPair, ForwardPairs } from "./forward_pairs.ts";
import { chosenSpdyProtocol, spdyAnswer } from "./spdy/handshake.ts";
import { SpdySession } from "./spdy/session.ts";
import type { Stream, StreamParts, UpgradeRequest } from "./stream.ts";
import { podOf, queryOf } from "./upgrade_target.ts";
import { openConnection } from "./upgraded.ts";
import { RawConnection } from "./upgrades/raw_connection.ts";
import { isUpgrade, upgradeHeadOf, upgradeRequired } from "./upgrades/upgrade_head.ts";
import {
  chosenSubprotocol,
  isWebSocket,
  subprotocolsOf,
  webSocketAnswer,
} from "./websocket/handshake.ts";
import { SocketBytes } from "./websocket/socket_bytes.ts";
import { SocketChannels } from "./websocket/socket_channels.ts";
import { WebSocket } from "./websocket/web_socket.ts";

const SPDY_PROTOCOL = "portforward.k8s.io";
/** SPDY inside a WebSocket: KEP-4006. */
const TUNNEL = `SPDY/3.1+${SPDY_PROTOCOL}`;
const WEBSOCKET_PROTOCOLS = ["", "v4.channel.k8s.io", "v4.base64.channel.k8s.io"];
/** Ports that one WebSocket without SPDY can have. */
const PORTS_MAX = 64;
const encoder = new TextEncoder();

/** pods/NAME/portforward: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/ */
export function podPortForward(parts: StreamParts): Stream {
  return {
    subresource: "portforward",
    answer: (request) => {
      request.objects.get(pods, nameOf(request));
      throw refuseOrdinary(request.c.req.method);
    },
    upgrade: (request) => forwardPorts(request, parts, podOf(request)),
  };
}

/** How the ports of a pod are reached. */
interface Ports {
  pod: Pod;
  /** Connects to a port, and copies both ways until both have ended. */
  forward(pair: ForwardPair): Promise<void>;
}

/** Hands the connection over to ports of a pod. */
export async function forwardPorts(
  request: UpgradeRequest,
  parts: StreamParts,
  { name, pod }: { name: ObjectName; pod: Pod },
): Promise<void> {
  const head = upgradeHeadOf(request.incoming);
  if (!isUpgrade(head)) throw upgradeRequired();
  if (!pod.spec.nodeName) {
    throw new ApiError("BadRequest", `pod ${name.name} does not have a host assigned`);
  }
  parts.nodeStreams.reach?.(name);
  const ports = portsOf(name, pod, parts);
  if (!isWebSocket(head)) {
    const answer = spdyAnswer(chosenSpdyProtocol(head, [SPDY_PROTOCOL]));
    return await openConnection(
      request,
      parts,
      answer,
      (connection, signal) => serveSpdy(connection, ports, parts.clock, signal),
    );
  }
  const isTunnel = subprotocolsOf(head).some((each) => each === TUNNEL);
  const numbers = isTunnel ? [] : portNumbers(queryOf(request).getAll("ports"));
  const protocol = chosenSubprotocol(head, isTunnel ? [TUNNEL] : WEBSOCKET_PROTOCOLS);
  const answer = webSocketAnswer(head, protocol);
  await openConnection(request, parts, answer, async (connection, signal) => {
    const socket = new WebSocket(connection);
    if (isTunnel) await serveSpdy(new SocketBytes(socket), ports, parts.clock, signal);
    else await serveChannels(socket, protocol, numbers, ports, signal);
  });
}

function portsOf(name: ObjectName, pod: Pod, { nodeStreams }: StreamParts): Ports {
  return {
    pod,
    forward: async ({ data, error, port }) => {
      try {
        const duplex = await nodeStreams.connect(name, { port, at: "loopback" });
        await joined(data, new RawConnection({ socket: duplex, head: new Uint8Array() }));
        if (duplex.errored instanceof UnreachableNode) throw duplex.errored; // else it was the pod that left
        await data.end();
        await error.end();
      } catch (fault) {
        const { uid } = pod.metadata;
        const words = `error forwarding port ${port} to pod ${uid}, uid : ${messageOf(fault)}`;
        await error.write(encoder.encode(words)).catch(() => {}); // gone
        await Promise.all([data.reset?.(), error.reset?.()]).catch(() => {});
      }
    },
  };
}

/** Copies both ways, each until its end. Rejects when nobody takes what comes from the pod. */
async function joined(client: ByteSource & ByteSink, target: RawConnection): Promise<void> {
  const sending = copy(client, target).then(() => target.end(), () => target.destroy());
  try {
    await copy(target, client);
    await Promise.race([sending, Promise.resolve()]);
  } finally {
    target.destroy();
  }
}

async function copy(from: ByteSource, to: ByteSink): Promise<void> {
  for (let bytes; (bytes = await from.read()) !== undefined;) await to.write(bytes);
}

async function serveSpdy(
  connection: ByteSource & ByteSink,
  ports: Ports,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const pairs = new ForwardPairs(clock, (pair) => void ports.forward(pair));
  const session = new SpdySession(connection, (stream) => pairs.add(stream));
  signal.addEventListener("abort", () => void session.close(), { once: true });
  await session.run();
  pairs.close();
  await session.close();
}

/** Two channels for each port: its data, and what went wrong. kubelet `pkg/cri/streaming/portforward/websocket.go`. */
async function serveChannels(
  socket: WebSocket,
  protocol: string,
  numbers: readonly number[],
  ports: Ports,
  signal: AbortSignal,
): Promise<void> {
  const channels = new SocketChannels(socket, {
    count: 2 * numbers.length,
    reads: numbers.map((_, index) => 2 * index),
    isBase64: protocol.includes("base64"),
    halfCloses: false,
  });
  signal.addEventListener("abort", () => channels.abandon(), { once: true });
  void channels.run();
  await Promise.all(numbers.map(async (port, index) => {
    const number = Uint8Array.of(port & 255, port >> 8);
    for (const channel of [2 * index, 2 * index + 1]) await channels.send(channel, number);
    const source = channels.source(2 * index);
    const data = { ...channels.sink(2 * index), read: () => source.read() };
    await ports.forward({ data, error: channels.sink(2 * index + 1), port });
  }));
  await socket.close();
}

/** Throws BadRequest in the words of the kubelet. */
function portNumbers(values: readonly string[]): readonly number[] {
  if (values.length === 0) throw new ApiError("BadRequest", 'query parameter "port" is required');
  const numbers = values.flatMap((value) => {
    if (value === "") throw new ApiError("BadRequest", 'query parameter "port" cannot be empty');
    return value.split(",").map(portNumber);
  });
  if (numbers.length <= PORTS_MAX) return numbers;
  throw new ApiError("BadRequest", `more than ${PORTS_MAX} ports`);
}

function portNumber(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  if (port === 0) throw new ApiError("BadRequest", `port "${text}" must be > 0`);
  if (port <= 65_535) return port;
  throw new ApiError(
    "BadRequest",
    `unable to parse "${text}" as a port: strconv.ParseUint: parsing "${text}": ${
      Number.isNaN(port) ? "invalid syntax" : "value out of range"
    }`,
  );
}
