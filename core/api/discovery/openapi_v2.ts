import type { Descriptor } from "../http/protobuf.ts";
import { pathsOf } from "./openapi_paths.ts";
import { type Json, OpenapiSchemas } from "./openapi_schemas.ts";
import type { ServedKind } from "./served_kinds.ts";

/** The texts of what one group and version defines, by name. */
interface Part {
  kinds: readonly ServedKind[];
  definitions: ReadonlyMap<string, string>;
  paths: ReadonlyMap<string, string>;
}

/** OpenAPI v2 of all kinds; what was made of kinds that stay is not made again. */
export class V2Parts {
  #made: readonly Part[] = [];

  /** The whole document. `groups`: the kinds of each group and version. */
  text(info: Json, groups: readonly (readonly ServedKind[])[], descriptor: Descriptor): string {
    this.#made = groups.map((kinds) =>
      this.#made.find((part) => isSame(part.kinds, kinds)) ?? partOf(kinds, descriptor)
    );
    const definitions = new Map(this.#made.flatMap((part) => [...part.definitions]));
    const paths = new Map(this.#made.flatMap((part) => [...part.paths]));
    return `{"swagger":"2.0","info":${JSON.stringify(info)},"paths":${objectOf(paths)},` +
      `"definitions":${objectOf(definitions)}}`;
  }
}

function isSame(a: readonly ServedKind[], b: readonly ServedKind[]): boolean {
  return a.length === b.length && a.every((kind, i) => kind === b[i]);
}

function objectOf(texts: ReadonlyMap<string, string>): string {
  return `{${[...texts].map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(",")}}`;
}

function partOf(kinds: readonly ServedKind[], descriptor: Descriptor): Part {
  const schemas = new OpenapiSchemas(descriptor, { isV2: true });
  const paths = Object.assign({}, ...kinds.map((kind) => pathsOf(kind, schemas.add(kind)))) as Json;
  return {
    kinds,
    definitions: textsOf(schemas.components, schemaV2),
    paths: textsOf(paths, pathV2),
  };
}

function textsOf(values: Json, convert: (value: Json) => unknown): Map<string, string> {
  return new Map(
    Object.entries(values).map(([name, value]) => [name, JSON.stringify(convert(value as Json))]),
  );
}

/** References stand alone, without alternatives and defaults. */
function schemaV2(schema: Json): unknown {
  const converted: Json = {};
  for (const [word, value] of Object.entries(schema)) {
    if (word === "allOf") Object.assign(converted, referenceIn(value as readonly Json[]));
    else if (word === "properties") converted[word] = mapped(value as Json);
    else if (word === "items" || word === "additionalProperties") {
      converted[word] = schemaV2(value as Json);
    } else if (word === "oneOf") converted["type"] = "string"; // an amount, or a number or text
    else if (word !== "default") converted[word] = value;
  }
  return converted;
}

function mapped(schemas: Json): Json {
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [name, schemaV2(schema as Json)]),
  );
}

function referenceIn([first]: readonly Json[]): Json {
  return { $ref: inDefinitions(first!["$ref"]) };
}

function inDefinitions(reference: unknown): string {
  return String(reference).replace("#/components/schemas/", "#/definitions/");
}

const PRODUCES = ["application/json", "application/yaml"];

function pathV2({ parameters, ...operations }: Json): Json {
  return {
    ...Object.fromEntries(
      Object.entries(operations).map(([method, operation]) => [
        method,
        operationV2(operation as Json),
      ]),
    ),
    ...(parameters ? { parameters: (parameters as readonly Json[]).map(parameterV2) } : {}),
  };
}

function operationV2({ parameters, requestBody, responses, ...rest }: Json): Json {
  const body = requestBody
    ? [{ name: "body", in: "body", required: true, schema: contentOf(requestBody as Json) }]
    : [];
  return {
    ...rest,
    consumes: ["*/*"],
    produces: PRODUCES,
    parameters: [...body, ...(parameters as readonly Json[]).map(parameterV2)],
    responses: Object.fromEntries(
      Object.entries(responses as Json).map(([code, response]) => [code, {
        description: "OK",
        schema: contentOf(response as Json),
      }]),
    ),
  };
}

/** The schema of what is sent or answered. */
function contentOf({ content }: Json): unknown {
  const { schema } = (content as Record<string, { schema: Json }>)["application/json"]!;
  return { $ref: inDefinitions(schema["$ref"]) };
}

function parameterV2({ schema, ...parameter }: Json): Json {
  return { ...parameter, ...(schema as Json) };
}
