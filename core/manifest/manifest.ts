import { isJsonObject } from "../lib/json/json_value.ts";
import {
  decodeUtf8,
  JsonError,
  JsonLimitError,
  parseSlice,
  scanJson,
  Utf8Error,
} from "../lib/json/json_text.ts";
import { runAtOnce, type Steps } from "../lib/steps.ts";
import {
  keySetTwice,
  ManifestError,
  Places,
  type Position,
  positionIn,
} from "./manifest_position.ts";
import { JsonPlaces } from "./manifest_json.ts";
import { type Extent, readYaml, type TokenBudget, type YamlTree } from "./manifest_yaml.ts";

export { ManifestError, type Position } from "./manifest_position.ts";

/** One object of a stream of manifests. */
export interface Manifest {
  readonly value: Record<string, unknown>;
  /** Where the object starts. */
  readonly position: Position;
  /**
   * Where the field at `path` is (as causes and unknown fields name it, e.g. `spec.containers[0].name`);
   * when it does not exist, where the nearest object around it is.
   */
  at(path: string): Position;
  /** Prepares {@linkcode Manifest.at} in steps. Without it, `at` parses in one go, which can take long. */
  locate(): Steps<void>;
}

export interface ManifestLimits {
  /** Size of the whole stream. */
  bytesMax: number;
  /** How many arrays and objects may be nested. */
  depthMax: number;
  /** How many objects there may be; the items of a list count one by one. */
  documentsMax: number;
  /** How many values all JSON documents may have together. */
  valuesMax: number;
  /** How many values the aliases (`*name`) of one document may add: a limit against alias bombs. */
  aliasedValuesMax: number;
  /** How many YAML tokens one document may have; each takes time and memory while it is parsed. */
  tokensMax: number;
  /** The same, of all documents together. */
  tokensOfAllMax: number;
}

export const MANIFEST_LIMITS: ManifestLimits = {
  bytesMax: 3 * 1024 * 1024, // the limit of kube-apiserver for a body
  depthMax: 64,
  documentsMax: 1000,
  valuesMax: 50_000,
  aliasedValuesMax: 10_000,
  tokensMax: 100_000, // some 12,000 lines; they take up to 15 MB while they are read
  tokensOfAllMax: 400_000,
};

/**
 * Reads a stream of manifests as kubectl does: YAML documents, JSON documents (also one after the other),
 * lists unpacked, empty documents skipped.
 *
 * YAML is read as by sigs.k8s.io/yaml, so that real manifests mean what they mean there: it is YAML 1.1 in
 * that `yes`, `no`, `on`, `off`, `y` and `n` are booleans, `0644` is an octal number and `<<` merges; times
 * stay texts, and so do numbers in base 60. Unlike there, a key that occurs twice is always refused, and
 * so are tags other than those of JSON's types.
 *
 * Throws {@linkcode ManifestError}, and nothing else, for the first fault, with its line and column.
 */
export function parseManifests(
  source: Uint8Array | string,
  limits: Partial<ManifestLimits> = {},
): Manifest[] {
  return runAtOnce(readManifests(source, limits));
}

/** The same, in steps. */
export function* readManifests(
  source: Uint8Array | string,
  limits: Partial<ManifestLimits> = {},
): Steps<Manifest[]> {
  const all = { ...MANIFEST_LIMITS, ...limits };
  const stream = streamOf(textOf(source, all), all);
  const manifests: Manifest[] = [];
  for (const extent of documentsIn(stream.text)) {
    for (const document of yield* documentsOf(stream, extent)) {
      for (const manifest of unpacked(stream, document)) {
        if (manifests.length >= all.documentsMax) {
          throw new ManifestError(`more than ${all.documentsMax} documents`, manifest.position);
        }
        manifests.push(manifest);
      }
    }
    yield;
  }
  return manifests;
}

/**
 * One object, e.g. the body of a request in YAML, in steps. Throws {@linkcode ManifestError}, also when there
 * are none or several.
 */
export function* objectFromYaml(
  source: Uint8Array | string,
  { onDuplicate, ...limits }:
    & Partial<ManifestLimits>
    & { onDuplicate?: (key: string, line: number) => void } = {},
): Steps<Record<string, unknown>> {
  const all = { ...MANIFEST_LIMITS, ...limits, onDuplicate };
  const text = textOf(source, all);
  const tree = yield* readYaml(text, [0, text.length], all);
  if (isJsonObject(tree.value)) return tree.value;
  throw new ManifestError("expected an object", positionIn(text, 0));
}

/** Finding a position in so much JSON is a step of its own. */
const LARGE_CHARS = 64 * 1024;

/** What the documents of one text share. */
interface Stream {
  text: string;
  limits: ManifestLimits;
  places: Places;
  json: JsonPlaces;
  budget: TokenBudget;
  /** Only the last tree is kept: errors come document by document, and all trees together would fill the memory. */
  located: { document: Document; tree: YamlTree } | undefined;
}

function streamOf(text: string, limits: ManifestLimits): Stream {
  const budget = { left: limits.tokensOfAllMax, of: limits.tokensOfAllMax };
  const json = new JsonPlaces(text);
  return { text, limits, places: new Places(text), json, budget, located: undefined };
}

