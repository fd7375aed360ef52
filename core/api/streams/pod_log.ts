import { ApiError } from "../../client/api_error.ts";
import type { ObjectName } from "../../client/client.ts";
import type { LogOptions } from "../../client/node_streams.ts";
import type { Pod } from "../../resources/core/pods/pods.ts";
import { openStream } from "../http/answer.ts";
import type { ApiContext } from "../http/api_context.ts";
import type { ByteStream } from "../http/byte_stream.ts";
import { methodNotAllowed, nameOf, type ObjectRequest } from "../verbs/request.ts";
import { askedLog, logOptions } from "./log_options.ts";
import type { Stream, StreamParts, UpgradeRequest } from "./stream.ts";
import { podOf, queryOf } from "./upgrade_target.ts";
import { openConnection } from "./upgraded.ts";
import { upgradeHeadOf } from "./upgrades/upgrade_head.ts";
import { base64Of } from "./websocket/base64_stream.ts";
import { OPCODE } from "../../lib/websocket/frames.ts";
import { chosenSubprotocol, isWebSocket, webSocketAnswer } from "./websocket/handshake.ts";
import { WebSocket } from "./websocket/web_socket.ts";

/** GET pods/NAME/log: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#get-read-log-of-the-specified-pod */
export function podLog(parts: StreamParts): Stream {
  return {
    subresource: "log",
    answer: (request) => answer(request, parts),
    upgrade: (request) => upgrade(request, parts),
  };
}

async function answer(request: ObjectRequest, parts: StreamParts): Promise<Response> {
  const { c, kind, objects, clock } = request;
  if (c.req.method !== "GET") throw methodNotAllowed();
  const name = nameOf(request);
  const asked = askedLog((name) => c.req.query(name), clock, name.name);
  const pod = objects.get(kind.resource, name).object as Pod;
  const options = logOptions(asked, pod);
  refuseUnstarted(pod, options);
  return await sendLog(c, name, options, parts);
}

/** Answers with a log as it comes, until it ends or the client leaves. */
export async function sendLog(
  c: ApiContext,
  name: ObjectName,
  options: LogOptions,
  { nodeStreams, open }: StreamParts,
): Promise<Response> {
  const end = open.open(c.get("isCurrent"));
  try {
    const chunks = nodeStreams.logs(name, options, end.signal)[Symbol.asyncIterator]();
    const first = await chunks.next(); // before the head: a failure can still be answered with a Status
    const { stream, response } = openStream(c, "text/plain");
    stream.gone.addEventListener("abort", () => end.abort(), { once: true });
    void copy(chunks, first, stream).finally(() => open.close(end));
    return response;
  } catch (error) {
    open.close(end);
    throw error;
  }
}

/** A log as the messages of a WebSocket: apimachinery `pkg/util/httpstream/wsstream/stream.go`. */
async function upgrade(request: UpgradeRequest, parts: StreamParts): Promise<void> {
  const head = upgradeHeadOf(request.incoming);
  const query = queryOf(request);
  const asked = askedLog(
    (name) => query.get(name) ?? undefined,
    parts.clock,
    request.info.name ?? "",
  );
  const { name, pod } = podOf(request);
  const options = logOptions(asked, pod);
  refuseUnstarted(pod, options);
  if (!isWebSocket(head)) {
    throw new ApiError("BadRequest", "a log comes by WebSocket or without an upgrade");
  }
  const protocol = chosenSubprotocol(head, WEBSOCKET_PROTOCOLS);
  const [opcode, encoded] = protocol.startsWith("base64")
    ? [OPCODE.text, base64Of] as const
    : [OPCODE.binary, (bytes: Uint8Array) => bytes] as const;
  await openConnection(request, parts, webSocketAnswer(head, protocol), async (raw, signal) => {
    const socket = new WebSocket(raw);
    void ignoreMessages(socket);
    await socket.send(opcode, new Uint8Array()); // tells the client that the connection stands
    for await (const bytes of parts.nodeStreams.logs(name, options, signal)) {
      if (bytes.length > 0) await socket.send(opcode, encoded(bytes));
    }
    await socket.close();
  });
}
const encoder = new TextEncoder();
const WEBSOCKET_PROTOCOLS = ["", "binary.k8s.io", "base64.binary.k8s.io"];

/** Answers pings, until the client has closed. */
async function ignoreMessages(socket: WebSocket): Promise<void> {
  try {
    while (await socket.read() !== undefined);
  } catch {
    // The connection is gone.
  }
}

async function copy(
  chunks: AsyncIterator<Uint8Array>,
  first: IteratorResult<Uint8Array>,
  stream: ByteStream,
): Promise<void> {
  try {
    for (let next = first; !next.done; next = await chunks.next()) {
      if (next.value.length > 0 && !stream.write(next.value)) await stream.drained();
      if (stream.gone.aborted) break;
    }
  } catch (error) {
    // As a kubelet does, which has nothing but the log itself to say it in.
    if (error instanceof ApiError) stream.write(encoder.encode(`error: ${error.message}\n`));
  } finally {
    stream.end();
    await chunks.return?.();
  }
}

/** Throws BadRequest when the container has not started yet. In the words of the kubelet. */
function refuseUnstarted(pod: Pod, { container, previous }: LogOptions): void {
  const { name } = pod.metadata;
  const statuses = [
    ...pod.status.containerStatuses ?? [],
    ...pod.status.initContainerStatuses ?? [],
    ...pod.status.ephemeralContainerStatuses ?? [],
  ];
  const status = statuses.find((status) => status.name === container);
  if (previous) {
    if (status?.lastState?.terminated) return;
    throw new ApiError(
      "BadRequest",
      `previous terminated container "${container}" in pod "${name}" not found`,
    );
  }
  const hasRun = status?.state?.running ?? status?.state?.terminated ??
    status?.lastState?.terminated;
  if (hasRun) return;
  const reason = status?.state?.waiting?.reason;
  if (reason && /ImagePull|ErrImage|InvalidImage/.test(reason)) {
    throw new ApiError(
      "BadRequest",
      `container "${container}" in pod "${name}" is waiting to start: trying and failing to pull image`,
    );
  }
  if (reason) {
    throw new ApiError(
      "BadRequest",
      `container "${container}" in pod "${name}" is waiting to start: ${reason}`,
    );
  }
  if (!pod.spec.nodeName) {
    throw new ApiError("BadRequest", `pod ${name} does not have a host assigned`);
  }
  throw new ApiError("BadRequest", `container "${container}" in pod "${name}" is not available`);
}
