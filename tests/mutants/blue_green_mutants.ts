import type { Mutant } from "./mutants.ts";

const FOLDER = "core/controllers/rollouts/blue_green";
const TESTS = [`${FOLDER}/blue_green_test.ts`, `${FOLDER}/blue_green_model_test.ts`];
const STATUS_TESTS = ["core/controllers/rollouts/status/conditions_test.ts"];

/** Planted bugs in blue-green Rollouts, and in what their status says. */
export const BLUE_GREEN_MUTANTS: readonly Mutant[] = [
  {
    name: "black-out: users are switched to new pods before all of them are there",
    file: `${FOLDER}/active_service.ts`,
    search: "if (!isThere(situation) || !isSaturated(current, rollout)) return false;",
    replace: "if (!isThere(situation) && availableOf(current) === 0) return false;",
    tests: TESTS,
  },
  {
    name: "black-out: an abort goes back to old pods that are not there any more",
    file: `${FOLDER}/active_service.ts`,
    search: "return availableOf(stable) > 0 && availableOf(stable) >= needed;",
    replace: "return stable !== undefined && needed >= 0;",
    tests: TESTS,
  },
  {
    name: "stuck: an abort goes back only while the new pods are fine",
    file: `${FOLDER}/active_service.ts`,
    search:
      "if (pass.isAborted) return canGoBack(situation, selected) ? hashOf(stable) : selected;",
    replace:
      "if (pass.isAborted && isSaturated(current, rollout)) return canGoBack(situation, selected) ? hashOf(stable) : selected;",
    tests: TESTS,
  },
  {
    name: "stuck: a Service that selects pods of a set that is gone keeps doing so",
    file: `${FOLDER}/active_service.ts`,
    search: "return isLost && availableOf(stable) > 0 ?",
    replace: "return isLost && availableOf(stable) < 0 ?",
    tests: TESTS,
  },
  {
    name: "lost way back: the pods that users see go when an update is given up",
    file: `${FOLDER}/sizes.ts`,
    search:
      "if (set.spec.replicas === 0 || isReferenced(situation, set) || isServed(situation, set)) {",
    replace: "if (set.spec.replicas === 0) {",
    tests: TESTS,
  },
  {
    name: "early end: replaced pods go while proxies still send them requests",
    file: `${FOLDER}/served_sets.ts`,
    search: 'if (active !== undefined && !traffic.serves("Service", active)) return true;',
    replace: "",
    tests: TESTS,
  },
  {
    name: "growth: a preview that was given up grows to the full size before it goes",
    file: `${FOLDER}/sizes.ts`,
    search: "return isWhole ? rollout.spec.replicas : spec.replicas;",
    replace: "return isWhole || !isWhole ? rollout.spec.replicas : spec.replicas;",
    tests: TESTS,
  },
  {
    name: "shrinking: the promoted preview becomes small again when somebody pauses",
    file: `${FOLDER}/sizes.ts`,
    search: "const isSettled = current === stable || current === active || active === undefined;",
    replace: "const isSettled = current === stable || active === undefined;",
    tests: TESTS,
  },
  {
    name: "unasked: what failed is promoted when somebody tries it again",
    file: "core/controllers/rollouts/situation/delays.ts",
    search: "return hasDeadline(current) && status.abortedAt === undefined;",
    replace: "return hasDeadline(current) && status !== undefined;",
    tests: TESTS,
  },
  {
    name: "unasked: a promotion does not wait for the analysis before it",
    file: `${FOLDER}/active_service.ts`,
    search: "(isPauseOver(situation, pass) && wasJudgedGood(situation, pass));",
    replace: "(isPauseOver(situation, pass) || wasJudgedGood(situation, pass));",
    tests: TESTS,
  },
  {
    name: "deaf: a promotion by somebody does not end a pause that has a time",
    file: `${FOLDER}/auto_promotion.ts`,
    search: "if (pause === undefined) return status.controllerPause === true;",
    replace:
      "if (pause === undefined) return status.controllerPause === true && autoPromotionEnabled === false;",
    tests: TESTS,
  },
  {
    name: "slow way back: going back to pods that are still there pauses",
    file: `${FOLDER}/auto_promotion.ts`,
    search: "return isGoingBack(situation) || rollout.status.promoteFull === true ||",
    replace: "return rollout.status.promoteFull === true ||",
    tests: TESTS,
  },
  {
    name: "premature: the new pods are stable before the analysis after the switch",
    file: `${FOLDER}/promotion.ts`,
    search: 'return isJudgedAfter(rollout, pass.runs) ? "Completed blue-green update" : undefined;',
    replace:
      'return isJudgedAfter(rollout, pass.runs) || stable ? "Completed blue-green update" : undefined;',
    tests: TESTS,
  },
  {
    name: "squatting: a Service that no rollout names keeps selecting by a hash",
    file: "core/controllers/rollouts/service_releases.ts",
    search: "return isNamed ? free : withoutHash(free);",
    replace: "return isNamed || !isNamed ? free : withoutHash(free);",
    tests: TESTS,
  },
  {
    name: "impatience: a rollout times out while it is paused",
    file: "core/controllers/rollouts/status/progress.ts",
    search: 'if (conditionIn(status.conditions, "Paused")?.status === "True") return true;',
    replace: "",
    tests: STATUS_TESTS,
  },
  {
    name: "old order: a changed condition stays where it was",
    file: "core/controllers/rollouts/status/condition_list.ts",
    search: "return before?.status === update.status && before.reason === update.reason",
    replace: "return before?.status === update.status",
    tests: STATUS_TESTS,
  },
];