function textOf(source: Uint8Array | string, { bytesMax }: ManifestLimits): string {
  if (source.length > bytesMax) {
    throw new ManifestError(`larger than ${bytesMax} bytes`, { line: 1, column: 1 });
  }
  if (typeof source === "string") return source.replace(/^\ufeff/, "");
  try {
    return decodeUtf8(source);
  } catch (error) {
    if (!(error instanceof Utf8Error)) throw error;
    const before = new TextDecoder().decode(source.subarray(0, error.offset));
    throw new ManifestError("invalid UTF-8", positionIn(before, before.length));
  }
}

/** The extents of the documents of a YAML stream. `---` and `...` at the start of a line always end one. */
function* documentsIn(text: string): Generator<Extent> {
  let start = 0;
  for (const match of text.matchAll(/^(---|\.\.\.)(?=[ \t\r\n]|$)/gm)) {
    yield [start, match.index];
    start = match[1] === "---" ? match.index : match.index + 3;
  }
  yield [start, text.length];
}

/** A value with the means to find its positions. */
interface Document {
  value: unknown;
  extent: Extent;
  start: number;
  isJson: boolean;
}

function* documentsOf(stream: Stream, extent: Extent): Steps<Document[]> {
  const { text, limits, budget } = stream;
  const [start, end] = withoutMarker(text, extent);
  if (start === end) return [];
  const json = text[start] === "{" || text[start] === "["
    ? jsonDocumentsOf(text, [start, end], limits)
    : undefined;
  if (json) return json;
  const { value } = yield* readYaml(text, extent, limits, budget);
  return [{ value, extent, start, isJson: false }];
}

/** The part of a document after `---`, white space and comments. */
function withoutMarker(text: string, [start, end]: Extent): Extent {
  const filling = /(?:^---(?=[ \t\r\n]|$))?(?:[ \t\r\n]|#.*)*/y;
  filling.lastIndex = 0;
  const length = filling.exec(text.slice(start, end))?.[0].length ?? 0;
  return [start + length, end];
}

/**
 * JSON values that follow each other; `undefined` when the first is not JSON, e.g. YAML in braces: then the YAML reader
 * reports what is wrong.
 */
function jsonDocumentsOf(text: string, [start, end]: Extent, limits: ManifestLimits):
  | Document[]
  | undefined {
  const documents: Document[] = [];
  const part = text.slice(start, end);
  let at = 0;
  let { valuesMax } = limits;
  try {
    while (at < part.length) {
      const extent = scanJson(part, at, { ...limits, valuesMax, allowingDuplicates: true });
      valuesMax -= extent.values;
      const value = parseSlice(part, extent.start, extent.end);
      const [duplicate] = extent.duplicates;
      if (duplicate) throw keySetTwice(duplicate.key, positionIn(text, start + duplicate.offset));
      const range: Extent = [start + extent.start, start + extent.end];
      documents.push({ value, extent: range, start: range[0], isJson: true });
      at = extent.end + /^[ \t\r\n]*/.exec(part.slice(extent.end, extent.end + 65536))![0].length;
    }
    return documents;
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    if (documents.length === 0 && !(error instanceof JsonLimitError)) return undefined;
    throw new ManifestError(error.message, positionIn(text, start + (error.offset ?? at)));
  }
}

/** The objects of a document: itself, or the items of the list that it is; none when it is empty. */
function* unpacked(
  stream: Stream,
  document: Document,
  value: unknown = document.value,
  prefix = "",
): Generator<Manifest> {
  if (value === null || value === undefined) return;
  if (!isJsonObject(value)) {
    throw new ManifestError("expected an object", stream.places.at(document.start));
  }
  const { kind, items } = value;
  if (typeof kind !== "string" || !kind.endsWith("List") || !Array.isArray(items)) {
    return yield manifestOf(stream, document, value, prefix);
  }
  for (const [i, item] of items.entries()) {
    yield* unpacked(stream, document, withKindOf(value, item), joined(prefix, `items[${i}]`));
  }
}

function manifestOf(
  stream: Stream,
  document: Document,
  value: Record<string, unknown>,
  prefix: string,
): Manifest {
  const { places } = stream;
  const offsetOf = (path: string): number =>
    document.isJson
      ? stream.json.offsetOf(document.start, path)
      : runAtOnce(treeOf(stream, document)).offsetOf(path);
  return {
    value,
    get position(): Position {
      return places.at(prefix === "" ? document.start : offsetOf(prefix));
    },
    at: (path) => places.at(offsetOf(joined(prefix, path))),
    *locate() {
      if (!document.isJson) yield* treeOf(stream, document);
      else if (stream.text.length > LARGE_CHARS) yield;
    },
  };
}

/** Parses the document again: its tree is needed only when something is wrong. */
function* treeOf(stream: Stream, document: Document): Steps<YamlTree> {
  if (stream.located?.document === document) return stream.located.tree;
  const tree = yield* readYaml(stream.text, document.extent, stream.limits);
  stream.located = { document, tree };
  return tree;
}

function joined(prefix: string, path: string): string {
  return prefix && path ? `${prefix}.${path}` : prefix || path;
}

/** The items of a typed list (`PodList`) need no apiVersion and kind. */
function withKindOf(list: Record<string, unknown>, item: unknown): unknown {
  const { kind, apiVersion } = list;
  if (!isJsonObject(item) || kind === "List" || item["kind"] !== undefined) return item;
  return { apiVersion, kind: String(kind).slice(0, -"List".length), ...item };
}
