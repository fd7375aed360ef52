import type { User } from "../http/api_context.ts";

/** Who asks, as the API server of a group is told: kube-aggregator's `NewAuthProxyRoundTripper`. */
export function remoteHeaders(
  { name, groups, uid, extra = {} }: User,
): Record<string, string | string[]> {
  return {
    "x-remote-user": name,
    ...(uid && { "x-remote-uid": uid }),
    ...(groups.length > 0 && { "x-remote-group": [...groups] }),
    ...Object.fromEntries(
      Object.entries(extra).map(([key, values]) => [
        `x-remote-extra-${encodeURIComponent(key.toLowerCase())}`,
        [...values],
      ]),
    ),
  };
}
