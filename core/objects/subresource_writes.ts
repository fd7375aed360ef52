import type { ObjectName } from "../client/client.ts";
import { ApiError } from "../client/api_error.ts";
import { badRequest, conflict, invalid } from "../client/refusals.ts";
import type { WriteOptions, Written } from "../client/write_options.ts";
import { cloneJson, isJsonObject, type JsonObject, objectIn } from "../lib/json/json_value.ts";
import { type AnyResource, apiVersionOf, type KubeObject } from "../resources/resource.ts";
import type { Subresource, SubresourceDecision } from "../resources/subresource.ts";
import { check } from "../schema/check.ts";
import type { Schema } from "../schema/schema.ts";
import type { Objects } from "./objects.ts";
import { askAboutSent, type AskedRequest } from "./asked_requests.ts";
import { withNameOf } from "./placement.ts";
import { type Patch, patcherFor } from "./patch/patch.ts";

/** One subresource of a kind, and the object that is asked. */
interface Target {
  resource: AnyResource;
  name: ObjectName;
  subresource: Subresource<KubeObject>;
  /** What policies and webhooks are asked about, where it was created as an object of its own. */
  asked?: { resource: AnyResource; subresource: "" };
}

/** Writes a subresource: creates or replaces it. Resolves with the object. Throws an ApiError for a refusal. */
export function writeSubresource(
  objects: Objects,
  target: Target,
  sent: unknown,
  options: WriteOptions = {},
): Promise<Written> {
  return written(objects, target, () => sent, options);
}

/** The same by a patch of what the subresource shows now. */
export async function patchSubresource(
  objects: Objects,
  target: Target,
  patch: Patch,
  options: WriteOptions = {},
): Promise<Written> {
  const { resource, subresource: { body, show } } = target;
  const version = options.served ?? resource;
  const apply = patcherFor(patch, body?.schema ?? version.schema);
  const shown = (current: KubeObject) =>
    show ? show(current) : options.served?.fromStored(current) ?? current;
  return await written(objects, target, (current) => apply(shown(current)), options);
}

/**
 * The same by a server-side apply. Throws MethodNotAllowed for a subresource that is something else than its object, and is
 * no part of it.
 */
export function applySubresource(
  objects: Objects,
  { resource, name, subresource }: Target,
  { sent, isForced }: { sent: unknown; isForced: boolean },
  options: WriteOptions = {},
): Promise<Written> {
  const { admittedAs, body, applied, decide } = subresource;
  const scope = admittedAs === "status" ? "status" : "main";
  const rules = subresource.validate && { rules: subresource };
  const write = { ...options, scope, subresource: subresource.name, ...rules } as const;
  if (!body && admittedAs !== undefined) {
    const next = (current: KubeObject, draft: JsonObject) =>
      nextBy(resource, name.name, subresource.name, decide!(current, draft, objects.clock.now()));
    return objects.apply(resource, name, { sent, isForced, next }, write);
  }
  if (!body || !applied) {
    const message = "the server does not allow this method on the requested resource";
    throw new ApiError("MethodNotAllowed", message);
  }
  const fields = applied(bodyFrom(sent, name.name, { ...body, schema: body.schema }));
  const { served: _, ...stored } = write;
  const identity = { apiVersion: apiVersionOf(resource), kind: resource.kind };
  const parts = { ...identity, metadata: { name: name.name }, ...fields };
  const keepsTime = true;
  return objects.apply(resource, name, { sent: parts, isForced, mustExist: true }, {
    ...stored,
    keepsTime,
    ...shownAs(subresource),
  });
}

function written(
  objects: Objects,
  target: Target,
  sentOf: (current: KubeObject) => unknown,
  { served, ...others }: WriteOptions,
): Promise<Written> {
  const { resource, name, subresource } = target;
  const { admittedAs, body } = subresource;
  const nextOf = (stored: KubeObject) => {
    const current = resource.reading?.fromStored(stored) ?? stored;
    return decided(target, current, sentOf(current), objects.clock.now());
  };
  if (admittedAs === undefined) return amended(objects, target, sentOf, others);
  const scope = admittedAs === "status" ? "status" : "main";
  // What is decided from a body of another kind is in the stored version, as the object is.
  const options = {
    ...others,
    scope,
    subresource: subresource.name,
    ...(subresource.validate && { rules: subresource }),
    ...(served && !body && { served }),
    ...(body && { keepsTime: true, ...shownAs(subresource) }),
  } as const;
  const draftOf = (current: KubeObject) => withNameOf(resource, nextOf(current), name);
  return objects.change(resource, name, draftOf, options);
}

