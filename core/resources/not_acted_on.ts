import { isEqual } from "../lib/equality.ts";

/**
 * Fields that are accepted and stored, and that nothing acts on yet. The path of each, `[]` for every item of a
 * list, with the value that needs no action: a default, usually.
 */
export type NotActedOn = Readonly<Record<string, unknown>>;

/** Names each field of the table that a value sets, as one `Warning`. `field` is the path of the value. */
export type Warner = (value: unknown, field: string) => string[];

export function warnerOf(table: NotActedOn, consequence = IGNORED): Warner {
  const root: Branch = { inner: new Map() };
  for (const [path, idle] of Object.entries(table)) grow(root, path.split("."), idle);
  return (value, field) => {
    const fields: string[] = [];
    walk(root, value, field, fields);
    return fields.map((each) => notActedOnWarning(each, consequence));
  };
}

/** What is said of a field, given by its path, that nothing acts on. */
export function notActedOnWarning(field: string, consequence = IGNORED): string {
  return `${field}: not implemented in this version of Coracle; ${consequence}`;
}

const IGNORED = "it is stored but ignored";

interface Branch {
  /** By the name of a field; one that ends in `[]` stands for the items of a list. */
  readonly inner: Map<string, Branch>;
  /** There is one at the end of a path. */
  leaf?: { idle: unknown };
}

function grow(branch: Branch, [part, ...rest]: readonly string[], idle: unknown): void {
  if (part === undefined) {
    branch.leaf = { idle };
    return;
  }
  const next = branch.inner.get(part) ?? { inner: new Map() };
  branch.inner.set(part, next);
  grow(next, rest, idle);
}

/** Follows what the value has, not what the table has: most of it is not there. */
function walk(branch: Branch, value: unknown, field: string, fields: string[]): void {
  if (branch.leaf && !isEqual(value, branch.leaf.idle)) {
    fields.push(field);
  }
  if (branch.inner.size === 0 || typeof value !== "object" || value === null) return;
  for (const [name, inner] of Object.entries(value)) {
    const own = branch.inner.get(name);
    if (own) walk(own, inner, `${field}.${name}`, fields);
    const items = Array.isArray(inner) ? branch.inner.get(`${name}[]`) : undefined;
    if (!items) continue;
    for (const [i, item] of inner.entries()) walk(items, item, `${field}.${name}[${i}]`, fields);
  }
}
