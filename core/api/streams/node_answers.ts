import { ApiError } from "../../client/api_error.ts";
import { LocalClient } from "../../objects/local_client.ts";
import type { Objects } from "../../objects/objects.ts";
import { type Node, nodes } from "../../resources/core/nodes/nodes.ts";
import { pods } from "../../resources/core/pods/pods.ts";
import { sendJson, sendText } from "../http/answer.ts";
import type { ApiContext } from "../http/api_context.ts";
import type { ResourceRequest } from "../http/request_info.ts";
import { methodNotAllowed } from "../verbs/request.ts";
import { proxyName } from "./proxy/proxy_name.ts";

/** What kubelets listen on. */
const KUBELET_PORT = "10250";

/**
 * What a kubelet would answer, as far as it is known here: agents serve nothing of their own, and other ports of a node are
 * not reached through the API.
 */
export function nodeAnswer(
  c: ApiContext,
  { name: id = "" }: ResourceRequest,
  path: string,
  objects: Objects,
): Response {
  const parts = proxyName(id);
  if (!parts) throw new ApiError("BadRequest", `invalid node request "${id}"`);
  const view = new LocalClient(objects);
  const node = view.get(nodes, { name: parts.name });
  if (!node) {
    const details = { name: parts.name, kind: "nodes" };
    throw new ApiError("NotFound", `nodes "${parts.name}" not found`, details);
  }
  if (parts.port !== "" && parts.port !== KUBELET_PORT) {
    throw new ApiError(
      "Forbidden",
      `port ${parts.port} of node "${parts.name}" is not reached through the API: only pods and Services are`,
    );
  }
  if (c.req.method !== "GET" && c.req.method !== "HEAD") throw methodNotAllowed();
  refuseUnready(node);
  switch (path.replace(/\/$/, "")) {
    case "/healthz":
      return sendText(c, 200, "ok");
    case "/pods":
      return sendJson(c, 200, {
        kind: "PodList",
        apiVersion: "v1",
        metadata: {},
        items: view.by(pods, "node", parts.name),
      });
    default:
      throw new ApiError(
        "NotFound",
        `the agent of node "${parts.name}" serves no "${path}"; it has /healthz and /pods`,
      );
  }
}

function refuseUnready({ metadata, status }: Node): void {
  const ready = status.conditions?.find(({ type }) => type === "Ready");
  if (ready?.status === "True") return;
  throw new ApiError(
    "ServiceUnavailable",
    `error trying to reach service: node "${metadata.name}" is not ready`,
  );
}
