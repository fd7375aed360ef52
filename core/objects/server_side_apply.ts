import type { ObjectName } from "../client/client.ts";
import { badRequest } from "../client/refusals.ts";
import type { WriteOptions } from "../client/write_options.ts";
import { isJsonObject, type JsonObject, objectIn } from "../lib/json/json_value.ts";
import type { AnyResource, KubeObject } from "../resources/resource.ts";
import type { AdmitOptions, Scope } from "./admit.ts";
import { applyTo } from "./managed_fields/field_manager.ts";
import { unseen, withNameOf } from "./placement.ts";

/** A server-side apply. */
export interface Apply {
  sent: unknown;
  /** Takes fields that other managers have. */
  isForced: boolean;
  /** What is to be admitted of the merged object; absent: the object itself. Only of one that is there. */
  next?(current: KubeObject, merged: JsonObject): KubeObject | JsonObject;
  /** Refuses an apply of what is not there. */
  mustExist?: boolean;
}

/** What a change would make of an object. */
export interface Proposal extends Pick<AdmitOptions, "applied"> {
  draft: unknown;
}

/** What the apply makes of the current object, if there is one. Throws an ApiError. */
export function proposalBy(
  { sent, isForced, next }: Apply,
  { resource, name, now }: { resource: AnyResource; name: ObjectName; now: string },
  current: KubeObject | undefined,
  options: WriteOptions & { scope: Scope },
): Proposal {
  const named = withNameOf(resource, sent, name);
  if (!isJsonObject(sent) || !isJsonObject(named)) {
    throw badRequest(`the object provided is unrecognized (must be of type ${resource.kind})`);
  }
  if (!objectIn(sent, "metadata")["name"] && sent["kind"] === resource.kind) {
    throw badRequest(
      `the name of the object (${name.name} based on URL) was undeterminable: name must be provided`,
    );
  }
  const write = { ...options, isForced, now };
  const { draft: merged, managedFields } = applyTo(resource, { live: current, sent }, write);
  const wanted = current && next ? next(current, merged) : merged;
  const draft = withNameOf(resource, wanted, name);
  return { draft: current ? draft : unseen(resource, name, draft), applied: { managedFields } };
}
