import { textOf } from "../messages/characters.ts";
import type { Scheme } from "../messages/forwarded_fields.ts";
import type { Head } from "../messages/head.ts";
import type { Redirect } from "../table/route_table.ts";
import { rewrittenTarget } from "./path_rewrite.ts";

/** The value of `Location` for a redirect of a request. `prefix`: what the route's PathPrefix is; `scheme` and `port`: of the listener. */
export function locationOf(
  redirect: Redirect,
  { prefix, ...came }: { prefix: string; scheme: Scheme; port: number },
  bytes: Uint8Array,
  head: Head,
): string {
  const host = textOf(bytes, head.hostStart, head.hostEnd);
  const target = textOf(bytes, head.pathStart, head.targetEnd).replace(/^(?![/*])/, "/");
  const scheme = redirect.scheme ?? came.scheme;
  const known = scheme === "https" ? 443 : 80;
  const toPort = redirect.port ?? (redirect.scheme === undefined ? came.port : known);
  const hostname = redirect.hostname ?? host.replace(/:\d*$/, "");
  const path = redirect.path ? rewrittenTarget(target, redirect.path, prefix) : target;
  return `${scheme}://${hostname}${toPort === known ? "" : `:${toPort}`}${path}`;
}
