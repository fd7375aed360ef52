import { badRequest } from "../../client/refusals.ts";
import { ApiError } from "../../client/api_error.ts";
import { check } from "../../schema/check.ts";
import { sentReport } from "../../traffic/sent_report.ts";
import type { TrafficReports } from "../../traffic/traffic_reports.ts";
import { sendJson } from "./answer.ts";
import type { ApiContext } from "./api_context.ts";
import { objectOf } from "./request_body.ts";

/**
 * PUT /traffic-reports/NODE: what the proxy of a node elsewhere serves. Answers when the next report is wanted, if nothing
 * changes before, as `{"nextMs": 60000}`.
 */
export async function takeTrafficReport(
  c: ApiContext,
  { traffic }: { traffic?: TrafficReports },
): Promise<Response> {
  if (traffic === undefined) throw new ApiError("NotFound", "this server takes no such reports");
  const { value, causes } = check(sentReport, await objectOf(c));
  const [cause] = causes;
  if (cause) throw badRequest(`the report cannot be used: ${cause.field}: ${cause.message}`);
  const { counts, ...report } = value;
  return sendJson(c, 200, traffic.take(c.req.param("node")!, report, counts));
}
