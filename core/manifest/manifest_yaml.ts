import { isJsonObject } from "../lib/json/json_value.ts";
import {
  Alias,
  Composer,
  type Document,
  Lexer,
  type Node,
  Parser,
  Scalar,
  YAMLMap,
  YAMLSeq,
} from "yaml";
import {
  keyForbidden,
  keySetTwice,
  ManifestError,
  type Position,
  positionIn,
} from "./manifest_position.ts";
import type { Steps } from "../lib/steps.ts";
import { longestStep } from "./manifest_json.ts";
import { plainValueOf } from "./manifest_scalars.ts";

export interface YamlLimits {
  depthMax: number;
  aliasedValuesMax: number;
  tokensMax: number;
  /** Called for a key that is in its map already; then the last one counts. Absent: it is refused. */
  onDuplicate?: ((key: string, line: number) => void) | undefined;
}

/** How many tokens may still be read, of a stream of documents. */
export interface TokenBudget {
  left: number;
  readonly of: number;
}

/** A document as JSON would have it, and where its parts are. */
export interface YamlTree {
  /** `undefined` when the document is empty. */
  readonly value: unknown;
  /** Offset of the field at `path`, or of the nearest around it. */
  offsetOf(path: string): number;
}

/** A part of a text. */
export type Extent = readonly [start: number, end: number];

/** Tokens of one step: some 5 ms. */
const TOKENS_PER_STEP = 4096;

/**
 * Reads the one document in a part of a text. Throws ManifestError. Its longest step composes the nodes of a whole
 * document, which `tokensMax` bounds.
 */
export function* readYaml(
  text: string,
  extent: Extent,
  limits: YamlLimits,
  budget: TokenBudget = { left: Infinity, of: Infinity },
): Steps<YamlTree> {
  const [start, end] = extent;
  const fail = (fault: string, offset: number) =>
    new ManifestError(fault, positionIn(text, start + offset));
  const documents = yield* composed(text.slice(start, end), { ...limits, budget }, fail);
  const [document, second] = documents;
  const [error] = document?.errors ?? [];
  if (error) throw fail(error.message, error.pos[0]);
  if (second) throw fail("expected a single document", second.range[0]);
  const reader = new Reader(text, extent, limits);
  const root = document?.contents ?? undefined;
  yield;
  const value = root && reader.valueOf(root, 0);
  return { value, offsetOf: (path) => root ? reader.offsetOf(root, path) : start };
}

/** How many tokens are open in the parser besides the nested values: the document and the current one. */
const STACK_SLACK = 8;

type Fail = (fault: string, offset: number) => ManifestError;

/** Drives lexer, parser and composer by hand, so that it stops in the middle when a limit is exceeded. */
function* composed(
  source: string,
  { depthMax, tokensMax, budget }: YamlLimits & { budget: TokenBudget },
  fail: Fail,
): Steps<Document.Parsed[]> {
  const parser = new Parser();
  const composer = new Composer({
    schema: "failsafe",
    resolveKnownTags: false,
    uniqueKeys: false, // its check is quadratic; ours is not
    logLevel: "silent",
  });
  stopAtFirstError(composer, fail);
  const documents: Document.Parsed[] = [];
  let count = 0;
  for (const lexeme of new Lexer().lex(source)) {
    if (++count > tokensMax) throw fail(`more than ${tokensMax} words and signs`, parser.offset);
    if (--budget.left < 0) {
      throw fail(`more than ${budget.of} words and signs in all documents`, parser.offset);
    }
    if (count % TOKENS_PER_STEP === 0) yield;
    for (const token of parser.next(lexeme)) {
      if (token.type === "error") throw fail(token.message, token.offset);
      documents.push(...composer.next(token));
    }
    if (parser.stack.length > depthMax + STACK_SLACK) {
      throw fail(`nested more than ${depthMax} levels deep`, parser.offset);
    }
  }
  yield;
  for (const token of parser.end()) documents.push(...composer.next(token));
  documents.push(...composer.end());
  return documents;
}

/** Where an error is: its token or its offset. */
type ErrorPlace = number | readonly [number, number] | { offset: number };

/**
 * The library continues after an error and collects them all: for a bad text tens of thousands, each with its stack, in one
 * step of seconds. This replaces its private error handler by one that throws the first.
 */
function stopAtFirstError(composer: Composer, fail: Fail): void {
  let first: ManifestError | undefined; // it catches what is thrown and comes here again
  const onError = (at: ErrorPlace, _code: string, message: string, isWarning?: boolean) => {
    if (isWarning) return;
    throw first ??= fail(message, typeof at === "number" ? at : "offset" in at ? at.offset : at[0]);
  };
  Object.assign(composer, { onError });
}

