import { compilePattern, type Pattern, PatternError } from "../../lib/patterns/pattern.ts";
import type { Metric } from "../../resources/argoproj/mod.ts";

/**
 * For each metric that a rule fits the last such rule; a rule's `metricName` is a regular expression that is found
 * anywhere in the name. Or the fault of a rule that fits no metric, in Argo's words.
 */
export function rulesByMetric<R extends { metricName: string }>(
  field: "dryRun" | "measurementRetention",
  rules: readonly R[],
  metrics: readonly Metric[],
): { rules: ReadonlyMap<string, R> } | { fault: string } {
  const byMetric = new Map<string, R>();
  for (const [index, rule] of rules.entries()) {
    const pattern = patternOf(rule.metricName);
    const fitting = metrics.filter(({ name }) => pattern?.test(name));
    if (fitting.length === 0) {
      return { fault: `${field}[${index}]: Rule didn't match any metric name(s)` };
    }
    fitting.forEach(({ name }) => byMetric.set(name, rule));
  }
  return { rules: byMetric };
}

function patternOf(source: string): Pattern | undefined {
  try {
    return compilePattern(source);
  } catch (error) {
    if (error instanceof PatternError) return undefined; // fits nothing
    throw error;
  }
}
