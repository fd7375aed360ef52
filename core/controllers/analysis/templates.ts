import type { View } from "../../client/client.ts";
import {
  type AnalysisTemplate,
  type AnalysisTemplateRef,
  analysisTemplates,
  type AnalysisTemplateSpec,
  type Argument,
  type ClusterAnalysisTemplate,
  clusterAnalysisTemplates,
  type DryRun,
  type MeasurementRetention,
  type Metric,
} from "../../resources/argoproj/mod.ts";

/** Templates cannot be made into a run. The message is Argo's. */
export class TemplateError extends Error {
  override name = "TemplateError";
}

type Template = AnalysisTemplate | ClusterAnalysisTemplate;

/** How many templates a run may be made of: templates name templates. */
const TEMPLATES_MAX = 1_000;

/**
 * The templates that references name, and those that these name, each once: first those of the namespace, then those of
 * the cluster. @throws {TemplateError} when one is not there
 */
export function templatesOf(
  view: View,
  namespace: string,
  references: readonly AnalysisTemplateRef[],
): Template[] {
  const found = { namespaced: new Map<string, Template>(), cluster: new Map<string, Template>() };
  const waiting = [...references];
  for (let at = 0; at < waiting.length; at++) {
    if (at > TEMPLATES_MAX) throw new TemplateError(`more than ${TEMPLATES_MAX} templates`);
    const { templateName = "", clusterScope = false } = waiting[at]!;
    const known = clusterScope ? found.cluster : found.namespaced;
    if (known.has(templateName)) continue;
    const template = templateOf(view, namespace, waiting[at]!);
    known.set(templateName, template);
    waiting.splice(at + 1, 0, ...template.spec.templates ?? []);
  }
  return [...found.namespaced.values(), ...found.cluster.values()];
}

function templateOf(
  view: View,
  namespace: string,
  { templateName: name = "", clusterScope }: AnalysisTemplateRef,
): Template {
  const template = clusterScope
    ? view.get(clusterAnalysisTemplates, { name })
    : view.get(analysisTemplates, { namespace, name });
  if (template !== undefined) return template;
  throw new TemplateError(
    `${clusterScope ? "ClusterAnalysisTemplate" : "AnalysisTemplate"} '${name}' not found`,
  );
}

/** What several templates are together. */
export type MergedTemplate = Required<Omit<AnalysisTemplateSpec, "templates">>;

/**
 * One template of several. @throws {TemplateError} when two have a metric of one name, values of one argument that
 * differ, or rules of one name
 */
export function mergedTemplate(templates: readonly Template[]): MergedTemplate {
  const all = <T>(of: (spec: AnalysisTemplateSpec) => readonly T[] | undefined) =>
    templates.flatMap(({ spec }) => of(spec) ?? []);
  return {
    metrics: distinctMetrics(all(({ metrics }) => metrics)),
    dryRun: distinctRules("Dry-Run", all(({ dryRun }) => dryRun)),
    measurementRetention: distinctRules(
      "Measurement Retention",
      all(({ measurementRetention }) => measurementRetention),
    ),
    args: mergedArguments(all(({ args }) => args)),
  };
}

function distinctMetrics(metrics: Metric[]): Metric[] {
  const twice = firstRepeated(metrics.map(({ name }) => name));
  if (twice !== undefined) throw new TemplateError(`two metrics have the same name '${twice}'`);
  return metrics;
}

/** @throws {TemplateError} when two rules have one name */
export function distinctRules<R extends DryRun | MeasurementRetention>(
  what: "Dry-Run" | "Measurement Retention",
  rules: R[],
): R[] {
  const twice = firstRepeated(rules.map(({ metricName }) => metricName));
  if (twice === undefined) return rules;
  throw new TemplateError(`two ${what} metric rules have the same name '${twice}'`);
}

function firstRepeated(names: readonly string[]): string | undefined {
  return names.find((name, index) => names.indexOf(name) < index);
}

function mergedArguments(args: readonly Argument[]): Argument[] {
  const merged = new Map<string, Argument>();
  for (const argument of args) {
    const { name, value } = argument;
    const before = merged.get(name);
    if (before?.value === undefined) {
      merged.set(name, argument);
    } else if (value !== undefined && value !== before.value) {
      throw new TemplateError(
        `Argument \`${name}\` specified multiple times with different values: ` +
          `'${before.value}', '${value}'`,
      );
    }
  }
  return [...merged.values()];
}

/**
 * The arguments of a template with the values that a run is given; given ones that the template does not know are left
 * out. @throws {TemplateError} when one has no value
 */
export function withGivenArguments(
  args: readonly Argument[],
  given: readonly Argument[],
): Argument[] {
  return args.map((argument) => {
    const made = given.filter(({ name }) => name === argument.name).reduce(withGiven, argument);
    if (made.value === undefined && made.valueFrom === undefined) {
      throw new TemplateError(`args.${argument.name} was not resolved`);
    }
    return made;
  });
}

function withGiven(argument: Argument, { value, valueFrom }: Argument): Argument {
  if (value !== undefined) return { ...argument, value };
  return valueFrom === undefined ? argument : { ...argument, valueFrom };
}
