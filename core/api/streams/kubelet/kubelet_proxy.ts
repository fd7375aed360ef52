import { ApiError } from "../../../client/api_error.ts";
import type { KubeletAnswer, KubeletApi } from "../../../client/nodes/kubelet_api.ts";
import { UnreachableNode } from "../../../client/nodes/unreachable_node.ts";
import { concat } from "../../../lib/bytes.ts";
import { LocalClient } from "../../../objects/local_client.ts";
import type { Objects } from "../../../objects/objects.ts";
import { type Node, nodes } from "../../../resources/core/nodes/nodes.ts";
import { openStream, sendBytes } from "../../http/answer.ts";
import type { ApiContext } from "../../http/api_context.ts";
import type { ByteStream } from "../../http/byte_stream.ts";
import { methodNotAllowed, type ObjectRequest } from "../../verbs/request.ts";
import { passedOf, unreachable } from "../proxied_request.ts";
import { proxyName } from "../proxy/proxy_name.ts";
import type { Stream, StreamParts, UpgradeRequest } from "../stream.ts";
import { answerContainer, upgradeContainer } from "./container_answers.ts";
import { containerPath } from "./container_paths.ts";
import { reportedAnswer } from "./reported_answers.ts";

/** What kubelets listen on. */
const KUBELET_PORT = "10250";
/** Of answers that say what is wrong. */
const FAULT_BYTES_MAX = 64 * 1024;

/**
 * nodes/NAME/proxy/PATH, also for NAME:10250: what is asked there is asked of the agent of the node. Other ports of a node
 * are not reached through the API. Whoever may do so may do with all its pods what it can do, as in Kubernetes.
 */
export function kubeletProxy(parts: StreamParts): Required<Pick<Stream, "answer" | "upgrade">> {
  return {
    answer: async (request) => {
      const { c, path, objects } = request;
      const node = nodeOf(path.name ?? "", objects);
      const asked = passedOf(new URL(c.req.url), path).rest.replace(/\/$/, "");
      const container = containerPath(asked);
      if (container) return await answerContainer(request, node, container, parts);
      if (c.req.method !== "GET" && c.req.method !== "HEAD") throw methodNotAllowed();
      const kubelet = parts.nodeStreams.kubeletOf?.(node.metadata.name);
      if (kubelet === undefined) return await reportedAnswer(request, node, asked, parts);
      return await passOn(request, asked, kubelet, parts);
    },
    upgrade: async (request: UpgradeRequest) => {
      const { info, objects, incoming } = request;
      const node = nodeOf(info.name ?? "", objects);
      const { rest } = passedOf(new URL(incoming.url ?? "/", "https://x"), info);
      const container = containerPath(rest.replace(/\/$/, ""));
      if (container === undefined) throw methodNotAllowed();
      await upgradeContainer(request, node, container, parts);
    },
  };
}

/** Throws NotFound, BadRequest and Forbidden. */
function nodeOf(id: string, objects: Objects): Node {
  const parts = proxyName(id);
  if (!parts) throw new ApiError("BadRequest", `invalid node request "${id}"`);
  const { name, port } = parts;
  const node = new LocalClient(objects).get(nodes, { name });
  if (!node) throw new ApiError("NotFound", `nodes "${name}" not found`, { name, kind: "nodes" });
  if (port === "" || port === KUBELET_PORT) return node;
  throw new ApiError(
    "Forbidden",
    `port ${port} of node "${name}" is not reached through the API: only pods and Services are`,
  );
}

async function passOn(
  { c }: ObjectRequest,
  path: string,
  kubelet: KubeletApi,
  { open }: StreamParts,
): Promise<Response> {
  const query = new URL(c.req.url).search.slice(1);
  const end = open.open(c.get("isCurrent"));
  try {
    const answer = await kubelet.ask({ path, query }, end.signal);
    if (answer.status !== 200) return await sendFault(c, answer).finally(() => open.close(end));
    const { stream, response } = openStream(c, answer.type);
    stream.gone.addEventListener("abort", () => end.abort(), { once: true });
    void copy(answer.body, stream).finally(() => open.close(end));
    return response;
  } catch (error) {
    open.close(end);
    throw error instanceof UnreachableNode ? unreachable(error) : error;
  }
}

async function sendFault(c: ApiContext, { status, type, body }: KubeletAnswer): Promise<Response> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of body) {
    pieces.push(piece.subarray(0, FAULT_BYTES_MAX - length));
    length += piece.length;
    if (length >= FAULT_BYTES_MAX) break;
  }
  return sendBytes(c, status, type, concat(pieces));
}

async function copy(body: AsyncIterable<Uint8Array>, stream: ByteStream): Promise<void> {
  try {
    for await (const piece of body) {
      if (piece.length > 0 && !stream.write(piece)) await stream.drained();
      if (stream.gone.aborted) return;
    }
    stream.end();
  } catch {
    stream.destroy(); // the client sees that it is not whole
  }
}
