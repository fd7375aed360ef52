import type { HeaderEdit, PathRewrite, Redirect, Rewrite } from "../table/route_table.ts";
import { pathAfter } from "../routing/normal_path.ts";
import { ascii, textOf } from "../messages/characters.ts";
import type { Scheme } from "../messages/forwarded_fields.ts";
import type { Head } from "../messages/head.ts";

/** Changes to a head: of its first line, of its fields. */
export interface HeadEdit {
  firstLine?: (line: string) => string;
  host?: string;
  edit?: HeaderEdit | undefined;
}

/**
 * A head with changes made, as new bytes: `remove` first, then `set`, then `add` (Gateway API, HTTPHeaderFilter).
 * Framing fields cannot be changed: what would touch them is left out. Works on text: for routes with filters only.
 */
export function editedHead(head: Uint8Array, { firstLine, host, edit }: HeadEdit): Uint8Array {
  const [first = "", ...fields] = textOf(head, 0, head.length - 4).split("\r\n");
  let lines = fields;
  if (host !== undefined) lines = [`Host: ${host}`, ...without(lines, ["host"])];
  if (edit !== undefined) {
    const set = edit.set.filter(isEditable), add = edit.add.filter(isEditable);
    const removed = edit.remove.filter((name) => isEditable({ name }));
    lines = without(lines, [...removed, ...set.map(({ name }) => name.toLowerCase())]);
    lines.push(...[...set, ...add].map(({ name, value }) => `${name}: ${oneLine(value)}`));
  }
  return ascii([firstLine ? firstLine(first) : first, ...lines, "", ""].join("\r\n"));
}

/** The edits of a request that a rewrite asks for. `prefix`: what the route's PathPrefix is. */
export function rewriteEdit({ hostname, path }: Rewrite, prefix: string): HeadEdit {
  return {
    ...(hostname === undefined ? {} : { host: hostname }),
    ...(path === undefined ? {} : {
      firstLine: (line) => {
        const [method, target = "", version] = line.split(" ");
        return `${method} ${rewrittenTarget(target, path, prefix)} ${version}`;
      },
    }),
  };
}

/** The value of `Location` for a redirect of a request. `prefix`: what the route's PathPrefix is; the rest: where it came to. */
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

/** https://gateway-api.sigs.k8s.io/reference/spec/#httppathmodifier */
function rewrittenTarget(target: string, { type, value }: PathRewrite, prefix: string): string {
  if (!target.startsWith("/")) return target; // OPTIONS *
  const queryStart = target.indexOf("?");
  const path = queryStart < 0 ? target : target.slice(0, queryStart);
  const query = queryStart < 0 ? "" : target.slice(queryStart);
  if (type === "ReplaceFullPath") return (value || "/") + query;
  const rest = pathAfter(path, prefix);
  return ((value.replace(/\/+$/, "") + rest) || "/") + query;
}

const FRAMING = new Set(["content-length", "transfer-encoding", "connection", "upgrade"]);

function isEditable({ name }: { name: string }): boolean {
  return !FRAMING.has(name.toLowerCase());
}

function without(lines: readonly string[], names: readonly string[]): string[] {
  return lines.filter((line) => !names.includes(line.slice(0, line.indexOf(":")).toLowerCase()));
}

/** A value cannot become two lines, nor hold what is no byte. */
function oneLine(value: string): string {
  return value.replace(/[^\t\x20-\x7e\x80-\xff]/g, " ");
}
