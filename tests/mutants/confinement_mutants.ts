import type { Mutant } from "./mutants.ts";

/** Planted bugs in what a container may do and gets. */
export const CONFINEMENT_MUTANTS: readonly Mutant[] = [
  {
    name: "profile: a pod names a seccomp profile outside of the node's folder",
    file: "agent/pods/container_specs.ts",
    search: '|| path.split("/").includes("..")',
    replace: "",
    tests: ["agent/pods/environment_test.ts"],
  },
  {
    name: "sysctls: one that only begins like an allowed one is allowed",
    file: "agent/runtimes/sysctls.ts",
    search: "each.isPrefix ? name.startsWith(each.name) : name === each.name",
    replace: "name.startsWith(each.name)",
    tests: ["agent/runtimes/sysctls_test.ts"],
  },
  {
    name: "sysctls: a pod on the node's network sets the node's own",
    file: "agent/runtimes/sysctls.ts",
    search: '(namespace === "Net" && hostNetwork)',
    replace: "false",
    tests: ["agent/runtimes/sysctls_test.ts"],
  },
  {
    name: "rejection: a pod that has started is rejected by an agent that comes later",
    file: "agent/pods/pod_rejection.ts",
    search: "  if (pod.status.startTime !== undefined) return undefined;\n",
    replace: "",
    tests: ["agent/pods/pod_rejection_test.ts"],
  },
  {
    name: "devices: two pods have one device",
    file: "agent/devices/node_devices.ts",
    search: "filter((id) => !taken.has(id))",
    replace: "filter(() => taken.size >= 0)",
    tests: ["agent/devices/node_devices_test.ts"],
  },
  {
    name: "devices: a flag shows pods a file of the node",
    file: "agent/devices/device_flag.ts",
    search: ' && part !== ".."',
    replace: "",
    tests: ["agent/devices/device_flag_test.ts"],
  },
  {
    name: "resize: what other pods have is not counted",
    file: "agent/pods/runs/allocation.ts",
    search: "wanted[name] + used[name] > whole[name]",
    replace: "wanted[name] > whole[name]",
    tests: ["agent/pods/pod_resizes_test.ts"],
  },
  {
    name: "resize: a container that starts again gets what its node has refused",
    file: "agent/pods/container_starts.ts",
    search: "return allocatedPod(pod, this.#options.record.allocation);",
    replace: "return pod;",
    tests: ["agent/pods/pod_resizes_test.ts"],
  },
  {
    name: "tiers: a pod that ends leaves the burstable tier its share",
    file: "agent/cgroups/pod_cgroups.ts",
    search: "if (this.#pods.delete(podUid)) await this.#balance();",
    replace: "this.#pods.delete(podUid);",
    tests: ["agent/cgroups/pod_cgroups_test.ts"],
  },
  {
    name: "out of memory: a container without a request is not the first to be killed",
    file: "agent/cgroups/oom_score.ts",
    search: "Math.min(BEST_EFFORT - 1, Math.max(1000 + GUARANTEED, adjusted))",
    replace: "Math.min(BEST_EFFORT, Math.max(GUARANTEED, adjusted))",
    tests: ["agent/cgroups/oom_score_test.ts"],
  },
  {
    name: "names: a pod's own options of the resolver do not win",
    file: "agent/dns/resolver_config.ts",
    search: "[...options, ...more]",
    replace: "[...more, ...options]",
    tests: ["agent/dns/resolver_config_test.ts"],
  },
];
