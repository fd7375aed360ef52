import { ApiError } from "../../client/api_error.ts";
import { LocalClient } from "../../objects/local_client.ts";
import { type Node, nodes } from "../../resources/core/nodes/nodes.ts";
import { pods } from "../../resources/core/pods/pods.ts";
import { ownField } from "../../lib/own_field.ts";
import type { ClusterUsage } from "../../usage/cluster_usage.ts";
import { EXPOSITION_TYPE } from "../../usage/exposition.ts";
import { cadvisorMetrics, probeMetrics, resourceMetrics } from "../../usage/kubelet_metrics.ts";
import type { NodeReport } from "../../usage/node_report.ts";
import { summaryOf } from "../../usage/summary.ts";
import { sendBytes, sendJson, sendText } from "../http/answer.ts";
import type { ApiContext } from "../http/api_context.ts";
import { methodNotAllowed, type ObjectRequest } from "../verbs/request.ts";
import type { StreamParts } from "./stream.ts";
import { proxyName } from "./proxy/proxy_name.ts";

/** What kubelets listen on. */
const KUBELET_PORT = "10250";

/**
 * What a kubelet would answer, as far as it is known here: agents serve nothing of their own, and other ports of a node are
 * not reached through the API.
 */
export async function nodeAnswer(
  { c, path: { name: id = "" }, objects }: ObjectRequest,
  path: string,
  { usage }: Pick<StreamParts, "usage">,
): Promise<Response> {
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
      return await measuredAnswer(c, parts.name, { path: path.replace(/\/$/, ""), usage });
  }
}

/** How each document is made of a report. */
const DOCUMENTS: Readonly<Record<string, (report: NodeReport, c: ApiContext) => Response>> = {
  "/stats/summary": (report, c) => sendJson(c, 200, summaryOf(report, { isShort: isShort(c) })),
  "/metrics/resource": (report, c) => sendMetrics(c, resourceMetrics(report)),
  "/metrics/cadvisor": (report, c) => sendMetrics(c, cadvisorMetrics(report)),
  "/metrics/probes": (report, c) => sendMetrics(c, probeMetrics(report)),
};

async function measuredAnswer(
  c: ApiContext,
  node: string,
  { path, usage }: { path: string; usage: ClusterUsage | undefined },
): Promise<Response> {
  const answer = ownField(DOCUMENTS, path);
  if (answer === undefined) {
    const known = ["/healthz", "/pods", ...Object.keys(DOCUMENTS)].join(", ");
    throw new ApiError(
      "NotFound",
      `the agent of node "${node}" serves no "${path}"; it has ${known}`,
    );
  }
  const withFiles = path === "/stats/summary" && !isShort(c);
  const report = await usage?.reportOf(node, { withFiles });
  if (report !== undefined) return answer(report, c);
  throw new ApiError(
    "ServiceUnavailable",
    `error trying to reach service: node "${node}" has not reported what it uses`,
  );
}

function isShort(c: ApiContext): boolean {
  return c.req.query("only_cpu_and_memory") === "true";
}

function sendMetrics(c: ApiContext, text: string): Response {
  return sendBytes(c, 200, EXPOSITION_TYPE, new TextEncoder().encode(text));
}

function refuseUnready({ metadata, status }: Node): void {
  const ready = status.conditions?.find(({ type }) => type === "Ready");
  if (ready?.status === "True") return;
  throw new ApiError(
    "ServiceUnavailable",
    `error trying to reach service: node "${metadata.name}" is not ready`,
  );
}
