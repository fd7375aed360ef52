import {
  type CharacterSet,
  CODE_POINT_MAX,
  folded,
  outside,
  PERL,
  POSIX,
  type Property,
  propertyOf,
} from "./character_sets.ts";
import { PatternError } from "./pattern_error.ts";

/** What a pattern is made of. */
export type Node =
  | { readonly kind: "set"; readonly set: CharacterSet }
  | { readonly kind: "assertion"; readonly assertion: Assertion }
  | { readonly kind: "sequence"; readonly parts: readonly Node[] }
  | { readonly kind: "choice"; readonly options: readonly Node[] }
  | {
    readonly kind: "repeat";
    readonly part: Node;
    readonly min: number;
    readonly max: number;
    readonly isLazy: boolean;
  };

export type Assertion =
  | "text start"
  | "text end"
  | "line start"
  | "line end"
  | "word boundary"
  | "no word boundary";

/** Go's limits. */
const REPEAT_MAX = 1000;
const NESTING_MAX = 1000;
const SOURCE_LENGTH_MAX = 100_000;

interface Flags {
  readonly ignoreCase: boolean;
  readonly multiline: boolean;
  readonly dotAll: boolean;
  readonly swapGreed: boolean;
}

/** Parses a pattern. @throws {PatternError} */
export function parse(source: string): Node {
  if (source.length > SOURCE_LENGTH_MAX) throw new PatternError("expression too large");
  return new Parser(source).parse();
}

const ESCAPES: ReadonlyMap<string, number> = new Map([
  ["a", 7],
  ["f", 12],
  ["n", 10],
  ["r", 13],
  ["t", 9],
  ["v", 11],
]);
const ASSERTIONS: ReadonlyMap<string, Assertion> = new Map([
  ["A", "text start"],
  ["z", "text end"],
  ["b", "word boundary"],
  ["B", "no word boundary"],
]);

class Parser {
  readonly #source: string;
  #at = 0;
  #depth = 0;
  #flags: Flags = { ignoreCase: false, multiline: false, dotAll: false, swapGreed: false };

  constructor(source: string) {
    this.#source = source;
  }

  parse(): Node {
    const node = this.#choice();
    if (this.#at < this.#source.length) throw new PatternError("unexpected )", this.#source);
    return node;
  }

  #starts(text: string): boolean {
    return this.#source.startsWith(text, this.#at);
  }

