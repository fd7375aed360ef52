import { jsonIdentity } from "../../../../../lib/json/json_identity.ts";
import { type Cause, forbidden } from "../../../../../schema/causes.ts";
import { finderOf, type SetField } from "../../../../unimplemented_fields.ts";
import { containersOf } from "../pod_containers.ts";
import type { PodSpec } from "../pod_spec.ts";

type Wanted = (value: unknown) => boolean;

const is = (refused: unknown): Wanted => (value) => value === refused;
/** Whatever it is set to. */
export function isSet(value: unknown): boolean {
  return typeof value === "object" && value !== null
    ? Object.keys(value).length > 0
    : value !== undefined && value !== "";
}

/** What a security context of a pod and one of a container have in common. */
const OF_BOTH: Readonly<Record<string, Wanted>> = {
  windowsOptions: isSet,
};

/** The same of a container of any sort. */
const OF_CONTAINERS = under("securityContext", OF_BOTH);

/**
 * The one list of what a PodSpec can say about its security and Coracle does not implement yet, with the values that it would
 * have to act on. They are refused, not ignored with a warning: a pod that asked for them would run with less
 * protection than its author believes. Take a field out when it is implemented.
 */
export const POD_SPEC_REFUSED: Readonly<Record<string, Wanted>> = {
  hostUsers: is(false),
  ...under("securityContext", OF_BOTH),
  "securityContext.seLinuxChangePolicy": isSet,
  "securityContext.supplementalGroupsPolicy": is("Strict"),
  ...under("initContainers[]", OF_CONTAINERS),
  ...under("containers[]", OF_CONTAINERS),
  ...under("ephemeralContainers[]", OF_CONTAINERS),
};

function under(
  path: string,
  table: Readonly<Record<string, Wanted>>,
): Readonly<Record<string, Wanted>> {
  return Object.fromEntries(
    Object.entries(table).map(([below, wanted]) => [`${path}.${below}`, wanted]),
  );
}

const refusedIn = finderOf(Object.entries(POD_SPEC_REFUSED));

/**
 * The refused fields that a write newly sets; what was stored before they were refused may stay. `field` is the path
 * of the spec.
 */
export function refusedFieldCauses(
  next: PodSpec,
  previous: PodSpec | undefined,
  field: string,
): Cause[] {
  const found = refusedIn(next, field);
  if (found.length === 0) return [];
  const kept = new Set(previous ? refusedIn(previous, field).map(identityIn(previous)) : []);
  const identity = identityIn(next);
  return found.filter((each) => !kept.has(identity(each)))
    .map(({ field: at }) => forbidden(at, REFUSAL));
}

/** By the names of containers, which keep what they ask for when another comes before them. */
function identityIn(spec: PodSpec): (found: SetField) => unknown {
  const names = new Map(containersOf(spec).map(({ path, container }) => [path, container.name]));
  return ({ field, value }) => {
    const path = field.replace(
      /(?<=\.)((?:init|ephemeral)?[cC]ontainers)\[\d+\]/,
      (path, list: string) => `${list}[${names.get(path)}]`,
    );
    return jsonIdentity([path, value]);
  };
}

const REFUSAL =
  "not implemented in this version of Coracle, and not ignored because it is about security; " +
  "take it out of the manifest to run the pod without it";
