import { ApiError } from "../client/api_error.ts";
import type { ApiContext } from "./api_context.ts";
import { PROTOBUF_TYPE, protobufDecoder } from "./protobuf.ts";

/** Objects within objects. Real ones stay below 30. */
export const NESTING_MAX = 64;
const JSON_TYPE = "application/json";
const YAML_TYPE = "application/yaml";
const utf8 = new TextDecoder("utf-8", { fatal: true });

/** The media type of the body, without parameters. */
export function mediaTypeOf(c: ApiContext): string {
  return (c.req.header("content-type") ?? "").split(";")[0]!.trim().toLowerCase();
}

/** Reads the object that a request carries: JSON, YAML or protobuf. Throws BadRequest or UnsupportedMediaType. */
export async function objectOf(c: ApiContext): Promise<unknown> {
  const type = mediaTypeOf(c) || JSON_TYPE;
  if (![JSON_TYPE, YAML_TYPE, PROTOBUF_TYPE].includes(type)) {
    throw unsupported([JSON_TYPE, YAML_TYPE, PROTOBUF_TYPE]);
  }
  const bytes = await c.get("readBody")();
  if (type === PROTOBUF_TYPE) return (await protobufDecoder()).decode(bytes);
  return type === YAML_TYPE ? await yamlOf(bytes) : jsonOf(bytes);
}

/** The same for a body that may be left out, such as DeleteOptions. */
export async function optionalObjectOf(c: ApiContext): Promise<unknown> {
  const bytes = await c.get("readBody")();
  if (bytes.length === 0) return {};
  c.set("readBody", () => Promise.resolve(bytes));
  return await objectOf(c);
}

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
  const text = textOf(bytes);
  if (nestingOf(text) > NESTING_MAX) throw tooDeep();
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ApiError(
      "BadRequest",
      `unable to decode the request body: ${(error as Error).message}`,
    );
  }
}

/** Reads UTF-8. Throws BadRequest. */
export function textOf(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new ApiError("BadRequest", "unable to decode the request body: it is not valid UTF-8");
  }
}

export function tooDeep(): ApiError {
  return new ApiError(
    "BadRequest",
    `unable to decode the request body: nested more than ${NESTING_MAX} levels deep`,
  );
}

async function yamlOf(bytes: Uint8Array): Promise<unknown> {
  const { objectFromYaml } = await import("../resources/manifest.ts");
  return objectFromYaml(textOf(bytes));
}

/** How deep brackets are nested outside of strings. */
function nestingOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) deepest = Math.max(deepest, ++depth);
    else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) depth--;
  }
  return deepest;
}
const [QUOTE, BACKSLASH] = [0x22, 0x5c];
const [OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [0x7b, 0x7d, 0x5b, 0x5d];

/** Index of the quote that ends the string which starts at `at`. */
function endOfString(text: string, at: number): number {
  for (let end = text.indexOf('"', at + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return end;
  }
  return text.length;
}
