import { ownField } from "../lib/own_field.ts";
import { labelValueFaults, qualifiedNameFaults } from "./names.ts";
import type { LabelSelector } from "./label_selector.ts";

/** One rule for one label. Equality is `=` or `==`, as it was written. */
export interface Requirement {
  readonly key: string;
  readonly operator: "=" | "==" | "!=" | "in" | "notin" | "exists" | "!" | ">" | "<";
  readonly values: readonly string[];
}

/** Rules that must all hold, ordered by their keys; an empty list selects everything. */
export type Selector = readonly Requirement[];

/** The text is not a selector. The message is that of Kubernetes. */
export class SelectorError extends Error {
  override name = "SelectorError";
}

export type Labels = Readonly<Record<string, string>>;

/** Selects nothing: what a LabelSelector that is not set means. */
export const NOTHING: Selector = [{ key: "", operator: "in", values: [] }];

/**
 * Reads a label selector of a query: `a=b,c!=d,e in (f,g),!h,i notin (j),k>1`. Throws
 * {@linkcode SelectorError}. The grammar and the words of k8s.io/apimachinery/pkg/labels/selector.go.
 */
export function parseLabelSelector(text: string): Selector {
  return ordered(new Parser(text).parse());
}

/** The rules of a LabelSelector object. One that is not set selects nothing; an empty one, everything. */
export function selectorOf(selector: LabelSelector | undefined): Selector {
  if (selector === undefined) return NOTHING;
  const { matchLabels = {}, matchExpressions = [] } = selector;
  return ordered([
    ...Object.entries(matchLabels).map(([key, value]) => equality(key, value)),
    ...matchExpressions.map(({ key, operator, values = [] }) => ({
      key,
      operator: OPERATORS[operator],
      values,
    })),
  ]);
}

/** The rules of a plain map of labels, as in Services. Empty or not set, it selects nothing. */
export function selectorOfLabels(labels: Labels | undefined): Selector {
  const entries = Object.entries(labels ?? {});
  if (entries.length === 0) return NOTHING;
  return ordered(entries.map(([key, value]) => equality(key, value)));
}

const OPERATORS = { In: "in", NotIn: "notin", Exists: "exists", DoesNotExist: "!" } as const;

function equality(key: string, value: string): Requirement {
  return { key, operator: "=", values: [value] };
}

