import type { ObjectName } from "../../client/client.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import { notFound } from "../discovery/discovery.ts";
import { methodNotAllowed } from "../verbs/request.ts";
import type { UpgradeRequest } from "./stream.ts";

/** The pod that an upgrade is about. Throws NotFound. */
export function podOf(
  { info: { namespace, name, rest }, objects, incoming }: UpgradeRequest,
): { name: ObjectName; pod: Pod } {
  if (namespace === undefined || name === undefined) throw methodNotAllowed();
  if (rest.length > 0) throw notFound();
  if (incoming.method !== "GET" && incoming.method !== "POST") throw methodNotAllowed();
  const pod = objects.get(pods, { namespace, name }).object as Pod;
  return { name: { namespace, name }, pod };
}

export function queryOf({ incoming }: UpgradeRequest): URLSearchParams {
  const [, query = ""] = /\?([^#]*)/.exec(incoming.url ?? "") ?? [];
  return new URLSearchParams(query);
}
