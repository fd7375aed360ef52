import { canonicalElement, type PathElement, SELF, sortedElements } from "./path_elements.ts";

/**
 * A set of fields, in the form of `fieldsV1`: a tree of path elements. An element with nothing in it, or with `.` in it, is a
 * member; others only lead to members. Immutable: operations share what does not change. In its canonical form no
 * element has `.` alone in it, and elements are in their order.
 *
 * The operations are those of structured-merge-diff's `fieldpath.Set`.
 */
export interface FieldSet {
  readonly [element: PathElement]: FieldSet;
}

type Draft = Record<PathElement, FieldSet>;

/** As a set: no fields. As a node of one: a member with nothing in it. */
export const EMPTY: FieldSet = Object.freeze({});
const MEMBER = EMPTY;

export function isEmptySet(set: FieldSet): boolean {
  for (const _ in set) return false;
  return true;
}

/** Whether the node itself is in the set, beside what it leads to. */
export function isMember(node: FieldSet | undefined): boolean {
  return node !== undefined && (SELF in node || isEmptySet(node));
}

function hasChildren(node: FieldSet | undefined): node is FieldSet {
  for (const element in node) if (element !== SELF) return true;
  return false;
}

/** The node as a member, with what is in it. */
export function asMember(node: FieldSet | undefined): FieldSet {
  if (node === undefined) return MEMBER;
  return isMember(node) ? node : { [SELF]: MEMBER, ...node };
}

/** A node made of its parts; `undefined` when it is neither a member nor leads to one. */
function nodeOf(member: boolean, children: Draft | undefined): FieldSet | undefined {
  if (children === undefined || isEmptySet(children)) return member ? MEMBER : undefined;
  return member ? { [SELF]: MEMBER, ...children } : children;
}

/** The elements of a new node in their order. */
export function inElementOrder(node: Draft): FieldSet {
  const elements = Object.keys(node);
  const sorted = sortedElements(elements);
  if (sorted === elements) return node;
  return Object.fromEntries(sorted.map((element) => [element, node[element]!]));
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b || isEmptySet(b)) return a;
  if (isEmptySet(a)) return b;
  return unionOfNodes(a, b, false);
}

function unionOfNodes(a: FieldSet, b: FieldSet, isInner: boolean): FieldSet {
  if (a === b) return a;
  const next: Draft = {};
  if (isInner && (isMember(a) || isMember(b)) && (hasChildren(a) || hasChildren(b))) {
    next[SELF] = MEMBER;
  }
  for (const element in a) {
    if (element === SELF) continue;
    const other = b[element];
    next[element] = other === undefined ? a[element]! : unionOfNodes(a[element]!, other, true);
  }
  for (const element in b) if (!(element in a) && element !== SELF) next[element] = b[element]!;
  return inElementOrder(next);
}

/** What is in `a` and not in `b`. A member of `b` takes away itself alone, not what is in it. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  return isEmptySet(b) ? a : childrenLess(a, b, false) ?? EMPTY;
}

/** The same; a member of `b` takes away all that is in it, too. */
export function recursiveDifference(a: FieldSet, b: FieldSet): FieldSet {
  return isEmptySet(b) ? a : childrenLess(a, b, true) ?? EMPTY;
}

function childrenLess(a: FieldSet, b: FieldSet, isRecursive: boolean): FieldSet | undefined {
  let changed = false;
  const children: Draft = {};
  for (const element in a) {
    if (element === SELF) continue;
    const node = a[element]!;
    const other = b[element];
    const left = other === undefined ? node : nodeLess(node, other, isRecursive);
    if (left !== node) changed = true;
    if (left !== undefined) children[element] = left;
  }
  if (!changed) return a;
  return isEmptySet(children) ? undefined : children;
}

function nodeLess(node: FieldSet, other: FieldSet, isRecursive: boolean): FieldSet | undefined {
  const isTaken = isMember(other);
  if (isTaken && isRecursive) return undefined;
  const member = isMember(node) && !isTaken;
  if (!hasChildren(node)) return member ? node : undefined;
  const children = hasChildren(other) ? childrenLess(node, other, isRecursive) : node;
  if (children === node && member === isMember(node)) return node;
  const { [SELF]: _, ...rest } = children ?? EMPTY;
  return nodeOf(member, rest);
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  const children: Draft = {};
  for (const element in a) {
    const [node, other] = [a[element]!, b[element]];
    if (element === SELF || other === undefined) continue;
    const both = isMember(node) && isMember(other);
    const common = nodeOf(both, intersection(node, other) as Draft);
    if (common !== undefined) children[element] = common;
  }
  return children;
}

export function hasPath(set: FieldSet, path: readonly PathElement[]): boolean {
  let node: FieldSet | undefined = set;
  for (const element of path) {
    node = node[element];
    if (node === undefined) return false;
  }
  return path.length > 0 && isMember(node);
}

/** A set of one field. */
export function setOfPath(path: readonly PathElement[]): FieldSet {
  return path.toReversed().reduce<FieldSet>((node, element) => ({ [element]: node }), MEMBER);
}

/** The paths of all members: of each node the members first, then what is below. */
export function* pathsIn(
  set: FieldSet,
  above: readonly PathElement[] = [],
): Generator<readonly PathElement[]> {
  for (const element in set) {
    if (element !== SELF && isMember(set[element])) yield [...above, element];
  }
  for (const element in set) {
    if (element !== SELF) yield* pathsIn(set[element]!, [...above, element]);
  }
}

/**
 * Reads `fieldsV1` as a client may have sent it, into the canonical form. Elements of unknown types count for nothing.
 * Throws a SyntaxError for what is none.
 */
export function fieldSetFrom(value: unknown): FieldSet {
  return childrenFrom(value).children;
}

function childrenFrom(value: unknown): { children: FieldSet; isSelf: boolean } {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new SyntaxError("a set of fields is an object");
  }
  const children: Draft = {};
  let isSelf = false;
  for (const [text, inner] of Object.entries(value)) {
    if (text === SELF) {
      isSelf = true;
      continue;
    }
    const element = canonicalElement(text);
    if (element === undefined) continue;
    const read = childrenFrom(inner);
    const node = nodeOf(read.isSelf || isEmptySet(read.children), read.children as Draft);
    const known = children[element];
    children[element] = known === undefined ? node! : unionOfNodes(known, node!, true);
  }
  return { children: inElementOrder(children), isSelf };
}
