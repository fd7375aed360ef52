import { ApiError } from "../../client/api_error.ts";
import {
  type DuplicateKey,
  JsonError,
  offsetsOf,
  parseJson,
  parseJsonWithDuplicates,
  Utf8Error,
} from "../../lib/json/json_text.ts";
import { isJsonObject } from "../../lib/json/json_value.ts";
import { runInTurns } from "../../lib/steps.ts";
import type { ApiContext } from "./api_context.ts";
import { PROTOBUF_TYPE, protobufDecoder } from "./protobuf.ts";

/** Nesting depth of objects. Real ones stay below 30. */
export const NESTING_MAX = 64;
/** Values in one body. The largest definitions of custom resources have some 30,000. */
export const JSON_VALUES_MAX = 50_000;
const JSON_LIMITS = { depthMax: NESTING_MAX, valuesMax: JSON_VALUES_MAX };
const JSON_TYPE = "application/json";
const YAML_TYPE = "application/yaml";

/** The media type of the body, without parameters. */
export function mediaTypeOf(c: ApiContext): string {
  return (c.req.header("content-type") ?? "").split(";")[0]!.trim().toLowerCase();
}

/** Reads the object that a request carries: JSON, YAML or protobuf. Throws BadRequest or UnsupportedMediaType. */
export async function objectOf(c: ApiContext): Promise<unknown> {
  const { value, bodyFaults } = await documentOf(c);
  if (bodyFaults) reportFaults(c, bodyFaults);
  return value;
}

/** What is wrong with a text, in its order, with the fields that the kind does not have: `unknown field "spec.x"`. */
type BodyFaults = (unknown: readonly string[], mode: "Warn" | "Strict") => readonly string[];

/** The same, for those who tell of unknown fields and of what is wrong with the text together. */
export async function documentOf(
  c: ApiContext,
): Promise<{ value: unknown; bodyFaults?: BodyFaults }> {
  const type = mediaTypeOf(c) || JSON_TYPE;
  if (![JSON_TYPE, YAML_TYPE, PROTOBUF_TYPE].includes(type)) {
    throw unsupported([JSON_TYPE, YAML_TYPE, PROTOBUF_TYPE]);
  }
  const bytes = await c.get("readBody")();
  if (type === PROTOBUF_TYPE) return { value: (await protobufDecoder()).decode(bytes) };
  if (type === YAML_TYPE) return await yamlDocumentOf(c, bytes);
  const { value, duplicates } = decoded(() => parseJsonWithDuplicates(bytes, JSON_LIMITS));
  if (duplicates.length === 0) return { value };
  return { value, bodyFaults: (unknown) => faultsInOrder(bytes, duplicates, unknown) };
}

const YAML_DUPLICATES_MAX = 100;

/** Duplicate keys come before unknown fields, which are in the order of their names, as Go writes YAML as JSON. */
async function yamlDocumentOf(
  c: ApiContext,
  bytes: Uint8Array,
): Promise<{ value: unknown; bodyFaults?: BodyFaults }> {
  const duplicates: string[] = [];
  const onDuplicate = (key: string, line: number) => {
    if (duplicates.length >= YAML_DUPLICATES_MAX) return;
    duplicates.push(`line ${line}: key ${JSON.stringify(key)} already set in map`);
  };
  const read = () => yamlOf(bytes, onDuplicate);
  const value = await c.get("readInTurn")(bytes, read);
  if (duplicates.length === 0) return { value };
  const bodyFaults: BodyFaults = (unknown, mode) => [
    ...(mode === "Strict" ? [`yaml: unmarshal errors:\n  ${duplicates.join("\n  ")}`] : duplicates),
    ...unknown.toSorted().map((path) => `unknown field "${path}"`),
  ];
  return { value, bodyFaults };
}

/** As kube-apiserver meets them: where a key is for the second time, or for the first and not known. */
function faultsInOrder(
  bytes: Uint8Array,
  duplicates: readonly DuplicateKey[],
  unknown: readonly string[],
): readonly string[] {
  const paths = new Set(unknown);
  const text = new TextDecoder().decode(bytes);
  const offsets = paths.size > 0 ? offsetsOf(text, paths, JSON_LIMITS) : new Map();
  const faults = [
    ...duplicates.filter(({ path }) => !paths.has(path)).map(({ path, offset }) => ({
      text: `duplicate field ${JSON.stringify(path)}`,
      offset,
    })),
    ...unknown.map((path) => ({
      text: `unknown field "${path}"`,
      offset: offsets.get(path) ?? Infinity,
    })),
  ];
  return faults.toSorted((a, b) => a.offset - b.offset).map(({ text }) => text);
}

