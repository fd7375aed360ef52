import { ApiError, type ErrorDetails } from "./api_error.ts";
import type { Cause } from "../schema/causes.ts";
import { CAUSES_MAX } from "../schema/report.ts";
import { type AnyResource, groupResourceOf, type KubeObject } from "../resources/resource.ts";
import { TooLargeError, UnavailableError } from "../store/store.ts";

// The words are those of k8s.io/apimachinery/pkg/api/errors/errors.go.

export function badRequest(message: string): ApiError {
  return new ApiError("BadRequest", message);
}

/** `pods "web" not found`. */
export function notFound(resource: AnyResource, name: string): ApiError {
  return new ApiError(
    "NotFound",
    `${groupResourceOf(resource)} "${name}" not found`,
    detailsOf(resource, name),
  );
}

/** `pods "web" already exists`; `existing` is the object in the way. */
export function alreadyExists(resource: AnyResource, existing: KubeObject): ApiError {
  const { name, deletionTimestamp } = existing.metadata;
  const prefix = deletionTimestamp === undefined ? "" : "object is being deleted: ";
  return new ApiError(
    "AlreadyExists",
    `${prefix}${groupResourceOf(resource)} "${name}" already exists`,
    detailsOf(resource, name),
  );
}

export function conflict(
  resource: AnyResource,
  name: string,
  why =
    "the object has been modified; please apply your changes to the latest version and try again",
  subresource = "",
): ApiError {
  const what = `${groupResourceOf(resource)}${subresource && `/${subresource}`}`;
  return new ApiError(
    "Conflict",
    `Operation cannot be fulfilled on ${what} "${name}": ${why}`,
    detailsOf(resource, name),
  );
}

export function forbidden(
  resource: AnyResource,
  name: string,
  why: string,
  causes?: readonly Cause[],
): ApiError {
  return new ApiError(
    "Forbidden",
    `${groupResourceOf(resource)} "${name}" is forbidden: ${why}`,
    { ...detailsOf(resource, name), ...(causes && { causes }) },
  );
}

/** The longest possible name: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ */
const NAME_CHARS_MAX = 253;

/** `Deployment.apps "web" is invalid: spec.x: Required value`, or several causes in brackets. */
export function invalid(
  { group, kind }: { group: string; kind: string },
  givenName: string,
  givenCauses: readonly Cause[],
): ApiError {
  const name = shortened(givenName);
  const causes = givenCauses.slice(0, CAUSES_MAX);
  const texts = [...new Set(causes.map(({ field, message }) => `${field}: ${message}`))];
  const all = texts.length === 1 ? texts[0] : `[${texts.join(", ")}]`;
  const details: ErrorDetails = { ...(name && { name }), kind, ...(group && { group }), causes };
  return new ApiError(
    "Invalid",
    `${group ? `${kind}.${group}` : kind} "${name}" is invalid: ${all}`,
    details,
  );
}

/** The refusal for an error of the store; any other error as it is. */
export function refusalOf(error: unknown): unknown {
  if (error instanceof TooLargeError) return new ApiError("RequestEntityTooLarge", error.message);
  if (error instanceof UnavailableError) return new ApiError("ServiceUnavailable", error.message);
  return error;
}

function shortened(name: string): string {
  return name.length <= NAME_CHARS_MAX ? name : `${name.slice(0, NAME_CHARS_MAX)}...`;
}

function detailsOf({ group, plural }: AnyResource, name: string): ErrorDetails {
  return { name, kind: plural, ...(group && { group }) };
}

/** Whether something could not be created because its namespace is being deleted. */
export function isOfEndingNamespace({ details: { causes } }: ApiError): boolean {
  return causes?.some(({ reason }) => reason === "NamespaceTerminating") ?? false;
}
