import type { Mutant } from "./mutants.ts";

const FOLDER = "core/controllers/rollouts/deployments";
const TESTS = [
  `${FOLDER}/stepwise_deployments_test.ts`,
  `${FOLDER}/annotation_texts_test.ts`,
];

const IN_PLACE = "core/controllers/rollouts/in_place";
const IN_PLACE_TESTS = [
  `${IN_PLACE}/in_place_test.ts`,
  `${IN_PLACE}/in_place_property_test.ts`,
];

/** Planted bugs in what rolls out Deployments, StatefulSets and DaemonSets in steps. */
export const STEPWISE_MUTANTS: readonly Mutant[] = [
  {
    name: "double life: the Deployment's own controller acts beside the Rollout",
    file: "core/controllers/apps/deployments.ts",
    search: "if (isLeftToRollout(deployment, view)) return NOTHING;",
    replace: "",
    tests: TESTS,
  },
  {
    name: "fresh start: the new template is stable, and goes to all pods at once",
    file: `${FOLDER}/stepwise_deployments.ts`,
    search: "if (known === undefined) return own;",
    replace: 'if (known?.kind !== "Rollout") return own;',
    tests: TESTS,
  },
  {
    name: "strangers: pods of the set that is taken over keep their labels",
    file: `${FOLDER}/takeover.ts`,
    search: "...unlabelled.map((pod) => update(pods, withLabel(pod, hash))),",
    replace: "",
    tests: TESTS,
  },
  {
    name: "amnesia: kubectl finds no revision to go back to",
    file: `${FOLDER}/stepwise_deployments.ts`,
    search: "return createCurrent({ deployment, history, view, nowMs }, 0);",
    replace: "return NOTHING;",
    tests: TESTS,
  },
  {
    name: "eagerness: what cannot be read is rolled out all the same",
    file: "core/controllers/apps/stepwise.ts",
    search: "return isStepwise(deployment) && runningSetsOf(view, deployment).length <= 1;",
    replace: "return false;",
    tests: TESTS,
  },
  {
    name: "echo: the same fault is told again and again",
    file: `${FOLDER}/stepwise_deployments.ts`,
    search: "const told = status === deployment.status ? [] : [recordEvent({",
    replace: "const told = [recordEvent({",
    tests: TESTS,
  },
  {
    name: "debris: the front Service keeps its shares after the Rollout is gone",
    file: `${FOLDER}/front_service.ts`,
    search: "if (front === undefined || shares === undefined) return [];",
    replace: "if (front !== undefined || shares === undefined) return [];",
    tests: TESTS,
  },
  {
    name: "success by silence: nothing measured counts as good",
    file: `${FOLDER}/analysis_text.ts`,
    search: 'const IS_MEASURED = "result.p50 != nil";',
    replace: 'const IS_MEASURED = "true";',
    tests: TESTS,
  },
  {
    name: "good news: kubectl waits for ever for what was taken back",
    file: `${FOLDER}/stepwise_status.ts`,
    search: 'if (phase === "Degraded") return { status: "False", reason: GIVEN_UP, message };',
    replace: "",
    tests: TESTS,
  },
  {
    name: "lag: an old status passes for that of the new template",
    file: `${FOLDER}/stepwise_status.ts`,
    search: "const status = hasSeen(deployment, rollout)",
    replace: "const status = rollout !== undefined",
    tests: TESTS,
  },
  {
    name:
      "places: a new template is rolled out as far as the old one was, before its Rollout has seen it",
    file: "core/controllers/rollouts/in_place/division.ts",
    search:
      "if (!rollout || !stableRS || currentPodHash !== wanted) return { stable, weight: 0, holds: true };",
    replace: "if (!rollout || !stableRS) return { stable, weight: 0, holds: true };",
    tests: IN_PLACE_TESTS,
  },
  {
    name: "places: steps begin in the middle of an update",
    file: "core/controllers/rollouts/in_place/stepwise_workloads.ts",
    search: "if (isUpdating(hashIn(current.metadata.name), owned)) return NOTHING;",
    replace: "",
    tests: IN_PLACE_TESTS,
  },
  {
    name: "places: what users keep back by a partition is updated",
    file: "core/controllers/apps/stateful_sets/ordinal_steps.ts",
    search: "Math.max(replicas - placesFor(weight, replicas), rollingUpdate?.partition ?? 0)",
    replace:
      "Math.min(replicas - placesFor(weight, replicas), replicas + (rollingUpdate?.partition ?? 0))",
    tests: IN_PLACE_TESTS,
  },
  {
    name: "places: a pause of the user's holds nothing of a StatefulSet",
    file: "core/controllers/apps/stateful_sets/rolling_update.ts",
    search: 'if (type === "OnDelete" || state.history.steps?.holds) return [];',
    replace: 'if (type === "OnDelete") return [];',
    tests: IN_PLACE_TESTS,
  },
  {
    name: "places: a pause of the user's holds nothing of a DaemonSet",
    file: "core/controllers/apps/daemon_sets/rolling_update.ts",
    search: 'state.daemonSet.spec.updateStrategy.type === "OnDelete" || state.steps?.holds',
    replace: 'state.daemonSet.spec.updateStrategy.type === "OnDelete"',
    tests: IN_PLACE_TESTS,
  },
  {
    name: "places: nodes give the new template back when others come",
    file: "core/controllers/apps/daemon_sets/node_steps.ts",
    search: "if (pods.some((pod) => hashOfPod(pod) === wanted)) return 0;",
    replace: "",
    tests: IN_PLACE_TESTS,
  },
  {
    name: "places: any weight of many places may be none",
    file: "core/controllers/apps/division.ts",
    search: "Math.max(1, Math.round(places * weight / WEIGHT_MAX))",
    replace: "Math.round(places * weight / WEIGHT_MAX)",
    tests: IN_PLACE_TESTS,
  },
  {
    name: "places: a step is done before the pods are available",
    file: "core/controllers/rollouts/in_place/in_place.ts",
    search: "availableOf(current) === current.spec.replicas &&",
    replace: "",
    tests: IN_PLACE_TESTS,
  },
  {
    name: "places: a broken pod of a StatefulSet keeps it from going back",
    file: "core/controllers/apps/stateful_sets/stateful_sets.ts",
    search: "isSettled ? podsToReplace(state) : brokenPodToReplace(state)",
    replace: "isSettled ? podsToReplace(state) : []",
    tests: IN_PLACE_TESTS,
  },
  {
    name: "places: without annotations the Rollout stays, and holds",
    file: "core/controllers/rollouts/in_place/stepwise_workloads.ts",
    search: "return rollout ? plan([remove(rollouts, rollout)]) : NOTHING;",
    replace: "return NOTHING;",
    tests: IN_PLACE_TESTS,
  },
];
