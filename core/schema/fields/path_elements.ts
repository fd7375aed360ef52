/**
 * Elements of a path to a field, as `fieldsV1` writes them: `f:NAME` a field, `k:{"name":"web"}` an item of a list by its
 * keys, `v:"a"` an item of a set, `i:0` an item by its place, and `.` the thing itself.
 *
 * Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
 */
export type PathElement = string;

/** The thing itself, beside the fields in it. */
export const SELF: PathElement = ".";

export function fieldElement(name: string): PathElement {
  return `f:${name}`;
}

/** Of an item that is told apart by its value. */
export function valueElement(value: unknown): PathElement {
  return `v:${goJson(value)}`;
}

/** Of an item that is told apart by keys, in the order of their names. */
export function keyElement(
  keys: readonly (readonly [name: string, value: unknown])[],
): PathElement {
  let text = "k:{";
  for (const [name, value] of keys) {
    text += `${text.length > 3 ? "," : ""}${goJson(name)}:${goJson(value)}`;
  }
  return `${text}}`;
}

/** JSON as Go writes it: it escapes what HTML would read. */
function goJson(value: unknown): string {
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, escaped);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/**
 * The element as this program writes it; `undefined` for one of a type that is not known, which counts for nothing.
 * Throws a SyntaxError for what is no element.
 */
export function canonicalElement(text: string): PathElement | undefined {
  if (text.length < 2 || text[1] !== ":") throw new SyntaxError(`not a path element: ${text}`);
  const rest = text.slice(2);
  switch (text[0]) {
    case "f":
      return text;
    case "v":
      return valueElement(JSON.parse(rest));
    case "k":
      return keyElement(keysOf(JSON.parse(rest)));
    case "i":
      if (!/^[-+]?[0-9]{1,15}$/.test(rest)) throw new SyntaxError(`not a path element: ${text}`);
      return `i:${Number(rest)}`;
    default:
      return undefined;
  }
}

function keysOf(value: unknown): [string, unknown][] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new SyntaxError("the keys of an item are an object");
  }
  return Object.entries(value).sort(([a], [b]) => compareTexts(a, b));
}

/** For people: `.name`, `[name="web"]`, `[="a"]`, `[0]`. */
export function formatElement(element: PathElement): string {
  const rest = element.slice(2);
  switch (element[0]) {
    case "f":
      return `.${rest}`;
    case "k":
      return `[${
        keysOf(JSON.parse(rest)).map(([name, value]) => `${name}=${JSON.stringify(value)}`).join()
      }]`;
    case "v":
      return `[=${JSON.stringify(JSON.parse(rest))}]`;
    default:
      return `[${rest}]`;
  }
}

export function formatPath(path: readonly PathElement[]): string {
  return path.map(formatElement).join("");
}

/** The elements in their order: itself, fields, keys, values, places; numbers by their size. */
export function sortedElements(elements: readonly PathElement[]): readonly PathElement[] {
  if (isInOrder(elements)) return elements;
  const read = elements.map((element) => ({
    element,
    rank: RANKS.indexOf(element[0]!),
    ...valuesOf(element),
  }));
  read.sort((a, b) =>
    a.rank - b.rank || compareValueLists(a.values, b.values) || compareTexts(a.element, b.element)
  );
  return read.map(({ element }) => element);
}

const RANKS = ".fkvi";

/** Fields in order, or one item: the common cases, told without reading them. */
function isInOrder(elements: readonly PathElement[]): boolean {
  for (let i = 1; i < elements.length; i++) {
    const before = elements[i - 1]!;
    if (before === SELF) continue;
    if (before[0] !== "f" || before > elements[i]!) return false;
  }
  return true;
}

/** What is compared: the names and values of keys, the value of an item of a set. Fields are compared as texts. */
function valuesOf(element: PathElement): { values: readonly unknown[] } {
  if (element[0] === "k") return { values: keysOf(JSON.parse(element.slice(2))).flat() };
  if (element[0] === "v" || element[0] === "i") return { values: [JSON.parse(element.slice(2))] };
  return { values: [] };
}

function compareValueLists(a: readonly unknown[], b: readonly unknown[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const order = compareValues(a[i], b[i]);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function compareValues(a: unknown, b: unknown): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "string" && typeof b === "string") return compareTexts(a, b);
  return typeOrder(a) - typeOrder(b);
}

function typeOrder(value: unknown): number {
  return ["number", "string", "boolean", "object"].indexOf(typeof value);
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
