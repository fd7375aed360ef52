import { ApiError } from "../../../client/api_error.ts";
import { ownField } from "../../../lib/own_field.ts";
import { LocalClient } from "../../../objects/local_client.ts";
import type { Node } from "../../../resources/core/nodes/nodes.ts";
import { pods } from "../../../resources/core/pods/pods.ts";
import type { ClusterUsage } from "../../../usage/cluster_usage.ts";
import { EXPOSITION_TYPE } from "../../../usage/exposition.ts";
import { cadvisorMetrics, probeMetrics, resourceMetrics } from "../../../usage/kubelet_metrics.ts";
import type { NodeReport } from "../../../usage/node_report.ts";
import { summaryOf } from "../../../usage/summary.ts";
import { sendBytes, sendJson, sendText } from "../../http/answer.ts";
import type { ApiContext } from "../../http/api_context.ts";
import type { ObjectRequest } from "../../verbs/request.ts";
import type { StreamParts } from "../stream.ts";

/** What a kubelet would answer, as far as the reports of an agent that cannot be asked tell it. */
export async function reportedAnswer(
  { c, objects }: ObjectRequest,
  node: Node,
  path: string,
  { usage }: Pick<StreamParts, "usage">,
): Promise<Response> {
  const { name } = node.metadata;
  refuseUnready(node);
  switch (path) {
    case "/healthz":
      return sendText(c, 200, "ok");
    case "/pods":
      return sendJson(c, 200, {
        kind: "PodList",
        apiVersion: "v1",
        metadata: {},
        items: new LocalClient(objects).by(pods, "node", name),
      });
    default:
      return await measuredAnswer(c, name, { path, usage });
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
  const report = await usage?.reportOf(node);
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
