import type { Operation } from "rfc6902";
import { ApiError } from "../../client/api_error.ts";
import { cloneJson, isJsonObject } from "../../lib/json_value.ts";
import { badRequest } from "../refusals.ts";

/** As in kube-apiserver. */
export const JSON_PATCH_OPERATIONS_MAX = 10_000;
const OPERATIONS = ["add", "remove", "replace", "move", "copy", "test"];
/** Path parts that lead out of the document, to what all objects share. */
const FORBIDDEN_PARTS = ["__proto__", "constructor", "prototype"];

/** Applies a JSON patch (RFC 6902) to a copy of a document: all operations, or an {@linkcode ApiError}. */
export type JsonPatcher = (document: unknown, patch: unknown) => unknown;

/** The library is loaded when the first such patch comes: the start does not need it. */
export async function loadJsonPatcher(): Promise<JsonPatcher> {
  const { applyPatch } = await import("rfc6902");
  return (document, patch) => {
    // The library cannot replace the whole of what it is given: the document is a field of it, whose name is empty.
    const root: { [name: string]: unknown } = { "": cloneJson(document) };
    const operations = operationsFrom(patch).map(withinRoot);
    // It goes on after an operation that failed, so the result counts only when none did.
    for (const error of appliedTo(root, operations, applyPatch)) {
      if (error) throw cannotApply(error.message.replace(/: \/(?=\/|$)/, ": "));
    }
    if (root[""] === undefined) throw cannotApply("nothing is left of the object");
    return root[""];
  };
}

/** The library stumbles over a path that leads into a text or a number. */
function appliedTo(
  root: object,
  operations: Operation[],
  apply: (root: object, operations: Operation[]) => (Error | null)[],
): (Error | null)[] {
  try {
    return apply(root, operations);
  } catch (error) {
    if (error instanceof TypeError) throw cannotApply("a path leads into what is no object");
    throw error;
  }
}

function withinRoot(operation: Operation): Operation {
  const from = "from" in operation ? { from: `/${operation.from}` } : {};
  return { ...operation, path: `/${operation.path}`, ...from };
}

function operationsFrom(patch: unknown): Operation[] {
  if (!Array.isArray(patch)) {
    throw badRequest("error decoding patch: a JSON patch is a list of operations");
  }
  if (patch.length > JSON_PATCH_OPERATIONS_MAX) {
    const most = `The allowed maximum operations in a JSON patch is ${JSON_PATCH_OPERATIONS_MAX}`;
    throw new ApiError("RequestEntityTooLarge", `${most}, got ${patch.length}`);
  }
  for (const operation of patch) refuseBroken(operation);
  return patch as Operation[];
}

function refuseBroken(operation: unknown): void {
  if (!isJsonObject(operation) || !OPERATIONS.includes(String(operation["op"]))) {
    throw badRequest(`error decoding patch: unexpected operation ${JSON.stringify(operation)}`);
  }
  const { op, path, from } = operation;
  const pointers = op === "move" || op === "copy" ? [path, from] : [path];
  for (const pointer of pointers) {
    if (typeof pointer !== "string" || (pointer !== "" && !pointer.startsWith("/"))) {
      throw badRequest(`error decoding patch: ${JSON.stringify(pointer)} is not a JSON pointer`);
    }
    if (pointer.split("/").some((part) => FORBIDDEN_PARTS.includes(part))) {
      throw badRequest(`error decoding patch: ${JSON.stringify(pointer)} is not allowed`);
    }
  }
  if (["add", "replace", "test"].includes(String(op)) && !Object.hasOwn(operation, "value")) {
    throw badRequest(`error decoding patch: operation "${op}" needs a value`);
  }
}

function cannotApply(why: string): ApiError {
  return new ApiError(
    "Invalid",
    `the server rejected our request due to an error in our request: ${why}`,
  );
}
