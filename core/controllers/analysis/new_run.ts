import type { Draft, View } from "../../client/client.ts";
import {
  type AnalysisRun,
  analysisRuns,
  type AnalysisRunSpec,
  type AnalysisTemplateRef,
  type Argument,
  type DryRun,
  type MeasurementRetention,
} from "../../resources/argoproj/mod.ts";
import type { AnyResource, NamespacedObject } from "../../resources/resource.ts";
import { update, type Write } from "../runtime/controller.ts";
import { canonicalJson } from "../runtime/hashes.ts";
import { controllerReference, isControlledBy } from "../runtime/ownership.ts";
import { isCompleted } from "./metric_assessment.ts";
import { distinctRules, mergedTemplate, templatesOf, withGivenArguments } from "./templates.ts";

export interface NewRun {
  view: View;
  owner: NamespacedObject;
  ownerResource: AnyResource;
  /** If nothing else has it: else a number is put behind it. */
  name: string;
  /** Between the name and that number. */
  separator: "." | "-";
  templates: readonly AnalysisTemplateRef[];
  args?: readonly Argument[];
  dryRun?: readonly DryRun[];
  measurementRetention?: readonly MeasurementRetention[];
  labels?: Readonly<Record<string, string>>;
  annotations?: Readonly<Record<string, string>>;
}

/** A run to be created. */
export type RunDraft = Draft<AnalysisRun> & { metadata: { name: string }; spec: AnalysisRunSpec };

/**
 * The run that an owner wants of some templates: one to create, or one that it has created before, which goes on and
 * measures the same. One that was told to end is none: it will be successful whatever it has measured.
 * @throws {TemplateError}
 */
export function newRun(wanted: NewRun): { draft: RunDraft } | { run: AnalysisRun } {
  const { view, owner, ownerResource, name, separator, labels, annotations } = wanted;
  const { namespace } = owner.metadata;
  const spec = specOf(wanted);
  for (let collisions = 0;; collisions++) {
    const nameNow = collisions === 0 ? name : `${name}${separator}${collisions}`;
    const run = view.get(analysisRuns, { namespace, name: nameNow });
    if (run === undefined) {
      const metadata = {
        name: nameNow,
        namespace,
        ...(labels && { labels }),
        ...(annotations && { annotations }),
        ownerReferences: [controllerReference(ownerResource, owner)],
      };
      return { draft: { metadata, spec } };
    }
    const goesOn = !isCompleted(run.status?.phase) && !run.spec.terminate;
    const isTheSame = isControlledBy(run, owner) && measures(run.spec) === measures(spec);
    if (goesOn && isTheSame) return { run };
  }
}

/** The write that ends runs which have not ended. */
export function terminations(runs: readonly AnalysisRun[]): Write[] {
  return runs
    .filter(({ spec, status }) => !spec.terminate && !isCompleted(status?.phase))
    .map((run) => update(analysisRuns, { ...run, spec: { ...run.spec, terminate: true } }));
}

function specOf(wanted: NewRun): AnalysisRunSpec {
  const { view, owner, templates, args = [], dryRun = [], measurementRetention = [] } = wanted;
  const template = mergedTemplate(templatesOf(view, owner.metadata.namespace, templates));
  const merged = {
    args: withGivenArguments(template.args, args),
    dryRun: distinctRules("Dry-Run", [...dryRun, ...template.dryRun]),
    measurementRetention: distinctRules(
      "Measurement Retention",
      [...measurementRetention, ...template.measurementRetention],
    ),
  };
  const notEmpty = Object.entries(merged).filter(([, list]) => list.length > 0);
  return { metrics: template.metrics, ...Object.fromEntries(notEmpty) };
}

function measures({ metrics, args, dryRun, measurementRetention }: AnalysisRunSpec): string {
  return canonicalJson({ metrics, args, dryRun, measurementRetention });
}
