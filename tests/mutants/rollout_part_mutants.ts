import type { Mutant } from "./mutants.ts";

const PARTS = "core/controllers/rollouts/parts";
const RULES = "core/controllers/rollouts/validation";
const HASH_TESTS = [`${PARTS}/template_hash_test.ts`];
const RESTART_TESTS = [`${PARTS}/pod_restarts_test.ts`];
const METADATA_TESTS = [`${PARTS}/ephemeral_metadata_test.ts`];
const AFFINITY_TESTS = [`${PARTS}/anti_affinity_test.ts`];
const WORKLOAD_TESTS = [`${PARTS}/workload_reference_test.ts`];
const SET_TESTS = [`${PARTS}/current_set_test.ts`];
const RULE_TESTS = [`${RULES}/validation_test.ts`];
const KIND_TESTS = ["core/api/custom/argo_kinds_test.ts"];

/** Planted bugs in Argo Rollouts' kinds, in the rules for them, and in what both strategies do. */
export const ROLLOUT_PART_MUTANTS: readonly Mutant[] = [
  {
    name: "other names: collisions are counted from the other end",
    file: `${PARTS}/template_hash.ts`,
    search: "setUint32(json.length, collisionCount, true)",
    replace: "setUint32(json.length, collisionCount, false)",
    tests: HASH_TESTS,
  },
  {
    name: "other names: what is empty is part of a hash",
    file: `${PARTS}/go_json.ts`,
    search: "&& !isAlways && isEmpty(own)",
    replace: "&& !isAlways && isEmpty(own) && own === null",
    tests: HASH_TESTS,
  },
  {
    name: "other names: keys of a map are in the order in which they came",
    file: `${PARTS}/go_json.ts`,
    search: "Object.keys(value).sort()",
    replace: "Object.keys(value)",
    tests: HASH_TESTS,
  },
  {
    name: "twin: a template that came back makes another set",
    file: `${PARTS}/current_set.ts`,
    search: "const { [HASH_LABEL]: _, ...labels } = metadata?.labels ?? {};",
    replace: "const labels = metadata?.labels ?? {};",
    tests: SET_TESTS,
  },
  {
    name: "outage: restarts evict one pod more than may be missing",
    file: `${PARTS}/pod_restarts.ts`,
    search: "available - (wanted - missingMax)",
    replace: "available - (wanted - missingMax) + 1",
    tests: RESTART_TESTS,
  },
  {
    name: "haste: pods are restarted before the time has come",
    file: `${PARTS}/pod_restarts.ts`,
    search: "if (nowMs <= restartMs) {",
    replace: "if (nowMs + 60_000 <= restartMs) {",
    tests: RESTART_TESTS,
  },
  {
    name: "eternal: pods as old as the restart are restarted for ever",
    file: `${PARTS}/pod_restarts.ts`,
    search: "msOf(metadata.creationTimestamp) < restartMs",
    replace: "msOf(metadata.creationTimestamp) <= restartMs",
    tests: RESTART_TESTS,
  },
  {
    name: "trespass: restarts do not ask budgets",
    file: `${PARTS}/pod_restarts.ts`,
    search: "if (budgets.size === 0) return [...candidates];",
    replace: "if (budgets.size >= 0) return [...candidates];",
    tests: RESTART_TESTS,
  },
  {
    name: "litter: metadata that are no longer wanted stay",
    file: `${PARTS}/ephemeral_metadata.ts`,
    search: "const kept = Object.entries(words).filter(([key]) => !isOutdated(key));",
    replace: "const kept = Object.entries(words);",
    tests: METADATA_TESTS,
  },
  {
    name: "mix-up: stable pods have the metadata of canaries",
    file: `${PARTS}/ephemeral_metadata.ts`,
    search: "if (stable && !isSettled) syncSet(situation, pass, stable, settled);",
    replace: "if (stable && !isSettled) syncSet(situation, pass, stable, fresh);",
    tests: METADATA_TESTS,
  },
  {
    name: "late: existing pods keep their metadata",
    file: `${PARTS}/ephemeral_metadata.ts`,
    search: "return metadata ? [update(pods, { ...pod, metadata })] : [];",
    replace: "return metadata && !pod ? [update(pods, { ...pod, metadata })] : [];",
    tests: METADATA_TESTS,
  },
  {
    name: "self-avoidance: pods of the stable set keep away from each other",
    file: `${PARTS}/anti_affinity.ts`,
    search: 'if (!strategy || stableRS === "" || stableRS === hash) return template;',
    replace: 'if (!strategy || stableRS === "") return template;',
    tests: AFFINITY_TESTS,
  },
  {
    name: "theft: the pods of a workload go although they are to stay",
    file: "core/controllers/rollouts/status/finish.ts",
    search: 'const isOnSuccess = spec.workloadRef?.scaleDown === "onsuccess";',
    replace: "const isOnSuccess = spec.workloadRef !== undefined;",
    tests: WORKLOAD_TESTS,
  },
  {
    name: "deaf: a change of a workload is not noticed",
    file: `${PARTS}/workload_reference.ts`,
    search: "const { kind } = resource;",
    replace: 'const kind = "ReplicaSet";',
    tests: WORKLOAD_TESTS,
  },
  {
    name: "gullible: a Service of another Rollout is taken",
    file: `${RULES}/reference_rules.ts`,
    search: "if (manager !== undefined && manager !== metadata.name) {",
    replace: "if (manager !== undefined && manager === metadata.name) {",
    tests: RULE_TESTS,
  },
  {
    name: "gullible: a weight beyond all is taken",
    file: `${RULES}/step_rules.ts`,
    search: "(setWeight < 0 || setWeight > max)",
    replace: "(setWeight < 0 || setWeight > max + 1)",
    tests: RULE_TESTS,
  },
  {
    name: "gullible: an analysis without an end is taken as a step",
    file: `${RULES}/analysis_rules.ts`,
    search: "if (limitsOf(metric).count !== undefined) continue;",
    replace: "if (limitsOf(metric).count === undefined) continue;",
    tests: RULE_TESTS,
  },
  {
    name: "blindfold: an amount that is none is stored",
    file: "core/resources/argoproj/malformed_amounts.ts",
    search: "if (faulty.length === 0) return amounts;",
    replace: "if (faulty.length <= 1) return amounts;",
    tests: KIND_TESTS,
  },
  {
    name: "meddling: a template is defaulted where it is stored",
    file: "core/resources/argoproj/without_defaults.ts",
    search: 'isPort && name === "protocol" ? { ...own, default: "TCP" } : own',
    replace: "{ ...own, ...(field.default !== undefined && { default: field.default }) }",
    tests: KIND_TESTS,
  },
  {
    name: "bypass: an eviction in the same process asks no budget",
    file: "core/resources/core/pods/eviction.ts",
    search: "const isSpent = budget !== undefined && !mayGoUnhealthy(pod, budget);",
    replace: "const isSpent = budget !== undefined && false;",
    tests: ["core/objects/local_client_test.ts"],
  },
];
