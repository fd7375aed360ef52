import { SelectorError } from "./selectors.ts";

/** One rule for one field. */
export interface FieldRequirement {
  readonly field: string;
  readonly operator: "=" | "!=";
  readonly value: string;
}

/** Rules that must all hold; an empty list selects everything. */
export type FieldSelector = readonly FieldRequirement[];

/**
 * Reads a field selector of a query: `metadata.name=x,spec.nodeName!=y`. A backslash before `\`, `,` or
 * `=` makes it part of a value. Throws {@linkcode SelectorError}. The grammar and the words of
 * k8s.io/apimachinery/pkg/fields/selector.go.
 */
export function parseFieldSelector(text: string): FieldSelector {
  const terms = (text.match(/(?:\\[^]|[^,\\]|\\$)+/g) ?? []).sort();
  return terms.flatMap((term) => {
    const [, field, operator, value] = /^([^]*?)(!=|==|=)([^]*)$/.exec(term) ?? [];
    if (field === undefined) {
      throw new SelectorError(`invalid selector: '${text}'; can't understand '${term}'`);
    }
    const requirement = {
      field,
      operator: operator === "!=" ? "!=" : "=",
      value: unescaped(value!),
    } as const;
    return field === "" && requirement.value === "" ? [] : [requirement];
  });
}

function unescaped(value: string): string {
  const wrong = /^(?:[^\\,=]|\\[\\,=])*(?:([,=])|(\\(?![\\,=])[^]?))/u.exec(value);
  if (wrong?.[1]) {
    const rune = wrong[1].codePointAt(0);
    throw new SelectorError(`invalid field selector: unescaped character in value: ${rune}`);
  }
  if (wrong) {
    throw new SelectorError(`invalid field selector: invalid escape sequence: ${wrong[2]}`);
  }
  return value.replace(/\\([\\,=])/g, "$1");
}

/** Whether the fields match every rule. `valueOf` gives the value of a field, `""` when it is not set. */
export function matchesFields(
  selector: FieldSelector,
  valueOf: (field: string) => string,
): boolean {
  return selector.every(({ field, operator, value }) =>
    (valueOf(field) === value) === (operator === "=")
  );
}

/** The one value that a field must have; `undefined` when the selector leaves it open. For indexes. */
export function exactFieldOf(selector: FieldSelector, field: string): string | undefined {
  return selector.find((one) => one.field === field && one.operator === "=")?.value;
}

/** The selector as text, in the syntax of queries. */
export function formatFieldSelector(selector: FieldSelector): string {
  return selector.map(({ field, operator, value }) =>
    `${field}${operator}${value.replace(/[\\,=]/g, "\\$&")}`
  ).join(",");
}
