import { APPLY_TYPE, patchTypesOf } from "../../objects/patch/patch.ts";
import { listKindOf } from "../../resources/resource.ts";
import type { DeleteOptions } from "../../client/client.ts";
import type { Entry } from "../../store/store.ts";
import { PathRefusal } from "../../client/api_error.ts";
import type { WriteOptions, Written } from "../../client/write_options.ts";
import { refusalOfEvents } from "../access/nodes/event_restriction.ts";
import { joinCheck } from "../access/joining/join_restriction.ts";
import { refuseOthersObject, restrictionViewOf } from "../access/nodes/node_restriction.ts";
import { escalationCheck } from "../access/escalation.ts";
import { formatFor, refuseOtherShape, watchFormatFor } from "../http/accept.ts";
import { sendAsAccepted } from "../http/answer.ts";
import { goTypeOf } from "../discovery/served_kinds.ts";
import { sendList } from "../watch/list.ts";
import { listOptions } from "../watch/list_options.ts";
import { listPage, type Page, refuseFuture } from "../watch/list_page.ts";
import {
  appliedObjectOf,
  documentOf,
  mediaTypeOf,
  optionalObjectOf,
  patchDocumentOf,
  unsupported,
} from "../http/request_body.ts";
import {
  matchesScope,
  methodNotAllowed,
  nameOf,
  type ObjectRequest,
  prefixOf,
  sendObject,
  warn,
} from "./request.ts";
import { selectionOf } from "../watch/selection.ts";
import { deleted } from "../http/status.ts";
import { includeObjectOf } from "../discovery/table.ts";
import type { Watches } from "../watch/watch.ts";
import { matchesAll } from "../watch/watch_lines.ts";
import { refuseForce, serverSideApplyOptions } from "./field_manager_query.ts";
import { createElsewhere } from "./unstored.ts";
import { deleteOptions, senderOf, writeOptions } from "./write_query.ts";

/** Answers a request for a collection: list, watch, create, deletecollection. */
export function answerCollection(
  request: ObjectRequest,
  watches: Watches,
): Response | Promise<Response> {
  const { c, path } = request;
  const { method } = c.req;
  if (method === "GET" || method === "HEAD") return listOrWatch(request, watches);
  if (path.isWatch || !matchesScope(request)) throw methodNotAllowed();
  switch (method) {
    case "POST":
      return create(request);
    case "DELETE":
      return deleteCollection(request);
    default:
      throw methodNotAllowed();
  }
}

/** Answers a request for one object: get, update, patch, delete. */
export function answerObject(request: ObjectRequest): Response | Promise<Response> {
  switch (request.c.req.method) {
    case "GET":
    case "HEAD":
      return sendObject(request, 200, entryOf(request));
    case "PUT":
      return update(request);
    case "PATCH":
      return patch(request);
    case "DELETE":
      return remove(request);
    default:
      throw methodNotAllowed();
  }
}

function listOrWatch(request: ObjectRequest, watches: Watches): Response | Promise<Response> {
  const { c, kind, objects, path } = request;
  const query = c.req.query();
  const options = listOptions((name) => query[name]);
  const fieldSelector = path.name === undefined
    ? options.fieldSelector
    : [options.fieldSelector, `metadata.name=${path.name}`].filter(Boolean).join();
  const selection = selectionOf(kind, { ...options, fieldSelector });
  const isWatch = options.watch || path.isWatch;
  const format = (isWatch ? watchFormatFor : formatFor)(c.req.header("accept"));
  const include = format.as === "table" ? includeObjectOf(query["includeObject"]) : "None";
  const prefix = prefixOf(request);
  if (!isWatch) {
    const pageOf = () => listPage(objects.store, prefix, selection.matches, options);
    const send = (page: Page) =>
      sendList(c, kind, page, {
        ...{ format, include },
        nowMs: request.clock.now(),
        kept: request.keptLists,
      });
    return kind.resource.reading?.conversions
      ? readablePage(request, pageOf, selection.matches !== undefined).then(send)
      : send(pageOf());
  }
  const { resourceVersion, sendInitialEvents } = options;
  if (sendInitialEvents && resourceVersion) refuseFuture(objects.store, resourceVersion);
  const startsWithState = sendInitialEvents ?? !resourceVersion;
  return watches.open(c, {
    kind,
    prefix,
    matches: selection.matches ?? matchesAll,
    selection: selection.text,
    format,
    include,
    after: startsWithState ? undefined : resourceVersion || objects.store.revision,
    bookmarks: options.allowWatchBookmarks,
    marksInitialEnd: sendInitialEvents === true && options.allowWatchBookmarks,
    timeoutSeconds: options.timeoutSeconds,
  });
}

