import { ownField } from "../../lib/own_field.ts";
import { ApiError } from "../../client/api_error.ts";
import { isJsonObject } from "../../lib/json/json_value.ts";
import { badRequest } from "../../client/refusals.ts";
import { undecodable } from "./patch_refusals.ts";
import { DocumentError, JsonDocument } from "./json_document.ts";

/** As in kube-apiserver. */
export const JSON_PATCH_OPERATIONS_MAX = 10_000;
const OPERATIONS = ["add", "remove", "replace", "move", "copy", "test"] as const;
/** The one name that leads out of a document, to what all objects share. */
const FORBIDDEN_PART = "__proto__";

type Operation =
  | { op: "add" | "replace" | "test"; path: string; value: unknown }
  | { op: "remove"; path: string }
  | { op: "move" | "copy"; path: string; from: string };

/**
 * Applies a JSON patch to a copy of a document: all operations, or an {@linkcode ApiError}. It ends with the first
 * operation that fails, and what it makes is bounded however the operations multiply: see {@linkcode JsonDocument}.
 *
 * https://www.rfc-editor.org/rfc/rfc6902
 */
export function jsonPatch(target: unknown, patch: unknown): unknown {
  const operations = operationsFrom(patch);
  try {
    const document = new JsonDocument(target);
    for (const operation of operations) perform(document, operation);
    return document.end();
  } catch (error) {
    if (error instanceof DocumentError) throw cannotApply(error.message);
    throw error;
  }
}

function perform(document: JsonDocument, operation: Operation): void {
  switch (operation.op) {
    case "add":
      return document.add(partsOf(operation.path), operation.value);
    case "remove":
      return void document.remove(partsOf(operation.path));
    case "replace":
      return document.replace(partsOf(operation.path), operation.value);
    case "move":
      return document.move(partsOf(operation.from), partsOf(operation.path));
    case "copy":
      return document.copy(partsOf(operation.from), partsOf(operation.path));
    case "test":
      return document.test(partsOf(operation.path), operation.value);
  }
}

/** https://www.rfc-editor.org/rfc/rfc6901#section-4 */
function partsOf(pointer: string): readonly string[] {
  return pointer.split("/").slice(1).map((part) =>
    part.replaceAll("~1", "/").replaceAll("~0", "~")
  );
}

function operationsFrom(patch: unknown): Operation[] {
  if (!Array.isArray(patch)) {
    throw undecodable(patch, "[]handlers.jsonPatchOp");
  }
  if (patch.length > JSON_PATCH_OPERATIONS_MAX) {
    const most = `The allowed maximum operations in a JSON patch is ${JSON_PATCH_OPERATIONS_MAX}`;
    throw new ApiError("RequestEntityTooLarge", `${most}, got ${patch.length}`);
  }
  for (const operation of patch) refuseBroken(operation);
  return patch as Operation[]; // each was just checked
}

function refuseBroken(operation: unknown): void {
  if (!isJsonObject(operation)) throw undecodable(operation, "handlers.jsonPatchOp");
  if (!OPERATIONS.some((op) => op === ownField(operation, "op"))) {
    throw cannotApply(`unexpected operation ${shown(operation)}`);
  }
  const op = operation["op"];
  const pointers = op === "move" || op === "copy" ? ["path", "from"] : ["path"];
  for (const name of pointers) {
    const pointer = ownField(operation, name);
    if (typeof pointer !== "string" || (pointer !== "" && !pointer.startsWith("/"))) {
      throw badRequest(`error decoding patch: ${shown(pointer)} is not a JSON pointer`);
    }
    if (pointer.split("/").includes(FORBIDDEN_PART)) {
      throw badRequest(`error decoding patch: ${shown(pointer)} is not allowed`);
    }
  }
  const needsValue = op === "add" || op === "replace" || op === "test";
  if (needsValue && !Object.hasOwn(operation, "value")) {
    throw badRequest(`error decoding patch: operation "${op}" needs a value`);
  }
}

/** A refusal must not repeat a megabyte. */
const SHOWN_CHARS_MAX = 1024;

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "undefined";
  return text.length <= SHOWN_CHARS_MAX ? text : `${text.slice(0, SHOWN_CHARS_MAX)}...`;
}

/** kube-apiserver does not tell why; here it is the cause of the error, for those who read the code's errors. */
function cannotApply(why: string): ApiError {
  const message = "the server rejected our request due to an error in our request";
  const error = new ApiError("Invalid", message);
  error.cause = why;
  return error;
}
