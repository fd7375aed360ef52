import type { Objects } from "../../objects/objects.ts";
import { subresourceOf } from "../../objects/subresources/mod.ts";
import type { KubeObject } from "../../resources/resource.ts";
import type { ServedKinds } from "../discovery/served_kinds.ts";
import type { AuditRecord, User } from "../http/api_context.ts";
import type { ResourceRequest } from "../http/request_info.ts";
import { senderOf } from "./write_query.ts";

/** Asks admission about a request that connects to what runs; returns warnings. Throws an ApiError for a refusal. */
export async function admitConnection(
  { kinds, objects }: { kinds: ServedKinds; objects: Objects },
  { group, version, resource, subresource = "", namespace, name = "" }: ResourceRequest,
  { user, audit }: { user: User; audit?: AuditRecord | undefined },
  queryOf: () => URLSearchParams,
): Promise<readonly string[]> {
  const kind = kinds.find(group, version, resource);
  const declared = kind && subresourceOf(kind.resource, subresource);
  if (!kind || !declared?.isConnection || !declared.body) return [];
  const place = namespace === undefined ? { name } : { namespace, name };
  const options = { subresource, ...senderOf(user, audit) };
  const asked = connectOptions(declared.body.kind, queryOf());
  const part = { resource: kind.resource, name: place, subresource, body: declared.body };
  const answered = await objects.ask({ ...part, operation: "CONNECT", object: asked }, options);
  return answered.warnings;
}

const FLAGS = ["stdin", "stdout", "stderr", "tty"] as const;
const TEXTS = ["container", "path"] as const;

/**
 * The options of a connection as an object, for admission: they stand in the query.
 * Source: PodExecOptions and its like in k8s.io/api/core/v1.
 */
export function connectOptions(kind: string, query: URLSearchParams): KubeObject {
  const options: Record<string, unknown> = { kind, apiVersion: "v1" };
  for (const name of FLAGS) if (/^(1|t|true)$/i.test(query.get(name) ?? "")) options[name] = true;
  for (const name of TEXTS) if (query.get(name)) options[name] = query.get(name);
  if (query.has("command")) options["command"] = query.getAll("command");
  const ports = query.getAll("ports").flatMap((text) => text.split(",")).map(Number);
  if (ports.length > 0) options["ports"] = ports.filter(Number.isInteger);
  return options as unknown as KubeObject; // shown to admission alone, which expects no metadata of it
}
