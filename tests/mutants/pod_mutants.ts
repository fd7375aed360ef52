import type { Mutant } from "./mutants.ts";

const INIT_TESTS = ["agent/pods/runs/init_progress_test.ts"];
const LIFE_TESTS = ["agent/agent_lifecycle_test.ts"];

/** Planted bugs in the lives of containers: what comes before, beside and after the main ones. */
export const POD_MUTANTS: readonly Mutant[] = [
  {
    name: "out of turn: main containers start while an init container is still to succeed",
    file: "agent/pods/runs/init_progress.ts",
    search: "    if (!isDone) return { wanted, isDone: false };\n",
    replace: "    if (!isDone) return { wanted, isDone: true };\n",
    tests: INIT_TESTS,
  },
  {
    name: "all at once: init containers do not wait for each other",
    file: "agent/pods/runs/init_progress.ts",
    search: "    if (!isDone) return { wanted, isDone: false };\n",
    replace: "",
    tests: INIT_TESTS,
  },
  {
    name: "no evidence: an init container that was passed is run again when its record is gone",
    file: "agent/pods/runs/init_progress.ts",
    search: "all.findLastIndex(",
    replace: "all.findIndex(",
    tests: INIT_TESTS,
  },
  {
    name: "another network: what was done in the one before still counts",
    file: "agent/pods/pod_steps.ts",
    search: "      await this.#forgetInitRuns(pod);\n",
    replace: "",
    tests: LIFE_TESTS,
  },
  {
    name: "a sidecar that lives for ever: it keeps its pod from completing",
    file: "agent/pods/next_step.ts",
    search: "  if (isPodOver(pod, observed)) {",
    replace: "  if (isPodOver(pod, observed) && !hasInitContainers(pod)) {",
    tests: [...INIT_TESTS, ...LIFE_TESTS],
  },
  {
    name: "first out: sidecars end with the main containers",
    file: "agent/pods/container_stops.ts",
    search: "hasEnded(record, id) || !isAnyRunning(record, after)",
    replace: "hasEnded(record, id) || after.length > 0",
    tests: LIFE_TESTS,
  },
  {
    name: "the wrong way round: the first sidecar ends first",
    file: "agent/pods/runs/termination_order.ts",
    search: "...sidecars.slice(at + 1)",
    replace: "...sidecars.slice(0, at)",
    tests: LIFE_TESTS,
  },
  {
    name: "again and again: an init container that has succeeded is started anew",
    file: "agent/pods/runs/restart_rules.ts",
    search: ' || (role === "init" && exitCode === 0)',
    replace: "",
    tests: ["agent/pods/runs/restart_rules_test.ts"],
  },
  {
    name: "the rule of others: NotIn is taken for In",
    file: "agent/pods/runs/restart_rules.ts",
    search: 'isListed === (exitCodes.operator === "In")',
    replace: "isListed",
    tests: ["agent/pods/runs/restart_rules_test.ts"],
  },
  {
    name: "too early: a container counts as running while its hook still runs",
    file: "agent/pods/container_status.ts",
    search: "      if (run.isStarting) return waitingState(each, input, run);\n",
    replace: "",
    tests: LIFE_TESTS,
  },
  {
    name: "on top: a hook before the end is not part of the grace",
    file: "agent/pods/container_stops.ts",
    search: "    const restMs = endMs - clock.elapsed();",
    replace: "    const restMs = graceMs;",
    tests: LIFE_TESTS,
  },
  {
    name: "told to all: the event of a hook says what the hook said",
    file: "agent/pods/pod_events.ts",
    search: "`Failed${hook}Hook`, `${hook}Hook failed`",
    replace: "`Failed${hook}Hook`, `${hook}Hook failed: ${pod.spec.restartPolicy}`",
    tests: LIFE_TESTS,
  },
  {
    name: "any answer is good: a service that does not serve passes its probe",
    file: "agent/probes/grpc_probe.ts",
    search: "  if (status === SERVING) return",
    replace: "  if (status !== undefined) return",
    tests: ["agent/probes/grpc_probe_test.ts"],
  },
  {
    name: "a bomb: what a server sends as its head is read without a limit",
    file: "agent/probes/http_message.ts",
    search: "text.length > HEAD_BYTES_MAX",
    replace: "text.length > 1_000 * HEAD_BYTES_MAX",
    tests: ["agent/probes/http_message_test.ts"],
  },
  {
    name: "between the lines: a header of a probe brings further ones",
    file: "agent/probes/http_message.ts",
    search: "x20-\\x7e",
    replace: "x0a-\\x7e",
    tests: ["agent/probes/http_message_test.ts"],
  },
];