  #takeIf(text: string): boolean {
    const found = this.#starts(text);
    if (found) this.#at += text.length;
    return found;
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#source) ?? undefined;
    if (match) this.#at += match[0].length;
    return match;
  }

  #character(): number {
    const point = this.#source.codePointAt(this.#at)!;
    this.#at += point > 0xffff ? 2 : 1;
    return point;
  }

  #choice(): Node {
    if (++this.#depth > NESTING_MAX) throw new PatternError("expression nests too deeply");
    const options = [this.#sequence()];
    while (this.#takeIf("|")) options.push(this.#sequence());
    this.#depth--;
    return options.length === 1 ? options[0]! : { kind: "choice", options };
  }

  #sequence(): Node {
    const parts: Node[] = [];
    while (this.#at < this.#source.length && !this.#starts("|") && !this.#starts(")")) {
      const start = this.#at;
      if (this.#takeIf("\\Q")) parts.push(...this.#quoted());
      else {
        const repeated = this.#repeatMark();
        if (repeated) {
          throw new PatternError(
            "missing argument to repetition operator",
            this.#source.slice(start, this.#at),
          );
        }
        const part = this.#part();
        if (part) parts.push(this.#repeated(part));
      }
    }
    return parts.length === 1 ? parts[0]! : { kind: "sequence", parts };
  }

  *#quoted(): Iterable<Node> {
    const end = this.#source.indexOf("\\E", this.#at);
    const text = this.#source.slice(this.#at, end < 0 ? undefined : end);
    this.#at = end < 0 ? this.#source.length : end + 2;
    const characters = [...text];
    for (const [index, character] of characters.entries()) {
      const literal = this.#literal(character.codePointAt(0)!);
      yield index === characters.length - 1 ? this.#repeated(literal) : literal;
    }
  }

  #repeatMark(): { min: number; max: number; isLazy: boolean } | undefined {
    const mark = this.#match(/[*+?]|\{(\d+)(?:(,)(\d*))?\}/y);
    if (!mark) return undefined;
    const [text, min, comma, max] = mark;
    const isLazy = this.#takeIf("?") !== this.#flags.swapGreed;
    if (text === "*") return { min: 0, max: Infinity, isLazy };
    if (text === "+") return { min: 1, max: Infinity, isLazy };
    if (text === "?") return { min: 0, max: 1, isLazy };
    const least = Number(min);
    return { min: least, max: !comma ? least : max === "" ? Infinity : Number(max), isLazy };
  }

  #repeated(part: Node): Node {
    const start = this.#at;
    const mark = this.#repeatMark();
    if (!mark) return part;
    const end = this.#at;
    if (this.#repeatMark()) {
      throw new PatternError(
        "invalid nested repetition operator",
        this.#source.slice(start, this.#at),
      );
    }
    const node: Node = { kind: "repeat", part, ...mark };
    const isCounted = mark.min > REPEAT_MAX || (mark.max !== Infinity && mark.max > REPEAT_MAX);
    if (isCounted || mark.min > mark.max || repetitions(node) > REPEAT_MAX) {
      throw new PatternError("invalid repeat count", this.#source.slice(start, end));
    }
    return node;
  }

  /** One part; `undefined` for flags that begin to apply. */
  #part(): Node | undefined {
    const start = this.#at;
    if (this.#takeIf("(")) return this.#group(start);
    if (this.#takeIf("[")) return { kind: "set", set: this.#class(start) };
    if (this.#takeIf(".")) {
      const ranges = this.#flags.dotAll ? [[0, CODE_POINT_MAX]] as const : outside([[10, 10]]);
      return { kind: "set", set: { ranges, properties: [], negated: false } };
    }
    const { multiline } = this.#flags;
    if (this.#takeIf("^")) return assertion(multiline ? "line start" : "text start");
    if (this.#takeIf("$")) return assertion(multiline ? "line end" : "text end");
    if (!this.#starts("\\")) return this.#literal(this.#character());
    const asserted = ASSERTIONS.get(this.#source[this.#at + 1] ?? "");
    if (asserted) {
      this.#at += 2;
      return assertion(asserted);
    }
    const set = this.#escapedSet();
    return set ? { kind: "set", set } : this.#literal(this.#escape());
  }

  #literal(point: number): Node {
    return {
      kind: "set",
      set: this.#fold({ ranges: [[point, point]], properties: [], negated: false }),
    };
  }

  #fold(set: CharacterSet): CharacterSet {
    return this.#flags.ignoreCase ? { ...set, ranges: folded(set.ranges) } : set;
  }

  #group(start: number): Node | undefined {
    const outer = this.#flags;
    if (this.#starts("?")) {
      const named = this.#match(/\?P?<([^>]*)>/y);
      if (named && !/^\w+$/.test(named[1]!)) {
        throw new PatternError("invalid named capture", `(${named[0]}`);
      }
      if (!named && this.#setFlags(start)) return undefined;
    }
    const inner = this.#choice();
    this.#flags = outer;
    if (!this.#takeIf(")")) throw new PatternError("missing closing )", this.#source);
    return inner;
  }

  /** Reads `?flags)` or `?flags:`; true for the first, where no group begins. */
  #setFlags(start: number): boolean {
    const match = this.#match(/\?([imsU]*)(?:-([imsU]+))?([:)])/y);
    if (!match) {
      const end = this.#source.slice(this.#at + 1).search(/[^imsU-]/);
      const part = this.#source.slice(start, end < 0 ? undefined : this.#at + 2 + end);
      if (this.#starts("?P<") || this.#starts("?<")) {
        throw new PatternError("invalid named capture", this.#source.slice(start));
      }
      throw new PatternError(
        end < 0 ? "missing closing )" : "invalid or unsupported Perl syntax",
        end < 0 ? this.#source : part,
      );
    }
    const [, on = "", off = "", end] = match;
    const flag = (letter: string, now: boolean) =>
      off.includes(letter) ? false : on.includes(letter) || now;
    this.#flags = {
      ignoreCase: flag("i", this.#flags.ignoreCase),
      multiline: flag("m", this.#flags.multiline),
      dotAll: flag("s", this.#flags.dotAll),
      swapGreed: flag("U", this.#flags.swapGreed),
    };
    return end === ")";
  }

  /** `\d`, `\pL` and their like; `undefined` when what follows is another escape. */
  #escapedSet(): CharacterSet | undefined {
    const perl = this.#match(/\\([dwsDWS])/y)?.[1];
    if (perl) {
      const ranges = PERL.get(perl.toLowerCase())!;
      const isNegated = perl !== perl.toLowerCase();
      return this.#fold({
        ranges: isNegated ? outside(ranges) : ranges,
        properties: [],
        negated: false,
      });
    }
    const property = this.#match(/\\([pP])(?:\{(\^?\w*)\}|(\w))/y);
    if (!property) return undefined;
    const [written, letter, long, short] = property;
    const properties = [propertyOf(long ?? short!, letter === "P", written)];
    return { ranges: [], properties, negated: false };
  }

  #escape(): number {
    const start = this.#at;
    this.#at++;
    if (this.#at >= this.#source.length) {
      throw new PatternError("trailing backslash at end of expression", "");
    }
    const hexadecimal = this.#match(/x(?:\{([0-9a-fA-F]{1,8})\}|([0-9a-fA-F]{2}))/y);
    const octal = hexadecimal ? undefined : this.#match(/0[0-7]{0,2}|[1-7][0-7]{1,2}/y);
    const point = hexadecimal
      ? Number.parseInt(hexadecimal[1] ?? hexadecimal[2]!, 16)
      : octal
      ? Number.parseInt(octal[0], 8)
      : this.#simpleEscape();
    if (point === undefined || point > CODE_POINT_MAX) {
      const end = Math.max(this.#at, start + 2);
      throw new PatternError("invalid escape sequence", this.#source.slice(start, end));
    }
    return point;
  }

  #simpleEscape(): number | undefined {
    const character = this.#source[this.#at]!;
    const known = ESCAPES.get(character);
    if (known !== undefined) this.#at++;
    else if (/[^\w\s]|_/.test(character) && character < "\x80") return this.#character();
    return known;
  }

  #class(start: number): CharacterSet {
    const negated = this.#takeIf("^");
    const ranges: (readonly [number, number])[] = [];
    const properties: Property[] = [];
    let isFirst = true;
    while (isFirst || !this.#starts("]")) {
      if (this.#at >= this.#source.length) {
        throw new PatternError("missing closing ]", this.#source.slice(start));
      }
      isFirst = false;
      const named = this.#posix() ?? this.#escapedSet();
      if (named) {
        ranges.push(...named.ranges);
        properties.push(...named.properties);
      } else ranges.push(this.#range());
    }
    this.#at++;
    return { ...this.#fold({ ranges, properties, negated: false }), negated };
  }

  #posix(): CharacterSet | undefined {
    const match = this.#match(/\[:(\^?)(\w*):\]/y);
    if (!match) return undefined;
    const [written, inverse, name] = match;
    const ranges = POSIX.get(name!);
    if (!ranges) throw new PatternError("invalid character class range", written);
    return { ranges: inverse ? outside(ranges) : ranges, properties: [], negated: false };
  }

  #range(): readonly [number, number] {
    const start = this.#at;
    const first = this.#classCharacter();
    if (
      !this.#starts("-") || this.#source[this.#at + 1] === "]" ||
      this.#at + 1 >= this.#source.length
    ) {
      return [first, first];
    }
    this.#at++;
    const last = this.#classCharacter();
    if (last < first) {
      throw new PatternError("invalid character class range", this.#source.slice(start, this.#at));
    }
    return [first, last];
  }

  #classCharacter(): number {
    return this.#starts("\\") ? this.#escape() : this.#character();
  }
}

function assertion(kind: Assertion): Node {
  return { kind: "assertion", assertion: kind };
}

/** How often counted repeats in each other run their innermost part. */
function repetitions(node: Node): number {
  if (node.kind === "set" || node.kind === "assertion") return 1;
  if (node.kind !== "repeat") {
    const parts = node.kind === "sequence" ? node.parts : node.options;
    return parts.reduce((most, part) => Math.max(most, repetitions(part)), 1);
  }
  const isCounted = node.max === Infinity ? node.min > 1 : node.max > 1;
  const count = isCounted ? Math.max(node.min, node.max === Infinity ? 0 : node.max) : 1;
  return count * repetitions(node.part);
}