/** What policies and webhooks see of an object that is written through one of another kind. */
function shownAs({ body, show, decide }: Subresource<KubeObject>): Pick<WriteOptions, "shown"> {
  if (!body || !show) return {};
  const changed = (current: KubeObject, shown: KubeObject) => {
    const decision = decide!(current, shown as unknown as JsonObject, 0);
    return "next" in decision ? decision.next as KubeObject : current;
  };
  return { shown: { body, show: (object) => show(object) as KubeObject, changed } };
}

/** Stores what is decided as it is, when policies and webhooks have been asked about what was sent. */
async function amended(
  objects: Objects,
  target: Target,
  sentOf: (current: KubeObject) => unknown,
  options: WriteOptions,
): Promise<Written> {
  const { resource, name, subresource: { name: subresource, body }, asked } = target;
  const nextOf = (current: KubeObject, sent: unknown) =>
    decided(target, current, sent, objects.clock.now()) as KubeObject;
  const { object: old } = objects.get(resource, name);
  const given = sentOf(old);
  const part = { resource, subresource, ...asked, name };
  const { sent, warnings } = body
    ? await askAboutSent(objects, { ...part, body }, given, options)
    : await askAboutNext(objects, { ...part, old }, nextOf(old, given), options);
  const next = (current: KubeObject) => nextOf(current, sent ?? sentOf(current));
  const written = await objects.amend(resource, name, next, options);
  return { ...written, warnings: [...warnings, ...written.warnings] };
}

/** Asks about what an object is to become. `sent`: the same as webhooks have changed it; absent: they have not. */
async function askAboutNext(
  objects: Objects,
  part: Pick<AskedRequest, "resource" | "name" | "subresource" | "old">,
  object: KubeObject,
  options: WriteOptions,
): Promise<{ sent?: unknown; warnings: readonly string[] }> {
  const answered = await objects.ask({ ...part, operation: "UPDATE", object }, options);
  return answered.object === object ? { warnings: answered.warnings } : {
    sent: answered.object,
    warnings: answered.warnings,
  };
}

function decided(
  { resource, name: { name }, subresource }: Target,
  current: KubeObject,
  given: unknown,
  nowMs: number,
): KubeObject | JsonObject {
  const { body } = subresource;
  const { group, kind } = body ?? resource;
  const sent = bodyFrom(given, name, { group, kind, schema: body?.schema });
  const { resourceVersion } = objectIn(sent, "metadata");
  const isOutdated = typeof resourceVersion === "string" && resourceVersion !== "" &&
    resourceVersion !== current.metadata.resourceVersion;
  if (isOutdated) throw conflict(resource, name);
  const decision = subresource.decide!(current, sent, nowMs);
  if ("causes" in decision) throw invalid({ group, kind }, name, decision.causes);
  return nextBy(resource, name, subresource.name, decision);
}

/** What is to be stored by a decision. Throws Invalid or Conflict. */
function nextBy(
  resource: AnyResource,
  name: string,
  subresource: string,
  decision: SubresourceDecision<KubeObject>,
): KubeObject | JsonObject {
  if ("next" in decision) return decision.next;
  if ("causes" in decision) throw invalid(resource, name, decision.causes);
  throw conflict(resource, name, decision.conflict, subresource);
}

/** What was sent, in its shape. Throws BadRequest or Invalid. */
export function bodyFrom(
  given: unknown,
  name: string,
  { group, kind, schema }: { group: string; kind: string; schema: Schema | undefined },
): JsonObject {
  if (!isJsonObject(given)) {
    throw badRequest(`the object provided is unrecognized (must be of type ${kind})`);
  }
  const { value, causes } = schema ? check(schema, cloneJson(given)) : { value: given, causes: [] };
  if (causes.length > 0) throw invalid({ group, kind }, name, causes);
  const sent = value as JsonObject; // as its schema says
  const givenName = objectIn(sent, "metadata")["name"];
  if (typeof givenName === "string" && givenName !== "" && givenName !== name) {
    throw badRequest(
      `the name of the object (${givenName}) does not match the name on the URL (${name})`,
    );
  }
  return sent;
}
