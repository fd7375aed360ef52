import type { Mutant } from "./mutants.ts";

const CANARY_TESTS = [
  "core/controllers/rollouts/canary/canary_test.ts",
  "core/controllers/rollouts/canary/canary_property_test.ts",
  "core/controllers/rollouts/sizes/basic_sizes_test.ts",
];

/** Planted bugs in the controller of Rollouts and its canaries. */
export const ROLLOUT_MUTANTS: readonly Mutant[] = [
  {
    name: "crowd: a canary has one pod more than may surge",
    file: "core/controllers/rollouts/sizes/basic_sizes.ts",
    search: "let free = replicas + surge - canary.size",
    replace: "let free = replicas + surge + 1 - canary.size",
    tests: CANARY_TESTS,
  },
  {
    name: "outage: a canary takes a pod away that must stay available",
    file: "core/controllers/rollouts/sizes/basic_sizes.ts",
    search: "(goal.replicas - goal.unavailable);",
    replace: "(goal.replicas - goal.unavailable - 1);",
    tests: CANARY_TESTS,
  },
  {
    name: "ghosts: pods that are ending count as available",
    file: "core/controllers/rollouts/sizes/basic_sizes.ts",
    search: "return isShrinking || size < available ? size : available;",
    replace: "return isShrinking ? size : available;",
    tests: CANARY_TESTS,
  },
  {
    name: "deadlock: broken stable pods keep their places when nothing else can make room",
    file: "core/controllers/rollouts/sizes/basic_sizes.ts",
    search: "return isStuck(goal, counts) ? unstuck(counts, grown, wanted) : grown;",
    replace: "return grown;",
    tests: CANARY_TESTS,
  },
  {
    name: "outage: pods of a set in between go although they are needed",
    file: "core/controllers/rollouts/canary/other_sets.ts",
    search: "(rollout.spec.replicas - limitsOf(rollout).unavailable);",
    replace: "(rollout.spec.replicas - limitsOf(rollout).unavailable - 1);",
    tests: CANARY_TESTS,
  },
  {
    name: "too early: what is promoted is not there yet",
    file: "core/controllers/rollouts/canary/canary.ts",
    search:
      "if (pass.isAborted || availableOf(current) !== rollout.spec.replicas) return undefined;",
    replace: "if (pass.isAborted) return undefined;",
    tests: CANARY_TESTS,
  },
  {
    name: "haste: a pause ends before its time",
    file: "core/controllers/rollouts/canary/canary.ts",
    search: "nowMs >= pauseEndMs(pause, seconds);",
    replace: "nowMs >= pauseEndMs(pause, seconds - 1);",
    tests: CANARY_TESTS,
  },
  {
    name: "no way on: a pause that somebody ended begins again",
    file: "core/controllers/rollouts/canary/canary.ts",
    search: 'if (!rollout.status.controllerPause) pass.addPause("CanaryPauseStep");',
    replace: 'pass.addPause("CanaryPauseStep");',
    tests: CANARY_TESTS,
  },
  {
    name: "deaf: an abort that follows a full promotion is forgotten",
    file: "core/controllers/rollouts/situation/situation.ts",
    search: "...(isFreshAbort && { promoteFull: false }),",
    replace: "",
    tests: CANARY_TESTS,
  },
  {
    name: "gossip: events are told before the status that they are about is written",
    file: "core/controllers/rollouts/situation/pass.ts",
    search: "      ...statusWrites,\n      ...this.#told.map(recordEvent),",
    replace: "      ...this.#told.map(recordEvent),\n      ...statusWrites,",
    tests: ["core/controllers/rollouts/situation/pass_test.ts"],
  },
  {
    name: "two at once: a set is written twice in one look",
    file: "core/controllers/rollouts/situation/pass.ts",
    search: "      this.#sets.set(set.metadata.uid, known);\n",
    replace: "",
    tests: ["core/controllers/rollouts/situation/pass_test.ts", ...CANARY_TESTS],
  },
  {
    name: "resumed by an abort: the pause that an abort ends is told as resumed",
    file: "core/controllers/rollouts/status/finish.ts",
    search:
      "const isResumed = before !== undefined && now === undefined && !pass.status.abortedAt;",
    replace: "const isResumed = before !== undefined && now === undefined;",
    tests: CANARY_TESTS,
  },
  {
    name: "lost history: a set that comes back forgets the revision that it had",
    file: "core/controllers/rollouts/revisions.ts",
    search: "    ...formerRevisions(current, revisionOf(rollout)),\n",
    replace: "",
    tests: CANARY_TESTS,
  },
  {
    name: "crowd of the dead: sets beyond the limit of the history stay",
    file: "core/controllers/rollouts/parts/history.ts",
    search: "surplus > 0 ? staying.slice(0, surplus) : []",
    replace: "surplus > 1 ? staying.slice(0, surplus - 1) : []",
    tests: CANARY_TESTS,
  },
];
