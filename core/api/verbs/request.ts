import { ownJson } from "../../lib/json/json_value.ts";
import type { ObjectName } from "../../client/client.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Objects } from "../../objects/objects.ts";
import { groupResourceOf } from "../../resources/resource.ts";
import type { Prefix } from "../../store/store.ts";
import { type Format, formatFor, refuseOtherShape } from "../http/accept.ts";
import { sendAsAccepted, sendJsonBytes } from "../http/answer.ts";
import type { ApiContext } from "../http/api_context.ts";
import { ApiError } from "../../client/api_error.ts";
import type { EscalationContext } from "../access/escalation.ts";
import type { KeptLists } from "../watch/kept_lists.ts";
import type { ResourceRequest } from "../http/request_info.ts";
import { goTypeOf, type ServedKind, type Stored } from "../discovery/served_kinds.ts";
import { includeObjectOf, metadataOf, rowParts, TABLE_END, tableHead } from "../discovery/table.ts";
import { concat } from "../../lib/bytes.ts";

/** A request for objects of a kind. */
export interface ObjectRequest {
  c: ApiContext;
  path: ResourceRequest;
  kind: ServedKind;
  objects: Objects;
  clock: Clock;
  escalation: EscalationContext;
  keptLists: KeptLists;
}

/** Whether the path names a namespace if and only if the kind is namespaced. Across all namespaces one can only read. */
export function matchesScope({ path, kind }: ObjectRequest): boolean {
  return (path.namespace !== undefined) === kind.resource.namespaced;
}

/** The object that the path names. Throws MethodNotAllowed when it names none. */
export function nameOf(request: ObjectRequest): ObjectName {
  const { namespace, name } = request.path;
  if (name === undefined || !matchesScope(request)) throw methodNotAllowed();
  return namespace === undefined ? { name } : { namespace, name };
}

/** The keys of the collection in the store. */
export function prefixOf({ path, kind }: ObjectRequest): Prefix {
  const resource = groupResourceOf(kind.resource);
  return path.namespace === undefined ? [resource] : [resource, path.namespace];
}

/** Answers with one object, in the version of the path and the format of the Accept header. */
export function sendObject(
  request: ObjectRequest,
  code: number,
  stored: Stored,
): Response | Promise<Response> {
  const { kind: { resource }, objects } = request;
  if (!resource.reading?.conversions) return sendReadable(request, code, stored);
  return objects.conversions.prepare(resource, [stored.object])
    .then(() => sendReadable(request, code, stored));
}

function sendReadable(request: ObjectRequest, code: number, stored: Stored): Response {
  const { c, kind, clock } = request;
  const format = formatFor(c.req.header("accept"));
  if (format.as === "object") return sendEncoded(c, code, kind.bytesOf(stored), format);
  if (format.as === "metadata") {
    refuseOtherShape(format, { isList: false, goType: goTypeOf(kind, kind.resource.kind) });
    return sendAsAccepted(c, code, metadataOf(stored.object, format.version));
  }
  const { resourceVersion } = stored.object.metadata;
  const options = {
    version: format.version,
    include: includeObjectOf(c.req.query("includeObject")),
  };
  const table = concat([
    tableHead(kind, format.version, { resourceVersion }),
    ...rowParts(kind, stored, options, clock.now()),
    TABLE_END,
  ]);
  return sendEncoded(c, code, table, format);
}

function sendEncoded(c: ApiContext, code: number, json: Uint8Array, format: Format): Response {
  if (!format.yaml) return sendJsonBytes(c, code, json);
  return sendAsAccepted(c, code, ownJson(json));
}

export function warn(c: ApiContext, warnings: readonly string[]): void {
  for (const warning of warnings) c.get("warnings").push(warning);
}

export function methodNotAllowed(): ApiError {
  return new ApiError(
    "MethodNotAllowed",
    "the server does not allow this method on the requested resource",
  );
}
