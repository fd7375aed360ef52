import type { ObjectName } from "../client/client.ts";
import { badRequest, conflict } from "../client/refusals.ts";
import { isJsonObject, objectIn } from "../lib/json/json_value.ts";
import { type AnyResource, groupResourceOf } from "../resources/resource.ts";
import type { Key } from "../store/store.ts";
import { textFor } from "./input.ts";

/** Where an object of the kind is kept. */
export function keyOf(resource: AnyResource, { namespace = "", name }: ObjectName): Key {
  return [groupResourceOf(resource), resource.namespaced ? namespace : "", name];
}

/**
 * The draft in its namespace: that of the request, or else its own, or else `default`. Kinds that have none lose
 * a `default`, as in Kubernetes; any other namespace but the request's is refused.
 */
export function inNamespace(resource: AnyResource, draft: unknown, namespace?: string): unknown {
  if (!isJsonObject(draft)) return draft;
  const { namespace: given, ...metadata } = objectIn(draft, "metadata");
  const wanted = resource.namespaced ? namespace ?? (given || "default") : undefined;
  const isFine = !given || given === wanted || (wanted === undefined && given === "default");
  if (!isFine) {
    throw badRequest(
      "the namespace of the provided object does not match the namespace sent on the request",
    );
  }
  return {
    ...draft,
    metadata: { ...metadata, ...(wanted !== undefined && { namespace: wanted }) },
  };
}

/** The draft for an object that is there under `name`: it may leave the name out, but not say another. */
export function withNameOf(
  resource: AnyResource,
  draft: unknown,
  { name, namespace }: ObjectName,
): unknown {
  if (!isJsonObject(draft)) return draft;
  const metadata = objectIn(draft, "metadata");
  const given = metadata["name"];
  if (given !== undefined && given !== "" && given !== name) {
    throw badRequest(
      `the name of the object (${textFor(given)}) does not match the name on the URL (${name})`,
    );
  }
  const named = { ...draft, metadata: { ...metadata, name } };
  return inNamespace(resource, named, namespace);
}

/** Whether the server makes up the name of the draft. */
export function isNameMadeUp(draft: unknown): boolean {
  return isJsonObject(draft) && !objectIn(draft, "metadata")["name"];
}

/** A draft of what is not there yet. It may say which version it has seen, but not which object. */
export function unseen(resource: AnyResource, { name }: ObjectName, draft: unknown): unknown {
  if (!isJsonObject(draft)) return draft;
  const { resourceVersion: _, uid, ...metadata } = objectIn(draft, "metadata");
  if (uid) {
    const why = `uid mismatch: the provided object specified uid ${
      textFor(uid)
    }, and no existing object was found`;
    throw conflict(resource, name, why);
  }
  return { ...draft, metadata };
}
