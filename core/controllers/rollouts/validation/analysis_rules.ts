import type { View } from "../../../client/client.ts";
import {
  type AnalysisTemplate,
  type AnalysisTemplateRef,
  analysisTemplates,
  type Argument,
  type ClusterAnalysisTemplate,
  clusterAnalysisTemplates,
  type Metric,
  type Rollout,
  type RolloutAnalysis,
} from "../../../resources/argoproj/mod.ts";
import type { ReplicaSet } from "../../../resources/apps/replica_sets.ts";
import { type Cause, invalid } from "../../../schema/causes.ts";
import { ArgumentError, argumentValues, withArguments } from "../../analysis/arguments.ts";
import { limitsOf } from "../../analysis/metric_limits.ts";
import {
  distinctRules,
  mergedTemplate,
  TemplateError,
  templatesOf,
  withGivenArguments,
} from "../../analysis/templates.ts";
import { FieldError, rolloutArguments } from "../analyses/arguments.ts";
import { HASH_LABEL } from "../situation/sets.ts";

type Template = AnalysisTemplate | ClusterAnalysisTemplate;

/** An analysis of a Rollout, and where it is. */
interface Place {
  field: string;
  analysis: RolloutAnalysis;
  isBackground: boolean;
}

/** What is wrong with the analyses of a Rollout: templates that are not there, and templates that do not fit. */
export function faultsOfAnalyses(
  rollout: Rollout,
  view: View,
): { missing: Iterable<Cause>; unfit: Iterable<Cause> } {
  const places = analysesOf(rollout);
  const { namespace } = rollout.metadata;
  return {
    missing: each(places, (place) => missingFaults(place, namespace, view)),
    unfit: each(places, (place) => unfitFaults(place, rollout, view)),
  };
}

function* each(places: readonly Place[], faults: (place: Place) => Iterable<Cause>) {
  for (const place of places) yield* faults(place);
}

function analysesOf({ spec: { strategy = {} } }: Rollout): Place[] {
  const { blueGreen, canary } = strategy;
  const place = (path: string, analysis: RolloutAnalysis | undefined, isBackground = false) =>
    analysis ? [{ field: `spec.strategy.${path}.templates`, analysis, isBackground }] : [];
  if (blueGreen) {
    return [
      ...place("blueGreen.prePromotionAnalysis", blueGreen.prePromotionAnalysis),
      ...place("blueGreen.postPromotionAnalysis", blueGreen.postPromotionAnalysis),
    ];
  }
  return [
    ...(canary?.steps ?? []).flatMap(({ analysis }, i) =>
      place(`canary.steps[${i}].analysis`, analysis)
    ),
    ...place("canary.analysis", canary?.analysis, true),
  ];
}

function* missingFaults(
  { field, analysis: { templates = [] } }: Place,
  namespace: string,
  view: View,
): Iterable<Cause> {
  for (const reference of templates) {
    const { templateName = "", clusterScope } = reference;
    if (isThere(reference, namespace, view)) continue;
    const kind = clusterScope ? "ClusterAnalysisTemplate" : "AnalysisTemplate";
    yield invalid(field, templateName, `${kind} '${templateName}' not found`);
  }
  const fault = thrownBy(() => templatesOf(view, namespace, templates));
  if (fault === undefined) return;
  const [, name = ""] = /'(.*)'/.exec(fault) ?? []; // one that a template names
  yield invalid("spec.templates", name, fault);
}

function isThere(
  { templateName: name = "", clusterScope }: AnalysisTemplateRef,
  namespace: string,
  view: View,
): boolean {
  return clusterScope
    ? view.get(clusterAnalysisTemplates, { name }) !== undefined
    : view.get(analysisTemplates, { namespace, name }) !== undefined;
}

/** What a function says that templates or arguments are wrong with. */
function thrownBy(act: () => unknown): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (error instanceof TemplateError || error instanceof ArgumentError) return error.message;
    throw error;
  }
}

function* unfitFaults(place: Place, rollout: Rollout, view: View): Iterable<Cause> {
  const { field, analysis, isBackground } = place;
  const templates = templatesOf(view, rollout.metadata.namespace, analysis.templates ?? []);
  const fault = thrownBy(() => refuseUnmergeable(templates, rollout, analysis));
  if (fault !== undefined) {
    const names = templates.map(({ metadata }) => metadata.name).join(" ");
    return yield invalid(field, `templateNames: [${names}]`, fault);
  }
  for (const template of templates) {
    const unfit = isBackground ? backgroundFaults(template, analysis) : endlessFaults(template);
    for (const text of unfit) yield invalid(field, template.metadata.name, text);
  }
}

/** Makes of the templates what a run would be. */
function refuseUnmergeable(
  templates: Template[],
  rollout: Rollout,
  analysis: RolloutAnalysis,
): void {
  const merged = mergedTemplate(templates);
  withGivenArguments(merged.args, givenArguments(rollout, analysis));
  distinctRules("Dry-Run", [...merged.dryRun, ...analysis.dryRun ?? []]);
  const retention = [...merged.measurementRetention, ...analysis.measurementRetention ?? []];
  distinctRules("Measurement Retention", retention);
}

/** Stands for a value that is not known yet. */
const PLACEHOLDER = "dummy-value";
const ANY_SET = { metadata: { labels: { [HASH_LABEL]: PLACEHOLDER } } } as unknown as ReplicaSet; // for its hash

/** None when one of them is a field that the Rollout does not have. */
function givenArguments(rollout: Rollout, { args = [] }: RolloutAnalysis): Argument[] {
  try {
    return rolloutArguments(args, { rollout, current: ANY_SET, stable: ANY_SET });
  } catch (error) {
    if (error instanceof FieldError) return [];
    throw error;
  }
}

function* endlessFaults({ metadata: { name }, spec }: Template): Iterable<string> {
  const { args = [], metrics = [] } = spec;
  const twice = args.find(({ value, valueFrom }) => value !== undefined && valueFrom);
  if (twice) {
    return yield `AnalysisTemplate ${name}: arg '${twice.name}' has both Value and ValueFrom fields`;
  }
  const known = args.map(({ name, value = PLACEHOLDER }) => ({ name, value }));
  const values = argumentValues(known, () => PLACEHOLDER);
  const resolved: Metric[] = [];
  const fault = thrownBy(() =>
    resolved.push(...metrics.map((metric) => withArguments(metric, values)))
  );
  if (fault !== undefined) return yield `AnalysisTemplate ${name}: ${fault}`;
  for (const metric of resolved) {
    if (limitsOf(metric).count !== undefined) continue;
    yield `AnalysisTemplate ${name} has metric ${metric.name} which runs indefinitely. ` +
      `Invalid value for count: ${metric.count ?? "<nil>"}`;
  }
}

/** Argo says no more than the name of an argument that is not given. */
function* backgroundFaults({ spec }: Template, analysis: RolloutAnalysis): Iterable<string> {
  for (const { name, value, valueFrom } of spec.args ?? []) {
    if (value !== undefined || valueFrom) continue;
    if (!analysis.args) yield "missing analysis arguments in rollout spec";
    else if (!analysis.args.some((given) => given.name === name)) yield name;
  }
}
