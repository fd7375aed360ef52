import { type CharacterSet, contains } from "./character_sets.ts";
import { PatternError } from "./pattern_error.ts";
import type { Assertion, Node } from "./syntax.ts";

/** A machine that reads a text in many states at once. Of a split, the first way is preferred. */
export interface Program {
  readonly instructions: readonly Instruction[];
  readonly start: number;
}

export type Instruction =
  | { readonly kind: "set"; readonly set: CharacterSet; next: number }
  | { readonly kind: "assertion"; readonly assertion: Assertion; next: number }
  | { readonly kind: "split"; first: number; second: number }
  | { readonly kind: "match" };

const INSTRUCTIONS_MAX = 20_000;

/** @throws {PatternError} for a pattern that becomes too large */
export function compile(node: Node): Program {
  const compiler = new Compiler();
  const match = compiler.add({ kind: "match" });
  const start = compiler.compile(node, match);
  return { instructions: compiler.instructions, start };
}

class Compiler {
  readonly instructions: Instruction[] = [];

  add(instruction: Instruction): number {
    if (this.instructions.length >= INSTRUCTIONS_MAX) {
      throw new PatternError("expression too large");
    }
    this.instructions.push(instruction);
    return this.instructions.length - 1;
  }

  /** Compiles from the end: answers where a node begins that goes on at `next`. */
  compile(node: Node, next: number): number {
    switch (node.kind) {
      case "set":
        return this.add({ kind: "set", set: node.set, next });
      case "assertion":
        return this.add({ kind: "assertion", assertion: node.assertion, next });
      case "sequence":
        return node.parts.reduceRight((after, part) => this.compile(part, after), next);
      case "choice":
        return node.options.slice(0, -1).reduceRight(
          (second, option) =>
            this.add({ kind: "split", first: this.compile(option, next), second }),
          this.compile(node.options.at(-1)!, next),
        );
      case "repeat":
        return this.#repeat(node, next);
    }
  }

  #repeat({ part, min, max, isLazy }: Extract<Node, { kind: "repeat" }>, next: number): number {
    let start = next;
    if (max === Infinity) start = this.#loop(part, isLazy, next);
    else {for (let count = min; count < max; count++) {
        start = this.#optional(part, isLazy, start, next);
      }}
    for (let count = 0; count < min; count++) start = this.compile(part, start);
    return start;
  }

  #loop(part: Node, isLazy: boolean, next: number): number {
    const split: Extract<Instruction, { kind: "split" }> = {
      kind: "split",
      first: next,
      second: next,
    };
    const at = this.add(split);
    const body = this.compile(part, at);
    if (isLazy) split.second = body;
    else split.first = body;
    return at;
  }

  #optional(part: Node, isLazy: boolean, after: number, skip: number): number {
    const body = this.compile(part, after);
    return this.add(
      isLazy
        ? { kind: "split", first: skip, second: body }
        : { kind: "split", first: body, second: skip },
    );
  }
}

/** What lies on both sides of a place in a text; -1 where it begins and ends. */
export interface Place {
  readonly before: number;
  readonly after: number;
}

const NEWLINE = 10;

export function holds(assertion: Assertion, { before, after }: Place): boolean {
  switch (assertion) {
    case "text start":
      return before < 0;
    case "text end":
      return after < 0;
    case "line start":
      return before < 0 || before === NEWLINE;
    case "line end":
      return after < 0 || after === NEWLINE;
    case "word boundary":
      return isWord(before) !== isWord(after);
    case "no word boundary":
      return isWord(before) === isWord(after);
  }
}

export function isWord(point: number): boolean {
  return (point >= 48 && point <= 57) || (point >= 65 && point <= 90) || point === 95 ||
    (point >= 97 && point <= 122);
}

export function accepts(instruction: Instruction, point: number): boolean {
  return instruction.kind === "set" && contains(instruction.set, point);
}

/** The states that are reached from some without reading, in the order in which they are preferred. */
export function closure(program: Program, from: readonly number[], place: Place): number[] {
  const seen = new Set<number>();
  const reached: number[] = [];
  const open = [...from].reverse();
  while (open.length > 0) {
    const at = open.pop()!;
    if (seen.has(at)) continue;
    seen.add(at);
    const instruction = program.instructions[at]!;
    if (instruction.kind === "split") open.push(instruction.second, instruction.first);
    else if (instruction.kind !== "assertion") reached.push(at);
    else if (holds(instruction.assertion, place)) open.push(instruction.next);
  }
  return reached;
}
