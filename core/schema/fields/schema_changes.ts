import { EMPTY, type FieldSet, isEmptySet } from "./field_set.ts";
import { SELF } from "./path_elements.ts";
import { isDeduced, typeOfField, type ValueType } from "./value_type.ts";

/**
 * The set as the schema reads now: whoever had fields of what has become atomic has the whole. The same set when nothing
 * has changed.
 */
export function reconciled(type: ValueType, set: FieldSet): FieldSet {
  if (known.get(set) === type) return set;
  const next = reconciledNode(type, set);
  known.set(next, type);
  return next;
}

/** Sets that fit the type: they are asked about at each write of their object. */
const known = new WeakMap<FieldSet, ValueType>();

function reconciledNode(type: ValueType, node: FieldSet): FieldSet {
  if (isDeduced(type) || isEmptySet(node)) return node;
  const isAtomic = type.map ? type.map.isAtomic : type.list?.isAtomic;
  if (isAtomic) return EMPTY;
  let changed: Record<string, FieldSet> | undefined;
  for (const element in node) {
    if (element === SELF) continue;
    const inner = innerType(type, element);
    const next = inner && reconciledNode(inner, node[element]!);
    if (next !== undefined && next !== node[element]) {
      changed = { ...changed ?? node, [element]: next };
    }
  }
  return changed ?? node;
}

function innerType(type: ValueType, element: string): ValueType | undefined {
  if (element[0] === "f") return type.map && typeOfField(type.map, element.slice(2));
  return type.list?.items;
}