/** Converts nodes to values, and remembers which node each alias stood for. */
class Reader {
  readonly #text: string;
  readonly #start: number;
  readonly #end: number;
  readonly #limits: YamlLimits;
  readonly #anchors = new Map<string, Node>();
  readonly #targets = new Map<Alias, Node>();
  /** Nodes around the one being read. */
  readonly #open = new Set<Node>();
  readonly #fields = new Map<Node, ReadonlyMap<string, Place>>();
  #aliased = 0;
  #aliasDepth = 0;

  constructor(text: string, [start, end]: Extent, limits: YamlLimits) {
    this.#text = text;
    this.#start = start;
    this.#end = end;
    this.#limits = limits;
  }

  valueOf(node: Node | null, depth: number): unknown {
    if (node === null) return null;
    if (this.#aliasDepth > 0 && ++this.#aliased > this.#limits.aliasedValuesMax) {
      throw this.#fault(node, "document contains excessive aliasing");
    }
    if (node instanceof Alias) return this.#aliasValue(node, depth);
    if (node.anchor !== undefined && this.#aliasDepth === 0) this.#anchors.set(node.anchor, node);
    if (node instanceof Scalar) return this.#scalarValue(node);
    if (depth >= this.#limits.depthMax) {
      throw this.#fault(node, `nested more than ${this.#limits.depthMax} levels deep`);
    }
    this.#open.add(node);
    const value = node instanceof YAMLSeq
      ? this.#listValue(node, depth + 1)
      : this.#mapValue(node, depth + 1);
    this.#open.delete(node);
    return value;
  }

  #aliasValue(alias: Alias, depth: number): unknown {
    const target = this.#targetOf(alias);
    if (this.#open.has(target)) {
      throw this.#fault(alias, `anchor "${alias.source}" value contains itself`);
    }
    this.#aliasDepth++;
    const value = this.valueOf(target, depth);
    this.#aliasDepth--;
    return value;
  }

