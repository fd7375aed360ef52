import { ApiError } from "../../client/api_error.ts";
import type { LogOptions } from "../../client/node_streams.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Pod } from "../../resources/core/pods/pods.ts";
import { openStream } from "../http/answer.ts";
import type { ByteStream } from "../http/byte_stream.ts";
import { flag, type Query, wholeNumber } from "../http/query_parameters.ts";
import { methodNotAllowed, nameOf, type ObjectRequest } from "../verbs/request.ts";
import { containerOf } from "./container_choice.ts";
import type { Stream, StreamParts } from "./stream.ts";

/** GET pods/NAME/log: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#get-read-log-of-the-specified-pod */
export function podLog(parts: StreamParts): Stream {
  return { subresource: "log", answer: (request) => answer(request, parts) };
}

async function answer(
  request: ObjectRequest,
  { nodeStreams, open }: StreamParts,
): Promise<Response> {
  const { c, kind, objects, clock } = request;
  if (c.req.method !== "GET") throw methodNotAllowed();
  const name = nameOf(request);
  const pod = objects.get(kind.resource, name).object as Pod;
  const options = logOptions(pod, (name) => c.req.query(name), clock);
  refuseUnstarted(pod, options);
  const end = open.open(c.get("isCurrent"));
  try {
    const chunks = nodeStreams.logs(name, options, end.signal)[Symbol.asyncIterator]();
    // Unless it follows, the head waits for the first bytes, so that a failure can still be answered with a Status.
    const first = options.follow ? undefined : await chunks.next();
    const { stream, response } = openStream(c, "text/plain");
    stream.gone.addEventListener("abort", () => end.abort(), { once: true });
    void copy(chunks, first, stream).finally(() => open.close(end));
    return response;
  } catch (error) {
    open.close(end);
    throw error;
  }
}

async function copy(
  chunks: AsyncIterator<Uint8Array>,
  first: IteratorResult<Uint8Array> | undefined,
  stream: ByteStream,
): Promise<void> {
  try {
    for (let next = first ?? await chunks.next(); !next.done; next = await chunks.next()) {
      if (!stream.write(next.value)) await stream.drained();
      if (stream.gone.aborted) break;
    }
  } catch {
    // The log ended early, by the signal or because the node is gone: the answer ends here.
  } finally {
    stream.end();
    await chunks.return?.();
  }
}

function logOptions(pod: Pod, query: Query, clock: Clock): LogOptions {
  const sinceSeconds = wholeNumber(query, "sinceSeconds");
  const sinceTime = query("sinceTime");
  if (sinceSeconds !== undefined && sinceTime) {
    throw invalid(
      "sinceSeconds",
      "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified",
    );
  }
  if (sinceSeconds !== undefined && sinceSeconds < 1) {
    throw invalid("sinceSeconds", "Invalid value: must be greater than 0");
  }
  const stream = query("stream");
  if (stream && stream !== "All") {
    throw invalid(
      "stream",
      `Forbidden: "${stream}" cannot be had apart here; leave it out for both`,
    );
  }
  const sinceTimeMs = sinceTime ? Date.parse(sinceTime) : undefined;
  if (Number.isNaN(sinceTimeMs)) {
    throw invalid("sinceTime", "Invalid value: must be an RFC 3339 time");
  }
  return {
    container: containerOf(pod, query("container")),
    follow: flag(query, "follow") ?? false,
    previous: flag(query, "previous") ?? false,
    timestamps: flag(query, "timestamps") ?? false,
    tailLines: notNegative(query, "tailLines", 0),
    limitBytes: notNegative(query, "limitBytes", 1),
    sinceMs: sinceSeconds === undefined ? sinceTimeMs : clock.now() - sinceSeconds * 1000,
  };
}

function notNegative(query: Query, name: string, least: 0 | 1): number | undefined {
  const value = wholeNumber(query, name);
  if (value === undefined || value >= least) return value;
  const rule = least === 0 ? "must be greater than or equal to 0" : "must be greater than 0";
  throw invalid(name, `Invalid value: ${value}: ${rule}`);
}

/** Throws BadRequest when the container has not started yet. In the words of the kubelet. */
function refuseUnstarted(pod: Pod, { container, previous }: LogOptions): void {
  const { name } = pod.metadata;
  const statuses = [
    ...pod.status.containerStatuses ?? [],
    ...pod.status.initContainerStatuses ?? [],
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

function invalid(field: string, message: string): ApiError {
  return new ApiError("Invalid", `PodLogOptions "" is invalid: ${field}: ${message}`, {
    kind: "PodLogOptions",
    causes: [{
      field,
      message,
      reason: message.startsWith("Forbidden") ? "FieldValueForbidden" : "FieldValueInvalid",
    }],
  });
}
