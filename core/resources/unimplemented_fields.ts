import { isEqual } from "../lib/equality.ts";

/**
 * Fields that are accepted and stored, but not implemented yet. The path of each, `[]` for every item of a
 * list, with the value that needs no action: a default, usually.
 */
export type UnimplementedFields = Readonly<Record<string, unknown>>;

/** Gives a `Warning` for each field of the table that a value sets. `field` is the path of the value. */
export type Warner = (value: unknown, field: string) => string[];

/** `consequences`: what comes of the fields, by their paths in the table; `it is stored but ignored` by default. */
export function warnerOf(
  table: UnimplementedFields,
  consequences: string | Readonly<Record<string, string>> = {},
): Warner {
  const consequenceOf = (path: string) =>
    typeof consequences === "string" ? consequences : consequences[path];
  const find = finderOf(
    Object.entries(table).map(([path, idle]) => [path, (value) => !isEqual(value, idle)]),
  );
  return (value, field) =>
    find(value, field).map((each) => unimplementedWarning(each.field, consequenceOf(each.path)));
}

/** The warning about a field, given by its path, that is not implemented. */
export function unimplementedWarning(field: string, consequence = IGNORED): string {
  return `${field}: not implemented in this version of Coracle; ${consequence}`;
}

/**
 * The warning about a kind of which objects are kept, but on which nobody acts; `consequence` says what does not
 * happen. Said when one is created.
 */
export function storedOnlyWarnings(
  kind: string,
  previous: unknown,
  consequence = "it is stored, but no controller acts on it",
): string[] {
  return previous === undefined ? [unimplementedWarning(kind, consequence)] : [];
}

const IGNORED = "it is stored but ignored";

/** A field that is set, and to what. */
export interface SetField {
  field: string;
  /** As the table has it. */
  path: string;
  value: unknown;
}

/** Finds the fields of a value, at `field`, that are set to what the table looks for. In the order of the value. */
export type Finder = (value: unknown, field: string) => SetField[];

/** Each path of a table, `[]` for every item of a list, with the values that are looked for there. */
export function finderOf(table: Iterable<[path: string, isWanted: Wanted]>): Finder {
  const root: Branch = { inner: new Map() };
  for (const [path, isWanted] of table) grow(root, path.split("."), { path, isWanted });
  return (value, field) => {
    const found: SetField[] = [];
    walk(root, value, field, found);
    return found;
  };
}

type Wanted = (value: unknown) => boolean;

interface Branch {
  /** By the name of a field; one that ends in `[]` stands for the items of a list. */
  readonly inner: Map<string, Branch>;
  /** There is one at the end of a path. */
  leaf?: { path: string; isWanted: Wanted };
}

function grow(
  branch: Branch,
  [part, ...rest]: readonly string[],
  leaf: NonNullable<Branch["leaf"]>,
): void {
  if (part === undefined) {
    branch.leaf = leaf;
    return;
  }
  const next = branch.inner.get(part) ?? { inner: new Map() };
  branch.inner.set(part, next);
  grow(next, rest, leaf);
}

/** Follows what the value has, not what the table has: most of it is not there. */
function walk(branch: Branch, value: unknown, field: string, found: SetField[]): void {
  if (branch.leaf?.isWanted(value)) found.push({ field, path: branch.leaf.path, value });
  if (branch.inner.size === 0 || typeof value !== "object" || value === null) return;
  for (const [name, inner] of Object.entries(value)) {
    const own = branch.inner.get(name);
    if (own) walk(own, inner, `${field}.${name}`, found);
    const items = Array.isArray(inner) ? branch.inner.get(`${name}[]`) : undefined;
    if (!items) continue;
    for (const [i, item] of inner.entries()) walk(items, item, `${field}.${name}[${i}]`, found);
  }
}