  /** The node that had the anchor when the alias was first met: an anchor may be set anew later. */
  #targetOf(alias: Alias): Node {
    const target = this.#targets.get(alias) ?? this.#anchors.get(alias.source);
    if (!target) throw this.#fault(alias, `unknown anchor "${alias.source}" referenced`);
    this.#targets.set(alias, target);
    return target;
  }

  #scalarValue(node: Scalar): unknown {
    const text = this.#contentOf(node);
    if (node.tag === "!" || node.tag === `${TAG}str`) return text;
    if (node.tag === undefined && node.type !== Scalar.PLAIN) return text;
    const value = plainValueOf(text);
    if (typeof value === "number" && !Number.isFinite(value)) {
      throw this.#fault(node, `${text} cannot be said in JSON`);
    }
    if (node.tag === undefined) return value;
    const type = TYPES[node.tag.slice(TAG.length)];
    if (!node.tag.startsWith(TAG) || !type) throw this.#fault(node, `unknown tag ${node.tag}`);
    if (!type(value)) throw this.#fault(node, `cannot decode \`${text}\` as ${node.tag}`);
    return value;
  }

  /** A block scalar at the very end of a text without a final line end has none either, as in kubectl. */
  #contentOf(node: Scalar): string {
    const content = String(node.value);
    const isBlock = node.type === Scalar.BLOCK_LITERAL || node.type === Scalar.BLOCK_FOLDED;
    const isCutShort = isBlock && this.#start + (node.range?.[1] ?? 0) >= this.#end &&
      !/[\r\n]$/.test(this.#text.slice(this.#end - 1, this.#end));
    return isCutShort ? content.replace(/\n$/, "") : content;
  }

  #listValue(list: YAMLSeq, depth: number): unknown[] {
    this.#expectTag(list, "seq");
    return list.items.map((item) => this.valueOf(item as Node | null, depth)); // parsed: nodes only
  }

  #mapValue(map: YAMLMap, depth: number): Record<string, unknown> {
    this.#expectTag(map, "map");
    const result: Record<string, unknown> = {};
    for (const pair of map.items as ParsedPair[]) {
      if (isMerge(pair)) continue;
      const key = this.#keyOf(pair);
      if (key === "__proto__") throw keyForbidden(key, this.#positionOf(pair.key));
      if (Object.hasOwn(result, key)) this.#setTwice(key, pair);
      result[key] = this.valueOf(pair.value, depth);
    }
    for (const pair of map.items as ParsedPair[]) {
      if (isMerge(pair)) this.#merge(pair, result, depth);
    }
    return result;
  }

  #setTwice(key: string, pair: ParsedPair): void {
    const position = this.#positionOf(pair.key);
    if (!this.#limits.onDuplicate) throw keySetTwice(key, position);
    this.#limits.onDuplicate(key, position.line);
  }

  #keyOf({ key }: ParsedPair): string {
    const value = key instanceof Scalar || key instanceof Alias ? this.valueOf(key, 0) : undefined;
    if (typeof value === "string") return value;
    if (typeof value === "number" || typeof value === "boolean") return String(value);
    throw this.#fault(key, "a key must be a text, a number or a boolean");
  }

  /** `<<: *base` or `<<: [*first, *second]`: the map's own keys win, then those of the first. */
  #merge({ key, value: merged }: ParsedPair, result: Record<string, unknown>, depth: number): void {
    const value = this.valueOf(merged, depth);
    for (const base of Array.isArray(value) ? value : [value]) {
      if (!isJsonObject(base)) {
        throw this.#fault(key, "map merge requires map or sequence of maps as the value");
      }
      for (const name of Object.keys(base)) {
        if (!Object.hasOwn(result, name)) result[name] = base[name];
      }
    }
  }

  #expectTag(node: YAMLMap | YAMLSeq, type: "map" | "seq"): void {
    if (node.tag === undefined || node.tag === "!" || node.tag === TAG + type) return;
    throw this.#fault(node, `unknown tag ${node.tag}`);
  }

  #fault(node: Node, fault: string): ManifestError {
    return new ManifestError(fault, this.#positionOf(node));
  }

  #positionOf(node: Node): Position {
    return positionIn(this.#text, this.#offsetOf(node));
  }

  #offsetOf(node: Node): number {
    return this.#start + (node.range?.[0] ?? 0);
  }

  /** Goes down the path as far as it leads. */
  offsetOf(root: Node, path: string): number {
    let offset = this.#offsetOf(root);
    let node: Node | null = root;
    let rest = path;
    while (rest !== "" && node !== null) {
      const step: PathStep | undefined = this.#stepInto(node, rest);
      if (!step) break;
      ({ node, rest } = step);
      offset = this.#offsetOf(step.at);
    }
    return offset;
  }

  #stepInto(around: Node, path: string): PathStep | undefined {
    const step = longestStep(this.#fieldsOf(around), path);
    return step && { ...step.value, rest: step.rest };
  }

  /** The fields of a map or the items of a list, aliases followed. Kept: many errors may be in one place. */
  #fieldsOf(around: Node): ReadonlyMap<string, Place> {
    const node = around instanceof Alias ? this.#targetOf(around) : around;
    let fields = this.#fields.get(node);
    if (!fields) {
      fields = new Map(node instanceof YAMLSeq ? itemsIn(node) : this.#fieldsIn(node));
      this.#fields.set(node, fields);
    }
    return fields;
  }

  /** Merged keys come first, so that the map's own replace them. */
  *#fieldsIn(map: Node): Generator<[string, Place]> {
    if (!(map instanceof YAMLMap)) return;
    const pairs = map.items as ParsedPair[];
    for (const { key, value } of pairs.filter(isMerge)) {
      const bases = value instanceof YAMLSeq ? value.items as Node[] : value ? [value] : [];
      for (const base of bases.toReversed()) {
        for (const [name, { node }] of this.#fieldsOf(base)) yield [name, { node, at: key }];
      }
    }
    for (const pair of pairs) {
      if (isMerge(pair)) continue;
      const name = this.#keyOf(pair);
      if (name !== "") yield [name, { node: pair.value, at: pair.key }];
    }
  }
}

function* itemsIn({ items }: YAMLSeq): Generator<[string, Place]> {
  for (const [i, item] of items.entries()) {
    const node = item as Node | null; // parsed: nodes only
    if (node) yield [`[${i}]`, { node, at: node }];
  }
}

function isMerge({ key }: ParsedPair): boolean {
  return key instanceof Scalar && key.value === "<<" && key.type === Scalar.PLAIN;
}

/** A pair as the composer makes it, whose types say less. */
interface ParsedPair {
  key: Node;
  value: Node | null;
}

interface Place {
  node: Node | null;
  /** The node of the field: its key, or the item. */
  at: Node;
}

interface PathStep extends Place {
  rest: string;
}

/** Tags of JSON's types, as the library spells them. */
const TAG = "tag:yaml.org,2002:";
const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  int: Number.isInteger,
  float: (value) => typeof value === "number",
  bool: (value) => typeof value === "boolean",
  null: (value) => value === null,
};
