import { badRequest } from "../../client/refusals.ts";
import { ApiError } from "../../client/api_error.ts";
import { check } from "../../schema/check.ts";
import type { ClusterUsage } from "../../usage/cluster_usage.ts";
import { nodeReport } from "../../usage/node_report.ts";
import { sendJson } from "./answer.ts";
import type { ApiContext } from "./api_context.ts";
import { objectOf } from "./request_body.ts";

/**
 * PUT /node-reports/NODE: what the agent of a node elsewhere has measured. Answers when the next report is wanted, as
 * `{"nextMs": 15000}`.
 */
export async function takeNodeReport(
  c: ApiContext,
  { usage }: { usage?: ClusterUsage },
): Promise<Response> {
  if (usage === undefined) throw new ApiError("NotFound", "this server takes no reports of nodes");
  const { value, causes } = check(nodeReport, await objectOf(c));
  const [cause] = causes;
  if (cause) throw badRequest(`the report cannot be used: ${cause.field}: ${cause.message}`);
  const node = c.req.param("node");
  if (value.node !== node) throw badRequest(`the report is of node "${value.node}"`);
  return sendJson(c, 200, usage.take(value));
}
