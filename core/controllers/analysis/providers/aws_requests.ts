import type { PrometheusMetric } from "../../../resources/argoproj/mod.ts";
import type { OutgoingHeaders } from "../requests/redirects.ts";
import { awsCredentials } from "./aws_credentials.ts";
import { signature, type UnsignedRequest } from "./aws_signature.ts";
import type { ProviderParts } from "./provider.ts";

/** Nobody else is shown a signature, or the token of a session, whatever his name contains. */
function isAmazons({ hostname }: URL): boolean {
  return hostname.includes("aps-workspaces") && /\.amazonaws\.com(?:\.cn)?$/.test(hostname);
}

/**
 * The headers that sign a request to Amazon's Prometheus; none for other addresses, as Argo Rollouts has it. Rejects when
 * there are no credentials.
 */
export async function signedHeaders(
  { authentication }: PrometheusMetric,
  request: UnsignedRequest,
  parts: ProviderParts,
  signal: AbortSignal,
): Promise<OutgoingHeaders> {
  const { region = "", profile = "", roleArn = "" } = authentication?.sigv4 ?? {};
  if (!isAmazons(request.url) || !(region || profile || roleArn)) return [];
  const place = region || parts.environment("AWS_REGION") || "";
  if (place === "") {
    throw new Error("region not configured in sigv4 or in default credentials chain");
  }
  const options = { region: place, profile, roleArn };
  const credentials = await awsCredentials(options, parts, signal);
  return signature(request, { service: "aps", region: place, credentials, nowMs: parts.nowMs() });
}