/** Reads the object of a server-side apply: YAML, or JSON, which is YAML too. Throws BadRequest. */
export async function appliedObjectOf(c: ApiContext): Promise<unknown> {
  const bytes = await c.get("readBody")();
  if (bytes.length === 0) return {};
  if (bytes[0] === OPENING_BRACE) return jsonOf(bytes);
  const { value, bodyFaults } = await yamlDocumentOf(c, bytes).catch((error) => {
    if (!(error instanceof ApiError) || !error.message.startsWith(UNDECODABLE)) throw error;
    const why = error.message.slice(UNDECODABLE.length);
    throw new ApiError(
      "BadRequest",
      `error decoding YAML: error converting YAML to JSON: yaml: ${why}`,
    );
  });
  if (bodyFaults) {
    reportFaults(c, bodyFaults, "error strict decoding YAML: error converting YAML to JSON: ");
  }
  return value;
}

const UNDECODABLE = "unable to decode the body of the request: ";
/** The first byte of an object in JSON. */
const OPENING_BRACE = "{".charCodeAt(0);

/** The same for an optional body, such as DeleteOptions. */
export async function optionalObjectOf(c: ApiContext): Promise<unknown> {
  const bytes = await c.get("readBody")();
  if (bytes.length === 0) return {};
  c.set("readBody", () => Promise.resolve(bytes));
  return await objectOf(c);
}

/** The last of several equal keys wins; the client is warned as by kube-apiserver. */
function reportFaults(
  c: ApiContext,
  bodyFaults: BodyFaults,
  refusal = "strict decoding error: ",
): void {
  const wanted = c.req.query("fieldValidation");
  if (wanted === "Ignore") return;
  if (wanted !== "Strict") return void c.get("warnings").push(...bodyFaults([], "Warn"));
  throw new ApiError("BadRequest", `${refusal}${bodyFaults([], "Strict").join(", ")}`);
}

/** The JSON of a patch, and what is wrong with its text. Throws BadRequest. */
export function patchDocumentOf(bytes: Uint8Array): { value: unknown; bodyFaults?: BodyFaults } {
  const { value, duplicates } = decoded(() => parseJsonWithDuplicates(bytes, JSON_LIMITS));
  const own = [
    ...duplicates.map(({ path }) => `duplicate field ${JSON.stringify(path)}`),
    ...unknownOperationFields(value),
  ];
  if (own.length === 0) return { value };
  const bodyFaults: BodyFaults = (unknown) => [
    ...own,
    ...unknown.map((path) => `unknown field "${path}"`),
  ];
  return { value, bodyFaults };
}

const OPERATION_FIELDS = ["op", "path", "from", "value"];

/** Of a JSON patch, which is a list of operations. */
function unknownOperationFields(patch: unknown): string[] {
  if (!Array.isArray(patch)) return [];
  return patch.flatMap((operation, i) =>
    isJsonObject(operation)
      ? Object.keys(operation).filter((name) => !OPERATION_FIELDS.includes(name))
        .map((name) => `json patch unknown field ${JSON.stringify(`[${i}].${name}`)}`)
      : []
  ).slice(0, FAULTS_MAX);
}
const FAULTS_MAX = 100;

export function unsupported(types: readonly string[]): ApiError {
  return new ApiError(
    "UnsupportedMediaType",
    `the body of the request was in an unknown format - accepted media types include: ${
      types.join(", ")
    }`,
  );
}

/** Parses JSON. Throws BadRequest for what is not UTF-8, not JSON, or nested too deep. */
export function jsonOf(bytes: Uint8Array): unknown {
  return decoded(() => parseJson(bytes, JSON_LIMITS));
}

function decoded<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof JsonError || error instanceof Utf8Error) throw undecodable(error.message);
    throw error;
  }
}

/** The YAML parser is loaded at its first use. */
async function yamlOf(
  bytes: Uint8Array,
  onDuplicate: (key: string, line: number) => void,
): Promise<unknown> {
  const { ManifestError, objectFromYaml } = await import("../../manifest/manifest.ts");
  try {
    return await runInTurns(objectFromYaml(bytes, { depthMax: NESTING_MAX, onDuplicate }));
  } catch (error) {
    if (error instanceof ManifestError) throw undecodable(error.message);
    throw error;
  }
}

function undecodable(why: string): ApiError {
  return new ApiError("BadRequest", `${UNDECODABLE}${why}`);
}
