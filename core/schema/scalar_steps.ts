import { invalid, notSupported, tooLong, wrongType } from "./causes.ts";
import { formatFaultOf, rangeOf } from "./formats.ts";
import { canonicalQuantity, quantityFault } from "./quantities.ts";
import type { Report, Step } from "./report.ts";
import type { Schema } from "./schema.ts";

export function booleanStep(value: unknown, report: Report): unknown {
  if (typeof value !== "boolean") report.refuse(wrongType(report.field, value, "boolean"));
  return value;
}

export function stringStep(schema: Schema): Step {
  const rules = stringRules(schema);
  const isAmount = schema.format === "quantity";
  return (value, report) => {
    const text = isAmount && typeof value === "number" ? String(value) : value;
    if (typeof text !== "string") {
      report.refuse(wrongType(report.field, value, "string"));
      return value;
    }
    for (const rule of rules) rule(text, report);
    return isAmount ? amountOf(text) : text;
  };
}

/** Applied twice, because bytes that no binary suffix divides become a bare number, which is then read as decimal. */
function amountOf(text: string): string {
  return quantityFault(text) === undefined ? canonicalQuantity(canonicalQuantity(text)) : text;
}

type StringRule = (text: string, report: Report) => void;

/** Only the rules that the schema has: most strings have none. */
function stringRules(schema: Schema): readonly StringRule[] {
  const rules: StringRule[] = [];
  if (schema.enum) rules.push(enumRule(schema.enum.map(String)));
  if (schema.minLength !== undefined || schema.maxLength !== undefined) {
    rules.push(lengthRule(schema.minLength ?? 0, schema.maxLength ?? Infinity));
  }
  if (schema.pattern !== undefined) rules.push(patternRule(schema.pattern));
  const fault = formatFaultOf(schema.format);
  if (fault) {
    rules.push((text, report) => {
      const detail = fault(text, () => report.field);
      if (detail !== undefined) report.refuse(invalid(report.field, text, detail));
    });
  }
  return rules;
}

function enumRule(words: readonly string[]): StringRule {
  return (text, report) => {
    if (!words.includes(text)) report.refuse(notSupported(report.field, text, words));
  };
}

function lengthRule(min: number, max: number): StringRule {
  return (text, report) => {
    if (text.length < min) {
      const detail = `${report.field} in body should be at least ${min} chars long`;
      report.refuse(invalid(report.field, text, detail));
    }
    if (text.length > max && characterCount(text) > max) {
      report.refuse(tooLong(report.field, max));
    }
  };
}

/** A character beyond the first 65,536 has length 2, but counts once. */
function characterCount(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

function patternRule(pattern: string): StringRule {
  const expression = new RegExp(pattern, "u");
  return (text, report) => {
    if (expression.test(text)) return;
    report.refuse(invalid(report.field, text, `${report.field} in body should match '${pattern}'`));
  };
}

export function numberStep(schema: Schema): Step {
  const [formatMin, formatMax] = rangeOf(schema.format);
  const minimum = schema.minimum ?? formatMin;
  const maximum = schema.maximum ?? formatMax;
  const isWhole = schema.type === "integer";
  return (value, report) => {
    if (typeof value !== "number" || (isWhole && !Number.isInteger(value))) {
      report.refuse(wrongType(report.field, value, schema.type!));
    } else if (value < minimum || value > maximum) {
      report.refuse(invalid(report.field, value, rangeText(minimum, maximum)));
    }
    return value;
  };
}

/** Kubernetes names both ends when a range has both. */
function rangeText(minimum: number, maximum: number): string {
  const isRange = minimum > -(2 ** 31) && maximum < 2 ** 31 - 1;
  if (isRange) return `must be between ${minimum} and ${maximum}, inclusive`;
  return minimum > -(2 ** 31)
    ? `must be greater than or equal to ${minimum}`
    : `must be less than or equal to ${maximum}`;
}

export function intOrStringStep(schema: Schema): Step {
  const rules = stringRules(schema);
  const [minimum, maximum] = rangeOf("int32");
  return (value, report) => {
    if (typeof value === "string") {
      for (const rule of rules) rule(value, report);
    } else if (!Number.isInteger(value)) {
      report.refuse(wrongType(report.field, value, "integer or string"));
    } else if ((value as number) < minimum || (value as number) > maximum) {
      report.refuse(invalid(report.field, value, rangeText(minimum, maximum)));
    }
    return value;
  };
}
