import { rewrittenTarget } from "../routing/path_rewrite.ts";
import type { HeaderEdit, Rewrite } from "../table/route_table.ts";
import { ascii, textOf } from "../messages/characters.ts";

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

const FRAMING = new Set(["content-length", "transfer-encoding", "connection", "upgrade"]);

function isEditable({ name }: { name: string }): boolean {
  return !FRAMING.has(name.toLowerCase());
}

function without(lines: readonly string[], names: readonly string[]): string[] {
  return lines.filter((line) => !names.includes(line.slice(0, line.indexOf(":")).toLowerCase()));
}

/** Keeps a value on one line, and to characters that are one byte. */
function oneLine(value: string): string {
  return value.replace(/[^\t\x20-\x7e\x80-\xff]/g, " ");
}
