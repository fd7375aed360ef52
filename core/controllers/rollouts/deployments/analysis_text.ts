import type { Metric } from "../../../resources/argoproj/mod.ts";
import type { Read } from "./canary_text.ts";

/** What the proxy is asked for. */
const PROXY = "coracle.dev/proxy";
const INTERVAL = "10s";
/** A measurement takes at least so long, and until there were enough requests. */
const WINDOW = "10s";
const TERMS_MAX = 20;

/** What can be said of the answers, where it is in the proxy's result, and in which units. */
const SUBJECTS: Readonly<
  Record<string, { field: string; units: Readonly<Record<string, number>> }>
> = {
  errors: { field: "errorRatio", units: { "%": 0.01, "": 1 } },
  p50: { field: "p50", units: { ms: 1, s: 1_000 } },
  p95: { field: "p95", units: { ms: 1, s: 1_000 } },
  p99: { field: "p99", units: { ms: 1, s: 1_000 } },
  rate: { field: "rate", units: { "/s": 1, "": 1 } },
};

/** A term of the annotation: `errors<1%`. */
export interface Term {
  name: string;
  /** When it holds and when it does not, in the language of analyses, about `result`. Neither: nobody can say. */
  success: string;
  failure: string;
}

/** Of connections whose requests the proxy does not read there are no times, and errors cannot be told. */
const IS_MEASURED = "result.p50 != nil";
const OPPOSITES: Readonly<Record<string, string>> = { "<": ">=", "<=": ">", ">": "<=", ">=": "<" };

/** The terms in the annotation `coracle.dev/analysis`: `errors<1%,p99<300ms`. All must hold. */
export function termsIn(text: string): Read<Term[]> {
  const parts = text.split(",").map((part) => part.trim());
  if (parts.length > TERMS_MAX) return { causes: [`there are more than ${TERMS_MAX} terms`] };
  const read = parts.map(termIn);
  const causes = read.flatMap((each) => "causes" in each ? each.causes : []);
  if (causes.length > 0) return { causes };
  const terms = read.flatMap((each) => "value" in each ? [each.value] : []);
  const names = terms.map(({ name }) => name);
  const twice = names.filter((name, index) => names.indexOf(name) < index);
  return twice.length > 0
    ? { causes: twice.map((name) => `"${name}" is said twice`) }
    : { value: terms };
}

function termIn(part: string): Read<Term> {
  const match = part.match(/^([a-z]\w*)\s*(<=|<|>=|>)\s*(\d+(?:\.\d+)?)\s*(%|ms|s|\/s)?$/);
  if (!match) {
    return { causes: [`cannot read "${part}": it must be terms such as "errors<1%,p99<300ms"`] };
  }
  const [, name = "", comparison, number, unit = ""] = match;
  const subject = Object.hasOwn(SUBJECTS, name) ? SUBJECTS[name] : undefined;
  if (subject === undefined) {
    return { causes: [`"${name}" is none of ${Object.keys(SUBJECTS).join(", ")}`] };
  }
  const { field, units } = subject;
  if (!Object.hasOwn(units, unit)) {
    const possible = Object.keys(units).map((each) => each || "no unit").join(" or ");
    return { causes: [`"${part}" must have ${possible}`] };
  }
  const value = Number((Number(number) * units[unit]!).toPrecision(12)); // 1.1 % is 0.011
  const answer = `result.${field}`;
  return {
    value: {
      name,
      success: `${IS_MEASURED} && ${answer} ${comparison} ${value}`,
      failure: `${IS_MEASURED} && ${answer} ${OPPOSITES[comparison!]} ${value}`,
    },
  };
}

/**
 * What measures the terms for a canary behind a Service. `isGate`: once, and it goes on only then; otherwise again and
 * again as long as the rollout lasts.
 */
export function metricsOf(
  terms: readonly Term[],
  service: string,
  { isGate }: { isGate: boolean },
): Metric[] {
  return terms.map(({ name, success, failure }) => ({
    name,
    ...(isGate ? { count: 1 } : { interval: INTERVAL }),
    successCondition: success,
    failureCondition: failure,
    provider: { plugin: { [PROXY]: { service, set: "canary", window: WINDOW } } },
  }));
}
