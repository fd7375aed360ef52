import { badRequest, invalid } from "../../../client/refusals.ts";
import { isJsonObject, type JsonObject, objectIn } from "../../../lib/json/json_value.ts";
import { check } from "../../../schema/check.ts";
import type { Schema } from "../../../schema/schema.ts";
import type { VirtualKind } from "../../discovery/discovery.ts";

/** What was asked, in its shape. */
export interface Asked<S> {
  /** What is answered with, besides spec and status. */
  head: { kind: string; apiVersion: string; metadata: JsonObject };
  /** As it was sent, for the answer. */
  sent: unknown;
  spec: S;
}

/** Throws BadRequest for what is no object of the kind, Invalid for a spec of another shape. */
export function askedOf<S>(
  { group, version, kind }: VirtualKind,
  draft: unknown,
  shape: Schema<S>,
): Asked<S> {
  const apiVersion = `${group}/${version}`;
  if (!isJsonObject(draft)) {
    throw badRequest(`the object provided is unrecognized (must be of type ${kind})`);
  }
  const { kind: givenKind = kind, apiVersion: givenVersion = apiVersion, spec = {} } = draft;
  if (givenKind !== kind || givenVersion !== apiVersion) {
    throw badRequest(
      `${givenKind} in version "${givenVersion}" cannot be handled as a ${kind}`,
    );
  }
  const { value, causes } = check(shape, structuredClone(spec ?? {}));
  if (causes.length > 0) {
    const placed = causes.map((cause) => ({ ...cause, field: `spec.${cause.field}` }));
    throw invalid({ group, kind }, "", placed);
  }
  const head = { kind, apiVersion, metadata: objectIn(draft, "metadata") };
  return { head, sent: value, spec: value };
}
