import { isJsonObject, type JsonObject } from "../../lib/json/json_value.ts";
import { elementOf, UnidentifiedItem } from "./list_items.ts";
import { fieldElement, formatElement, formatPath, type PathElement } from "./path_elements.ts";
import { formOf, type ListType, type MapType, type ValueType } from "./value_type.ts";

/** Faults that are named: a client that sends thousands has sent something else. */
const FAULTS_MAX = 100;

/**
 * Why the value is none of the type, in the words of structured-merge-diff: `.spec.nope: field not declared in schema`.
 * None: it is one. `allowsDuplicates`: lists may have several items under the same keys, as stored objects do.
 */
export function typingFaults(
  type: ValueType,
  value: unknown,
  { allowsDuplicates = false }: { allowsDuplicates?: boolean } = {},
): readonly string[] {
  const faults: string[] = [];
  new Typing(allowsDuplicates, faults).look(type, value);
  return faults;
}

/** All faults as one text. */
export function formatFaults(faults: readonly string[]): string {
  return faults.length === 1
    ? faults[0]!
    : ["errors:", ...faults.map((fault) => `  ${fault}`)].join("\n");
}

class Typing {
  readonly #allowsDuplicates: boolean;
  readonly #faults: string[];
  readonly #path: PathElement[] = [];

  constructor(allowsDuplicates: boolean, faults: string[]) {
    this.#allowsDuplicates = allowsDuplicates;
    this.#faults = faults;
  }

  look(type: ValueType, value: unknown): void {
    if (value === null || this.#faults.length >= FAULTS_MAX) return;
    switch (formOf(type, value)) {
      case "map":
        if (isJsonObject(value)) this.#lookInMap(type.map!, value);
        else this.#add(`expected map, got ${formatValue(value)}`);
        break;
      case "list":
        if (Array.isArray(value)) this.#lookInList(type.list!, value);
        else this.#add(`expected list, got ${formatValue(value)}`);
        break;
      case "scalar":
        this.#lookAtScalar(type, value);
    }
  }

  #lookInMap(map: MapType, value: JsonObject): void {
    for (const name of Object.keys(value)) {
      const field = map.fields.get(name);
      const type = field?.type ?? map.others;
      this.#path.push(field?.element ?? fieldElement(name));
      if (type) this.look(type, value[name]);
      else this.#add("field not declared in schema");
      this.#path.pop();
      if (!type) return;
    }
  }

  #lookInList(list: ListType, items: readonly unknown[]): void {
    const seen = new Set<PathElement>();
    for (let i = 0; i < items.length; i++) {
      const element = list.isAtomic ? `i:${i}` : this.#elementOf(list, items[i], i);
      if (element === undefined) return;
      if (seen.has(element) && !this.#allowsDuplicates) {
        this.#add(`duplicate entries for key ${formatElement(element)}`);
      }
      seen.add(element);
      this.#path.push(element);
      this.look(list.items, items[i]);
      this.#path.pop();
    }
  }

  #elementOf(list: ListType, item: unknown, i: number): PathElement | undefined {
    try {
      return elementOf(list, item);
    } catch (error) {
      if (!(error instanceof UnidentifiedItem)) throw error;
      this.#add(`element ${i}: ${error.message}`);
      return undefined;
    }
  }

  #lookAtScalar({ scalar }: ValueType, value: unknown): void {
    const kind = typeof value;
    if (scalar === "numeric" && kind !== "number") {
      this.#add(`expected numeric (int or float), got ${goTypeOf(value)}`);
    } else if (scalar === "string" && kind !== "string") {
      this.#add(`expected string, got &value.valueUnstructured{Value:${formatGo(value)}}`);
    } else if (scalar === "boolean" && kind !== "boolean") {
      this.#add(`expected boolean, got ${formatValue(value)}`);
    } else if (kind === "object") {
      this.#add(`expected any scalar, got ${formatValue(value)}`);
    }
  }

  #add(message: string): void {
    const path = formatPath(this.#path);
    this.#faults.push(path === "" ? message : `${path}: ${message}`);
  }
}

function goTypeOf(value: unknown): string {
  if (Array.isArray(value)) return "[]interface {}";
  switch (typeof value) {
    case "number":
      return Number.isInteger(value) ? "int64" : "float64";
    case "boolean":
      return "bool";
    case "string":
      return "string";
    default:
      return "map[string]interface {}";
  }
}

/** As Go's `%#v`. */
function formatGo(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value)) return `[]interface {}{${value.map(formatGo).join(", ")}}`;
  const fields = Object.keys(value).sort().map((name) =>
    `${JSON.stringify(name)}:${formatGo((value as JsonObject)[name])}`
  );
  return `map[string]interface {}{${fields.join(", ")}}`;
}

/** As Go's `%v` of a value of structured-merge-diff: what stands in it is held by pointers. */
function formatValue(value: unknown): string {
  return `&{${formatPlain(value)}}`;
}

function formatPlain(value: unknown): string {
  if (value === null) return "<nil>";
  if (typeof value !== "object") return String(value);
  if (Array.isArray(value)) return `[${value.map(formatPlain).join(" ")}]`;
  const fields = Object.keys(value).sort().map((name) =>
    `${name}:${formatPlain((value as JsonObject)[name])}`
  );
  return `map[${fields.join(" ")}]`;
}