/** The same page, when a webhook has converted what is on it, and what it is selected from. */
async function readablePage(
  request: ObjectRequest,
  pageOf: () => Page,
  isSelected: boolean,
): Promise<Page> {
  const { objects, kind: { resource } } = request;
  const readable = (entries: readonly Entry[]) =>
    objects.conversions.prepare(resource, entries.map(({ object }) => object));
  if (isSelected) await readable(objects.store.list(prefixOf(request)));
  const page = await objects.conversions.whileNeeded(pageOf);
  await readable(page.entries);
  return page;
}

/** The object, at least as new as the request asks for. */
export function entryOf(request: ObjectRequest): Entry {
  const { c, kind, objects } = request;
  const { resourceVersion } = listOptions((name) =>
    name === "resourceVersion" ? c.req.query(name) : undefined
  );
  if (resourceVersion) refuseFuture(objects.store, resourceVersion);
  return objects.get(kind.resource, nameOf(request));
}

async function create(request: ObjectRequest): Promise<Response> {
  const { c, path, kind, objects } = request;
  const options = guardedOptions(request);
  const placed = path.namespace === undefined ? options : { ...options, namespace: path.namespace };
  const { value: draft, bodyFaults } = await documentOf(c);
  if (kind.resource.createdAs) return await createElsewhere(request, draft);
  const refuse = joinCheck(objects, c.get("user"), kind.resource);
  refuseOthersObject(
    c.get("user"),
    { plural: kind.resource.plural, draft },
    restrictionViewOf(objects),
  );
  const written = await objects.create(kind.resource, draft, {
    ...placed,
    ...(refuse && { refuse }),
    ...(bodyFaults && { bodyFaults }),
  });
  return sendWritten(request, 201, written);
}

/** Of a write that may not give rights which its writer does not have. */
function guardedOptions({ c, kind, escalation }: ObjectRequest): WriteOptions {
  const user = c.get("user");
  const refuse = escalationCheck(escalation, user, kind.resource) ??
    refusalOfEvents(user, kind.resource);
  return { ...writeOptions(c, kind), ...(refuse && { refuse }) };
}

async function update(request: ObjectRequest): Promise<Response> {
  const { c, kind, objects } = request;
  const name = nameOf(request);
  const options = guardedOptions(request);
  const { value: draft, bodyFaults } = await documentOf(c);
  const current = () => objects.get(kind.resource, name).object;
  const view = restrictionViewOf(objects);
  refuseOthersObject(c.get("user"), { plural: kind.resource.plural, draft, current }, view);
  const written = await objects.update(kind.resource, name, draft, {
    ...options,
    ...(bodyFaults && { bodyFaults }),
  });
  return sendWritten(request, 200, written);
}

async function patch(request: ObjectRequest): Promise<Response> {
  const { kind, objects } = request;
  const name = nameOf(request);
  const options = guardedOptions(request);
  if (isApply(request)) {
    const { apply, manager } = await appliedOf(request);
    const written = await objects.apply(kind.resource, name, apply, { ...options, ...manager });
    return sendWritten(request, written.outcome === "created" ? 201 : 200, written);
  }
  const { bodyFaults, ...sent } = await patchOf(request);
  const written = await objects.patch(kind.resource, name, sent, {
    ...options,
    ...(bodyFaults && { bodyFaults }),
  });
  return sendWritten(request, 200, written);
}

