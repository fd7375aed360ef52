import { has, type Property } from "./character_sets.ts";
import { accepts, closure, isWord, type Program } from "./instructions.ts";
import type { CountSteps } from "./count_steps.ts";

/** States that are kept; then all are forgotten and made anew. */
const STATES_MAX = 2000;
/** Characters beyond ASCII whose class is kept. */
const KNOWN_MAX = 4096;
/** Characters read until the work is counted, and how many of them are one step. */
const READ_PER_COUNT = 4096;
const READ_PER_STEP = 16;

interface State {
  /** Instructions to go on from. */
  readonly from: readonly number[];
  /** The character before, as far as assertions look at it. */
  readonly before: number;
  readonly next: Map<number, State | "match">;
}

/**
 * Decides whether a text matches, by a deterministic automaton that is made while it is used: a look-up for each
 * character. Characters that the pattern cannot tell apart are one class.
 */
export class Automaton {
  readonly #program: Program;
  readonly #edges: readonly number[];
  readonly #properties: readonly Property[];
  readonly #hasAssertions: boolean;
  readonly #classes = new Map<string, number>();
  readonly #known = new Map<number, number>();
  readonly #ascii = new Int32Array(128).fill(-1);
  #states = new Map<string, State>();
  #start: State | undefined;

  constructor(program: Program) {
    const sets = program.instructions.flatMap((one) => one.kind === "set" ? [one.set] : []);
    this.#program = program;
    this.#hasAssertions = program.instructions.some(({ kind }) => kind === "assertion");
    const edges = sets.flatMap(({ ranges }) => ranges.flatMap(([a, b]) => [a, b + 1]));
    const words = this.#hasAssertions ? [10, 11, 48, 58, 65, 91, 95, 96, 97, 123] : [];
    this.#edges = [...new Set([...edges, ...words])].sort((a, b) => a - b);
    this.#properties = [
      ...new Map(
        sets.flatMap(({ properties }) => properties).map((one) => [one.test.source, one]),
      ).values(),
    ];
  }

  test(text: string, count: CountSteps): boolean {
    let state: State | "match" = this.#start ??= this.#state([this.#program.start], -1, count);
    for (let at = 0; at < text.length; at++) {
      const point = text.codePointAt(at)!;
      if (point > 0xffff) at++;
      if ((at & (READ_PER_COUNT - 1)) === 0 && at > 0) count(READ_PER_COUNT / READ_PER_STEP);
      const kind = this.#classOf(point);
      const next: State | "match" = state.next.get(kind) ?? this.#step(state, point, kind, count);
      if (next === "match") return true;
      state = next;
    }
    const end = state.next.get(-1) ?? this.#step(state, -1, -1, count);
    return end === "match";
  }

  /** Reads one character, or the end: where that leads, from the states reached and from the start. */
  #step(state: State, point: number, kind: number, count: CountSteps): State | "match" {
    const { instructions, start } = this.#program;
    const reached = closure(this.#program, state.from, { before: state.before, after: point });
    count(reached.length + state.from.length + 1);
    const isMatch = reached.some((at) => instructions[at]!.kind === "match");
    const from = point < 0 ? [] : reached.flatMap((at) => {
      const instruction = instructions[at]!;
      return instruction.kind === "set" && accepts(instruction, point) ? [instruction.next] : [];
    });
    const next = isMatch ? "match" : this.#state([...new Set([...from, start])], point, count);
    state.next.set(kind, next);
    return next;
  }

  #state(from: readonly number[], before: number, count: CountSteps): State {
    const seen = this.#hasAssertions
      ? (before < 0 ? -1 : before === 10 ? 10 : isWord(before) ? 97 : 32)
      : 32;
    const key = `${seen}:${from.toSorted((a, b) => a - b).join()}`;
    const known = this.#states.get(key);
    if (known) return known;
    count(from.length);
    if (this.#states.size >= STATES_MAX) {
      this.#states = new Map();
      this.#start = undefined;
    }
    const state = { from, before: seen, next: new Map() };
    this.#states.set(key, state);
    return state;
  }

  #classOf(point: number): number {
    const known = point < 128 ? this.#ascii[point]! : this.#known.get(point) ?? -1;
    if (known >= 0) return known;
    const bits = this.#properties.map((property) => has(property, point) ? "1" : "0").join("");
    const key = `${this.#intervalOf(point)}:${bits}`;
    const kind = this.#classes.get(key) ?? this.#classes.size;
    this.#classes.set(key, kind);
    if (point < 128) this.#ascii[point] = kind;
    else {
      if (this.#known.size >= KNOWN_MAX) this.#known.clear();
      this.#known.set(point, kind);
    }
    return kind;
  }

  /** How many edges lie at or before a character. */
  #intervalOf(point: number): number {
    let [low, high] = [0, this.#edges.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#edges[middle]! <= point) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
