import { flag } from "../http/query_parameters.ts";
import type { ApiContext } from "../http/api_context.ts";
import { invalidOption } from "./invalid_option.ts";

/** Of a name, in UTF-8. As in Kubernetes. */
const NAME_BYTES_MAX = 128;
/** What Go's `unicode.IsPrint` lets pass. */
const UNPRINTABLE = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u;

/** Who writes: `fieldManager`, or else the name of the program in the User-Agent. Throws Invalid. */
export function fieldManagerOf(c: ApiContext): string {
  return namedManager(c) || managerIn(c.req.header("user-agent") ?? "") || "unknown";
}

/** The options of a server-side apply, which has to say who it is. Throws Invalid. */
export function serverSideApplyOptions(c: ApiContext): { fieldManager: string; isForced: boolean } {
  const fieldManager = namedManager(c);
  if (!fieldManager) {
    const message = "Required value: is required for apply patch";
    throw invalidOption(c, "fieldManager", message, "FieldValueRequired");
  }
  return { fieldManager, isForced: flag((name) => c.req.query(name), "force") === true };
}

/** Refuses `force`, which is for server-side apply alone. */
export function refuseForce(c: ApiContext): void {
  if (c.req.query("force") === undefined) return;
  const message = "Forbidden: may not be specified for non-apply patch";
  throw invalidOption(c, "force", message, "FieldValueForbidden");
}

function namedManager(c: ApiContext): string {
  const name = c.req.query("fieldManager") ?? "";
  if (new TextEncoder().encode(name).length > NAME_BYTES_MAX) {
    const message = `Too long: may not be more than ${NAME_BYTES_MAX} bytes`;
    throw invalidOption(c, "fieldManager", message, "FieldValueTooLong");
  }
  const fault = UNPRINTABLE.exec(name);
  if (!fault) return name;
  const code = fault[0].codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0");
  const position = new TextEncoder().encode(name.slice(0, fault.index)).length;
  const message = `Invalid value: ${
    goQuoted(name)
  }: invalid character U+${code} (at position ${position})`;
  throw invalidOption(c, "fieldManager", message, "FieldValueInvalid");
}

const GO_ESCAPES: Readonly<Record<string, string>> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
};

/** As Go's `%q`. */
function goQuoted(text: string): string {
  const inner = Array.from(text, (character) => {
    if (character === '"' || character === "\\") return `\\${character}`;
    if (!UNPRINTABLE.test(character)) return character;
    const code = character.codePointAt(0)!;
    const hex = (digits: number) => code.toString(16).padStart(digits, "0");
    const known = GO_ESCAPES[character];
    if (known) return known;
    return code < 0x80 ? `\\x${hex(2)}` : code < 0x10000 ? `\\u${hex(4)}` : `\\U${hex(8)}`;
  });
  return `"${inner.join("")}"`;
}

/** The part of a User-Agent that names the program, as far as it can be printed and is not too long. */
function managerIn(userAgent: string): string {
  let name = "";
  let bytes = 0;
  for (const character of userAgent.split("/")[0]!) {
    if (UNPRINTABLE.test(character)) continue;
    bytes += new TextEncoder().encode(character).length;
    if (bytes > NAME_BYTES_MAX) break;
    name += character;
  }
  return name;
}