function ordered(requirements: readonly Requirement[]): Selector {
  return requirements.toSorted((a, b) => a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
}

/** Whether the labels match every rule. */
export function matches(selector: Selector, labels: Labels | undefined): boolean {
  return selector.every((requirement) => isMatched(requirement, labels ?? {}));
}

function isMatched({ key, operator, values }: Requirement, labels: Labels): boolean {
  const value = ownField(labels, key);
  switch (operator) {
    case "=":
    case "==":
    case "in":
      return value !== undefined && values.includes(value);
    case "!=":
    case "notin":
      return value === undefined || !values.includes(value);
    case "exists":
      return value !== undefined;
    case "!":
      return value === undefined;
    case ">":
    case "<": {
      const [label, limit] = [integerOf(value), integerOf(values[0])];
      if (label === undefined || limit === undefined) return false;
      return operator === ">" ? label > limit : label < limit;
    }
  }
}

/** A whole number of 64 bits, as Go's ParseInt reads it. */
function integerOf(text: string | undefined): bigint | undefined {
  if (text === undefined || !/^[+-]?[0-9]{1,40}$/.test(text)) return undefined;
  const value = BigInt(text.replace(/^\+/, ""));
  return BigInt.asIntN(64, value) === value ? value : undefined;
}

/** The one value that a label must have; `undefined` when the selector leaves it open. For indexes. */
export function exactValueOf(selector: Selector, key: string): string | undefined {
  const requirement = selector.find((requirement) => requirement.key === key);
  return requirement && isExact(requirement) ? requirement.values[0] : undefined;
}

/** A label with the one value that it must have, if the selector asks for one: where a list may begin. */
export function exactLabelOf(selector: Selector): { key: string; value: string } | undefined {
  const requirement = selector.find(isExact);
  return requirement && { key: requirement.key, value: requirement.values[0]! };
}

function isExact({ operator, values }: Requirement): boolean {
  return values.length === 1 && (operator === "=" || operator === "==" || operator === "in");
}

/** The selector as text, in the syntax of queries. */
export function formatSelector(selector: Selector): string {
  return selector.map(({ key, operator, values }) => {
    const list = values.toSorted().join(",");
    switch (operator) {
      case "exists":
        return key;
      case "!":
        return `!${key}`;
      case "in":
      case "notin":
        return `${key} ${operator} (${list})`;
      default:
        return `${key}${operator}${list}`;
    }
  }).join(",");
}

/** Splits into words and operators, each operator as long as possible. */
const TOKENS = /!=|==|[=!(),<>]|[^=!(),<>\s]+/g;
const SIGNS = ["!=", "==", "=", "!", "(", ")", ",", "<", ">"];
const COMPARISONS = ["=", "==", "!=", "in", "notin", ">", "<"] as const;

/** The end of the text is the empty token. `in` and `notin` are operators in their place, words elsewhere. */
class Parser {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(text: string) {
    this.#tokens = text.match(TOKENS) ?? [];
  }

  parse(): Requirement[] {
    const requirements: Requirement[] = [];
    if (this.#peek() === "") return requirements;
    if (!isWord(this.#peek()) && this.#peek() !== "!") {
      throw new SelectorError(
        `found '${this.#peek()}', expected: !, identifier, or 'end of string'`,
      );
    }
    while (true) {
      requirements.push(this.#requirement());
      const token = this.#take();
      if (token === "") return requirements;
      if (token !== ",") {
        throw new SelectorError(`found '${token}', expected: ',' or 'end of string'`);
      }
      if (!isWord(this.#peek()) && this.#peek() !== "!") {
        throw new SelectorError(`found '${this.#peek()}', expected: identifier after ','`);
      }
    }
  }

  #peek(): string {
    return this.#tokens[this.#at] ?? "";
  }

  #take(): string {
    const token = this.#peek();
    this.#at++;
    return token;
  }

  #requirement(): Requirement {
    const isAbsence = this.#peek() === "!";
    if (isAbsence) this.#take();
    const key = this.#take();
    if (!isWord(key)) throw unparsed(`found '${key}', expected: identifier`);
    const faults = qualifiedNameFaults(key);
    if (faults.length > 0) throw unparsed(`<nil>: ${invalidText(key, faults)}`);
    if (isAbsence) return { key, operator: "!", values: [] };
    if (this.#peek() === "" || this.#peek() === ",") return { key, operator: "exists", values: [] };
    return this.#comparison(key);
  }

  #comparison(key: string): Requirement {
    const token = this.#take();
    const operator = COMPARISONS.find((known) => known === token);
    if (operator === undefined) {
      throw unparsed(`found '${token}', expected: in, notin, =, ==, !=, gt, lt`);
    }
    const isSet = operator === "in" || operator === "notin";
    const values = isSet ? this.#values() : [this.#value()];
    const requirement = { key, operator, values: [...new Set(values)].sort() };
    const faults = valueFaults(requirement);
    if (faults.length === 1) throw unparsed(faults[0]!);
    if (faults.length > 1) throw unparsed(`[${faults.join(", ")}]`);
    return requirement;
  }

  #value(): string {
    if (this.#peek() === "" || this.#peek() === ",") return "";
    const token = this.#take();
    if (!isWord(token)) throw unparsed(`found '${token}', expected: identifier`);
    return token;
  }

  /** `(x,y)`. A missing value counts as the empty word: `()`, `(,x)`, `(x,,y)`. */
  #values(): string[] {
    const open = this.#take();
    if (open !== "(") throw unparsed(`found '${open}' expected: '('`);
    const first = this.#peek();
    if (!isWord(first) && first !== "," && first !== ")") {
      throw unparsed(`found '${first}', expected: ',', ')' or identifier`);
    }
    const values = first === ")" ? [""] : this.#list();
    this.#take(); // the closing parenthesis
    return values;
  }

  #list(): string[] {
    const values: string[] = [];
    while (true) {
      const token = this.#take();
      if (isWord(token)) {
        values.push(token);
        if (this.#peek() === ")") return values;
        if (this.#peek() !== ",") {
          throw unparsed(`found '${this.#peek()}', expected: ',' or ')'`);
        }
      } else if (token === ",") {
        if (values.length === 0) values.push("");
        if (this.#peek() === ")") return [...values, ""];
        if (this.#peek() === ",") {
          this.#take();
          values.push("");
        }
      } else {
        throw unparsed(`found '${token}', expected: ',', or identifier`);
      }
    }
  }
}

function isWord(token: string): boolean {
  return token !== "" && !SIGNS.includes(token);
}

function valueFaults({ key, operator, values }: Requirement): string[] {
  const isOrder = operator === ">" || operator === "<";
  const notIntegers = !isOrder
    ? []
    : values.flatMap((value, i) =>
      integerOf(value) !== undefined ? [] : [
        `values[${i}]: ${
          invalidText(value, ["for 'Gt', 'Lt' operators, the value must be an integer"])
        }`,
      ]
    );
  const notValues = values.flatMap((value, i) => {
    const faults = labelValueFaults(value);
    return faults.length ? [`values[${i}][${key}]: ${invalidText(value, faults)}`] : [];
  });
  return [...notIntegers, ...notValues];
}

function invalidText(value: string, faults: readonly string[]): string {
  return `Invalid value: ${JSON.stringify(value)}: ${faults.join("; ")}`;
}

function unparsed(why: string): SelectorError {
  return new SelectorError(`unable to parse requirement: ${why}`);
}
