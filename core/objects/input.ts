import { check } from "../schema/check.ts";
import type { ApiError } from "../client/api_error.ts";
import { type Cause, invalid as invalidValue } from "../schema/causes.ts";
import { type AnyResource, apiVersionOf, type Reading } from "../resources/resource.ts";
import type { Schema } from "../schema/schema.ts";
import { cloneJson, isJsonObject, type JsonObject } from "../lib/json/json_value.ts";
import { badRequest, invalid } from "../client/refusals.ts";
import type { WriteOptions } from "../client/write_options.ts";

/** What a client sent, checked against the shape of its kind and with the defaults filled in. */
export interface Input {
  object: JsonObject & { metadata: JsonObject };
  /** Fields that the kind does not have; they are not in `object`. */
  unknown: string[];
  /** What is wrong with the shape; rules that rely on it may stumble. */
  causes: Cause[];
  /** What was dropped although the kind has it, and why. */
  warnings?: string[];
}

/**
 * Which parts of what was sent are read. `all but status`: a status is dropped unread, where the kind keeps that for its
 * own subresource. `status`: the status and the metadata.
 */
export type ReadParts = "all" | "all but status" | "status";

/** Reads an object of a kind. Throws BadRequest when it is none. `value` is not changed. */
export function inputFrom(
  resource: AnyResource,
  value: unknown,
  options: WriteOptions,
  parts: ReadParts,
): Input {
  const version = options.served ?? resource;
  const input = documentOf(resource, value, apiVersionOf(version));
  if (resource.hasStatus && parts === "all but status") delete input["status"];
  if (resource.reading) return customInput(resource, resource.reading, input);
  const schema = parts === "status" ? statusSchemaOf(version.schema) : version.schema;
  const { value: checked, causes, unknown } = check(schema, input);
  // A conversion may rely on the shape, so it waits until the shape is right.
  if (options.served && causes.length > 0) throw invalid(resource, nameIn(input), causes);
  const object = options.served ? cloneJson(options.served.toStored(checked)) : checked;
  return { object: withMetadata(object as JsonObject), unknown, causes };
}

/** A custom resource, in its own version. */
function customInput(
  { kind, version }: AnyResource,
  reading: Reading,
  document: JsonObject,
): Input {
  const { value, causes, unknown, warnings, fault } = reading.read(document);
  if (fault !== undefined) {
    throw badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${fault}`);
  }
  return { object: withMetadata({ ...value }), unknown, causes, ...(warnings && { warnings }) };
}

const statusSchemas = new WeakMap<Schema, Schema>();

/** What a schema says of an object of which only metadata and status are there. */
function statusSchemaOf(schema: Schema): Schema {
  const known = statusSchemas.get(schema);
  if (known) return known;
  const { apiVersion, kind, metadata, status } = schema.properties!;
  const properties = { apiVersion, kind, metadata, status } as Record<string, Schema>; // of a kind that has a status
  const made = { type: "object", properties } as const;
  statusSchemas.set(schema, made);
  return made;
}

export function nameIn(object: JsonObject): string {
  const metadata = object["metadata"];
  const name = isJsonObject(metadata) ? metadata["name"] : undefined;
  return typeof name === "string" ? name : "";
}

/** A copy with apiVersion and kind, which a client may leave out but not get wrong. */
function documentOf(resource: AnyResource, value: unknown, apiVersion: string): JsonObject {
  if (!isJsonObject(value)) {
    throw badRequest(`the object provided is unrecognized (must be of type ${resource.kind})`);
  }
  const { apiVersion: givenVersion, kind: givenKind } = value;
  if (givenKind !== undefined && givenKind !== "" && givenKind !== resource.kind) {
    if (resource.reading) throw wrongKind(resource, value);
    throw badRequest(
      `${textFor(givenKind)} in version "${
        textFor(givenVersion)
      }" cannot be handled as a ${resource.kind}: ${
        unconvertible(resource, givenKind, givenVersion)
      }`,
    );
  }
  if (givenVersion !== undefined && givenVersion !== "" && givenVersion !== apiVersion) {
    throw badRequest(
      `the API version in the data (${
        textFor(givenVersion)
      }) does not match the expected API version (${apiVersion})`,
    );
  }
  const document = { apiVersion, kind: resource.kind, metadata: {}, ...cloneJson(value) };
  return Object.assign(document, { apiVersion, kind: resource.kind });
}

/** In Go's names of types: `converting (v1.Secret) to (core.ConfigMap): unknown conversion`. */
function unconvertible(
  { group, kind }: AnyResource,
  givenKind: unknown,
  givenVersion: unknown,
): string {
  const version = textFor(givenVersion).split("/").at(-1);
  const to = `${group === "" ? "core" : group.split(".")[0]}.${kind}`;
  return `converting (${version}.${textFor(givenKind)}) to (${to}): unknown conversion`;
}

/** Of a custom resource, the kind is one more field with a rule. */
function wrongKind({ group, kind }: AnyResource, value: JsonObject): ApiError {
  const given = textFor(value["kind"]);
  const cause = invalidValue("kind", given, `must be ${kind}`);
  return invalid({ group, kind: given }, nameIn(value), [cause]);
}

/** The text for what should have been one, and may be an object that cannot even be made one (`{"toString": 1}`). */
export function textFor(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value) ?? "";
}

/** What comes of unknown fields: nothing, warnings, or (strict) a BadRequest that is thrown. */
export function warningsOf(
  { kind, version }: { kind: string; version: string },
  unknown: readonly string[],
  { fieldValidation = "Warn", bodyFaults, refuseStrictly }: WriteOptions,
): string[] {
  const isFine = unknown.length === 0 && !bodyFaults;
  if (isFine || fieldValidation === "Ignore") return [];
  const texts = bodyFaults?.(unknown, fieldValidation) ??
    unknown.map((field) => `unknown field "${field}"`);
  if (fieldValidation === "Warn") return [...texts];
  const why = `strict decoding error: ${texts.join(", ")}`;
  refuseStrictly?.(why);
  throw badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${why}`);
}

/** An object whose metadata is not one has been refused by the shape; the rest of the program may rely on it. */
function withMetadata(object: JsonObject): Input["object"] {
  const { metadata } = object;
  return { ...object, metadata: isJsonObject(metadata) ? metadata : {} };
}
