import type { Mutant } from "./mutants.ts";

const FOLDER = "core/controllers/rollouts/deployments";
const TESTS = [
  `${FOLDER}/stepwise_deployments_test.ts`,
  `${FOLDER}/annotation_texts_test.ts`,
];

/** Planted bugs in what rolls out Deployments in steps. */
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
];
