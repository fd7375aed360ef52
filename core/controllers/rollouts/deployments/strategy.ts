import type { View } from "../../../client/client.ts";
import { ManifestError, parseManifests } from "../../../manifest/manifest.ts";
import type { Deployment } from "../../../resources/apps/deployments.ts";
import type { CanaryStep, RolloutStrategy } from "../../../resources/argoproj/mod.ts";
import { configMaps } from "../../../resources/core/config_maps.ts";
import type { NamespacedObject } from "../../../resources/resource.ts";
import type { Service } from "../../../resources/core/services/services.ts";
import { STEPS } from "../../apps/stepwise.ts";
import { type Term, termsIn } from "./analysis_text.ts";
import { type Read, stepsIn } from "./canary_text.ts";
import { frontServiceOf, nameOfShare, shareCauses } from "./front_service.ts";

const SERVICE_PLUGIN = "coracle.dev/service";
/** Where the strategy is in a ConfigMap. */
const STRATEGY_KEY = "strategy";

/** How a Deployment is to be rolled out. */
export interface Wanted {
  strategy: RolloutStrategy;
  /** The Service whose traffic is split; absent: the strategy names its own, or pods alone make the weights. */
  front?: Service;
  /** What must hold of the answers of the canary. */
  terms: readonly Term[];
}

/** What the annotations of a Deployment ask for, or everything that is wrong with them. */
export function wantedOf(deployment: Deployment, view: View): Read<Wanted> {
  const { annotations = {} } = deployment.metadata;
  const { [STEPS.canary]: canary, [STEPS.strategy]: strategy } = annotations;
  if (canary !== undefined && strategy !== undefined) {
    return { causes: [`${STEPS.canary} and ${STEPS.strategy} cannot both be set`] };
  }
  if (strategy !== undefined) {
    const read = strategyInConfigMap(deployment, strategy, view);
    return "value" in read ? { value: { strategy: read.value, terms: [] } } : read;
  }
  return ofText(deployment, canary ?? "", view);
}

function ofText(deployment: Deployment, text: string, view: View): Read<Wanted> {
  const analysis = deployment.metadata.annotations?.[STEPS.analysis];
  const steps = named(STEPS.canary, stepsIn(text));
  const terms = analysis === undefined ? { value: [] } : named(STEPS.analysis, termsIn(analysis));
  const front = frontServiceOf(deployment, view);
  const causes = [steps, terms, front].flatMap((each) => "causes" in each ? each.causes : []);
  if ("value" in front) {
    if (front.value) causes.push(...shareCauses(deployment, view));
    else if (analysis !== undefined) {
      causes.push(`${STEPS.analysis}: no Service selects the pods, so there is nothing to measure`);
    }
  }
  if (causes.length > 0 || "causes" in steps || "causes" in terms || "causes" in front) {
    return { causes };
  }
  const strategy = strategyOf(deployment, steps.value, {
    front: front.value,
    isAnalysed: terms.value.length > 0,
  });
  return { value: { strategy, terms: terms.value, ...(front.value && { front: front.value }) } };
}

/** The same with the annotation before each cause. */
export function named<T>(annotation: string, read: Read<T>): Read<T> {
  if ("value" in read) return read;
  return { causes: read.causes.map((cause) => `${annotation}: ${cause}`) };
}

function strategyOf(
  deployment: Deployment,
  steps: readonly CanaryStep[],
  { front, isAnalysed }: { front: Service | undefined; isAnalysed: boolean },
): RolloutStrategy {
  if (front === undefined) {
    const { maxSurge, maxUnavailable } = deployment.spec.strategy.rollingUpdate ?? {};
    return {
      canary: {
        steps: [...steps],
        ...(maxSurge !== undefined && { maxSurge }),
        ...(maxUnavailable !== undefined && { maxUnavailable }),
      },
    };
  }
  const [first, pause, ...others] = steps;
  const gate = { analysis: { templates: [{ templateName: nameOfTemplate(deployment, "gate") }] } };
  const gated = isAnalysed ? [first!, pause!, gate, ...others] : [...steps];
  return {
    canary: {
      steps: gated,
      stableService: nameOfShare(deployment, "stable"),
      canaryService: nameOfShare(deployment, "canary"),
      trafficRouting: { plugins: { [SERVICE_PLUGIN]: { service: front.metadata.name } } },
      // What has no traffic left need not wait: a way back makes pods anew.
      scaleDownDelaySeconds: 0,
      ...(isAnalysed && {
        analysis: {
          templates: [{ templateName: nameOfTemplate(deployment, "watch") }],
          startingStep: 1,
        },
      }),
    },
  };
}

/** Of the analysis that a canary has to pass before it gets more, or of the one that goes on all the time. */
export function nameOfTemplate({ metadata }: Deployment, kind: "gate" | "watch"): string {
  return `${metadata.name}-${kind}`;
}

/** The strategy that a ConfigMap of the workload's namespace holds, or why there is none. */
export function strategyInConfigMap(
  { metadata: { namespace, annotations = {} } }: NamespacedObject,
  name: string,
  view: View,
): Read<RolloutStrategy> {
  const fault = (cause: string) => ({ causes: [`${STEPS.strategy}: ${cause}`] });
  if (annotations[STEPS.analysis] !== undefined) {
    return fault(`${STEPS.analysis} goes with ${STEPS.canary} only: a strategy names its analyses`);
  }
  const found = view.get(configMaps, { namespace, name });
  if (found === undefined) return fault(`configmaps "${name}" not found`);
  const text = found.data?.[STRATEGY_KEY];
  if (text === undefined) return fault(`ConfigMap "${name}" has no key "${STRATEGY_KEY}"`);
  try {
    const strategy = parseManifests(text)[0]?.value as RolloutStrategy | undefined;
    const kinds = ["canary", "blueGreen"].filter((kind) => strategy && kind in strategy);
    if (kinds.length !== 1 || Object.keys(strategy!).length !== 1) {
      return fault(
        `"${STRATEGY_KEY}" of ConfigMap "${name}" must have either canary or blueGreen, and nothing else`,
      );
    }
    return { value: strategy! }; // the Rollout's controller says what is wrong with it
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error;
    return fault(`cannot read "${STRATEGY_KEY}" of ConfigMap "${name}": ${error.message}`);
  }
}
