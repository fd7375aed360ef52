import type { WriteOptions, Written } from "../../client/write_options.ts";
import { actOnSubresource } from "../../objects/subresource_acts.ts";
import { subresourceOf } from "../../objects/subresources/mod.ts";
import {
  applySubresource,
  patchSubresource,
  writeSubresource,
} from "../../objects/subresource_writes.ts";
import type { KubeObject } from "../../resources/resource.ts";
import type { Subresource, SubresourceVerb } from "../../resources/subresource.ts";
import { signerCheck } from "../access/signer_rights.ts";
import { refusalOfLabels } from "../access/nodes/node_restriction.ts";
import { notFound as objectNotFound } from "../../client/refusals.ts";
import { notFound } from "../discovery/discovery.ts";
import { refuseUnanswerable } from "../http/accept.ts";
import { sendAsAccepted } from "../http/answer.ts";
import { objectOf } from "../http/request_body.ts";
import { succeeded } from "../http/status.ts";
import { methodNotAllowed, nameOf, type ObjectRequest, sendObject, warn } from "./request.ts";
import { appliedOf, entryOf, isApply, patchOf } from "./verbs.ts";
import { writeOptions } from "./write_query.ts";

/** By the names of their subresources. */
type Streams = ReadonlyMap<
  string,
  {
    takesPath?: true;
    undeclaredOf?: string;
    answer?(request: ObjectRequest): Promise<Response>;
  }
>;

/** Answers `OBJECT/SUBRESOURCE`. Throws NotFound for one that the kind does not have. */
export function answerSubresource(
  request: ObjectRequest,
  streams: Streams,
): Response | Promise<Response> {
  const { path: { subresource: name = "", rest }, kind } = request;
  const subresource = subresourceOf(kind.resource, name);
  const decides = subresource?.decide || subresource?.act;
  const stream = decides ? undefined : streams.get(name);
  if (stream?.answer && isUndeclared(stream.undeclaredOf, request.path)) {
    return stream.answer(request);
  }
  if (!subresource && kind.resource.reading) {
    throw objectNotFound(kind.resource, request.path.name ?? "");
  }
  if (!subresource || (rest.length > 0 && !stream?.takesPath)) throw notFound();
  if (!decides) {
    if (!stream?.answer) throw notFound();
    return stream.answer(request);
  }
  const verb = VERBS.get(request.c.req.method);
  if (!verb || !subresource.verbs.includes(verb)) throw methodNotAllowed();
  refuseUnanswerable(request.c.req.header("accept"), false);
  return verb === "get" ? show(request, subresource) : write(request, subresource, verb);
}

/** Whether it is a subresource of ours, which the kind does not declare. `of`: the plural of that kind. */
export function isUndeclared(
  of: string | undefined,
  { group, resource }: { group: string; resource: string },
): boolean {
  return of !== undefined && group === "" && resource === of;
}

const VERBS = new Map<string, SubresourceVerb>([
  ["GET", "get"],
  ["HEAD", "get"],
  ["POST", "create"],
  ["PUT", "update"],
  ["PATCH", "patch"],
]);

function show(
  request: ObjectRequest,
  subresource: Subresource<KubeObject>,
): Response | Promise<Response> {
  const entry = entryOf(request);
  if (!subresource.show) return sendObject(request, 200, entry);
  return sendShown(request, 200, subresource.show, entry.object);
}

async function sendShown(
  request: ObjectRequest,
  code: number,
  show: NonNullable<Subresource<KubeObject>["show"]>,
  stored: KubeObject,
): Promise<Response> {
  await request.objects.conversions.prepare(request.kind.resource, [stored]);
  return sendAsAccepted(request.c, code, show(inOwnVersion(request, stored)));
}

async function write(
  request: ObjectRequest,
  subresource: Subresource<KubeObject>,
  verb: SubresourceVerb,
): Promise<Response> {
  const { c, kind } = request;
  // Nodes write no whole objects here; with a status they might send labels.
  const user = c.get("user");
  const refuse = subresource.admittedAs === "status"
    ? refusalOfLabels(user, kind.resource.plural) ??
      signerCheck(request.escalation.rbac, user, kind.resource, subresource.name)
    : undefined;
  const options = { ...writeOptions(c, kind), ...(refuse && { refuse }) };
  const target = { resource: kind.resource, name: nameOf(request), subresource };
  if (subresource.act) {
    warn(c, await actOnSubresource(request.objects, target, await objectOf(c), options));
    return sendAsAccepted(c, 201, succeeded(201));
  }
  const written = await writtenBy(request, target, verb, options);
  warn(c, written.warnings);
  return sendWritten(request, subresource, verb === "create" ? 201 : 200, written);
}

/** Subresources of custom resources belong to a version; those of other kinds to what is stored. */
function inOwnVersion({ kind: { resource } }: ObjectRequest, stored: KubeObject): KubeObject {
  return resource.reading?.fromStored(stored) ?? stored;
}

async function writtenBy(
  request: ObjectRequest,
  target: Parameters<typeof writeSubresource>[1],
  verb: SubresourceVerb,
  options: WriteOptions,
): Promise<Written> {
  const { c, objects } = request;
  if (verb !== "patch") return await writeSubresource(objects, target, await objectOf(c), options);
  if (!isApply(request)) {
    const { bodyFaults, ...sent } = await patchOf(request);
    return await patchSubresource(objects, target, sent, {
      ...options,
      ...(bodyFaults && { bodyFaults }),
    });
  }
  const { apply, manager } = await appliedOf(request);
  return await applySubresource(objects, target, apply, { ...options, ...manager });
}

function sendWritten(
  request: ObjectRequest,
  { body, show }: Subresource<KubeObject>,
  code: number,
  written: Written,
): Response | Promise<Response> {
  if (show) return sendShown(request, code, show, written.object);
  if (!body) return sendObject(request, code, written);
  return sendAsAccepted(request.c, code, succeeded(code));
}