/** Whether the patch is a server-side apply. */
export function isApply({ c }: ObjectRequest): boolean {
  return mediaTypeOf(c) === APPLY_TYPE;
}

/** What a server-side apply sends. Throws BadRequest or Invalid. */
export async function appliedOf(
  { c }: ObjectRequest,
): Promise<{ apply: { sent: unknown; isForced: boolean }; manager: { fieldManager: string } }> {
  const { fieldManager, isForced } = serverSideApplyOptions(c);
  return { apply: { sent: await appliedObjectOf(c), isForced }, manager: { fieldManager } };
}

/** The patch in the body of a request. Throws UnsupportedMediaType. */
export async function patchOf(
  { c, kind }: ObjectRequest,
): Promise<{ type: string; body: unknown; bodyFaults?: NonNullable<WriteOptions["bodyFaults"]> }> {
  const type = mediaTypeOf(c);
  const types = patchTypesOf(kind.resource);
  if (!types.includes(type)) {
    if (kind.resource.reading) throw unsupported(types);
    throw new PathRefusal("UnsupportedMediaType", "415: Unsupported Media Type");
  }
  refuseForce(c);
  const { value: body, bodyFaults } = patchDocumentOf(await c.get("readBody")());
  return { type, body, ...(bodyFaults && { bodyFaults }) };
}

async function remove(request: ObjectRequest): Promise<Response> {
  const { c, kind, objects } = request;
  const name = nameOf(request);
  const { deletion, isDryRun } = deleteOptions(c, await optionalObjectOf(c));
  warnOfOrphans(request, deletion);
  const options: WriteOptions = { ...senderOf(c.get("user"), c.get("audit")), dryRun: isDryRun };
  const written = await objects.delete(kind.resource, name, deletion, options);
  // Kinds with a grace period answer with the object, and so does anything that a finalizer holds.
  if (written.outcome !== "removed" || kind.resource.graceSeconds) {
    return sendWritten(request, 200, written);
  }
  const { uid } = written.object.metadata;
  const { group, plural } = { group: kind.group, plural: kind.resource.plural };
  return sendAsAccepted(
    c,
    200,
    deleted({ name: name.name, ...(group ? { group } : {}), kind: plural, uid }),
  );
}

/** As older versions of Kubernetes did, and clients may still expect. */
function warnOfOrphans({ c, kind }: ObjectRequest, { propagationPolicy }: DeleteOptions): void {
  const { orphansByDefault } = kind.resource;
  if (orphansByDefault && propagationPolicy === undefined) c.get("warnings").push(orphansByDefault);
}

async function deleteCollection(request: ObjectRequest): Promise<Response> {
  const { c, kind, objects, path } = request;
  const options = listOptions((name) => c.req.query(name));
  const { matches = matchesAll } = selectionOf(kind, options);
  const { deletion, isDryRun } = deleteOptions(c, await optionalObjectOf(c));
  warnOfOrphans(request, deletion);
  if (matches !== matchesAll) {
    const all = objects.list(kind.resource, path.namespace);
    await objects.conversions.prepare(kind.resource, all.map(({ object }) => object));
  }
  const write: WriteOptions = { ...senderOf(c.get("user"), c.get("audit")), dryRun: isDryRun };
  const gone = await objects.deleteCollection(
    kind.resource,
    path.namespace,
    matches,
    deletion,
    write,
  );
  await objects.conversions.prepare(kind.resource, gone.map(({ object }) => object));
  const { revision } = objects.store;
  const items = gone.map(({ object }) => kind.show(object));
  const metadata = { resourceVersion: String(revision) };
  const list = { kind: listKindOf(kind.resource), apiVersion: kind.apiVersion, metadata, items };
  const shape = { isList: true, goType: goTypeOf(kind, list.kind) };
  refuseOtherShape(formatFor(c.req.header("accept")), shape);
  return sendAsAccepted(c, 200, list);
}

function sendWritten(
  request: ObjectRequest,
  code: number,
  written: Written,
): Response | Promise<Response> {
  warn(request.c, written.warnings);
  return sendObject(request, code, written);
}
