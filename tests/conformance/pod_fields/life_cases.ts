import assert from "node:assert/strict";
import { type FieldCase, isOver, isReady, under, waitingOf } from "./field_case.ts";
import { podOf, type ProcessCluster } from "./process_cluster.ts";

const SECURITY = ["runAsUser", "runAsGroup", "runAsNonRoot"];

/** How containers begin and end, and as whom they run. */
export const LIFE_CASES: readonly FieldCase<ProcessCluster>[] = [
  {
    name: "a container runs again when its pod's policy says so",
    fields: ["restartPolicy"],
    run: restartPolicy,
  },
  {
    name: "a container has a restart policy of its own, with rules for exit codes",
    fields: [
      ...under("containers[]", "restartPolicy"),
      ...under("containers[].restartPolicyRules[]", "action"),
      ...under("containers[].restartPolicyRules[].exitCodes", "operator", "values"),
    ],
    run: restartRules,
  },
  {
    name: "init containers come first, in their order; sidecars run beside",
    fields: ["initContainers"],
    run: initContainers,
  },
  {
    name: "SIGTERM, then SIGKILL after the grace period",
    fields: ["terminationGracePeriodSeconds"],
    run: grace,
  },
  {
    name: "a pod that is active for too long fails",
    fields: ["activeDeadlineSeconds"],
    run: deadline,
  },
  {
    name: "last words come from their file, or after a failure from the log",
    fields: under("containers[]", "terminationMessagePath", "terminationMessagePolicy"),
    run: lastWords,
  },
  {
    name: "the user, the group and new rights are those of the container, else of the pod",
    fields: [
      ...under("securityContext", ...SECURITY),
      ...under("containers[].securityContext", ...SECURITY, "allowPrivilegeEscalation"),
    ],
    run: user,
  },
  {
    name: "a pod is ready once others say so too",
    fields: ["readinessGates[].conditionType"],
    run: readinessGates,
  },
  {
    name: "the hosts file has the pod's own lines and its domain",
    fields: ["subdomain", ...under("hostAliases[]", "ip", "hostnames")],
    run: hosts,
  },
  {
    name: "a pod on the network of the node has the address of the node",
    fields: ["hostNetwork"],
    run: hostNetwork,
  },
];

async function restartPolicy(cluster: ProcessCluster): Promise<void> {
  const runs = (name: string) => `${cluster.dataFolder}/runs-${name}`;
  const pod = (name: string, restartPolicy: string, script: string) =>
    podOf(name, { script: `echo run >> ${runs(name)}; ${script}`, spec: { restartPolicy } });
  await cluster.apply(
    pod("never", "Never", "exit 1"),
    pod("on-failure", "OnFailure", `test $(wc -l < ${runs("on-failure")}) -gt 1`),
    pod("always", "Always", "exit 0"),
  );
  const never = await cluster.podWhen("never", isOver);
  assert.deepEqual([never.status.phase, restarts(never)], ["Failed", 0]);
  const onFailure = await cluster.podWhen("on-failure", isOver);
  assert.deepEqual([onFailure.status.phase, restarts(onFailure)], ["Succeeded", 1]);
  await cluster.podWhen("always", (pod) => restarts(pod) > 0);
  assert.equal(await Deno.readTextFile(runs("never")), "run\n");
  await cluster.delete("always");
}

function restarts({ status }: Parameters<typeof isOver>[0]): number {
  return status.containerStatuses?.[0]?.restartCount ?? 0;
}

async function restartRules(cluster: ProcessCluster): Promise<void> {
  const runs = `${cluster.dataFolder}/runs-of-rules`;
  const rule = { action: "Restart", exitCodes: { operator: "NotIn", values: [1] } };
  await cluster.apply(podOf("rules", {
    script: `echo run >> ${runs}; test $(wc -l < ${runs}) -gt 1 && exit 1; exit 2`,
    container: { restartPolicy: "Never", restartPolicyRules: [rule] },
  }));
  const pod = await cluster.podWhen("rules", isOver);
  assert.deepEqual([pod.status.phase, restarts(pod)], ["Failed", 1]);
}

async function initContainers(cluster: ProcessCluster): Promise<void> {
  const words = `${cluster.dataFolder}/init-words`;
  const container = (name: string, script: string, more: object = {}) => ({
    ...{ name, image: "app:1", command: ["sh", "-c", script] },
    ...more,
  });
  const until = (word: string) => `until grep -q ${word} ${words}; do sleep 0.1; done`;
  await cluster.apply(podOf("initialized", {
    script: `echo main >> ${words}; ${until("beside")}`,
    spec: {
      restartPolicy: "Never",
      initContainers: [
        container("first", `sleep 0.3; echo first >> ${words}`),
        container("side", `${until("main")}; echo beside >> ${words}; exec sleep 1000`, {
          restartPolicy: "Always",
        }),
        container("second", `echo second >> ${words}`),
      ],
    },
  }));
  const { status } = await cluster.podWhen("initialized", isOver);
  assert.equal(status.phase, "Succeeded");
  assert.equal(await Deno.readTextFile(words), "first\nsecond\nmain\nbeside\n");
}

async function grace(cluster: ProcessCluster): Promise<void> {
  const graceMs = 4_000;
  const words = `${cluster.dataFolder}/grace`;
  await cluster.apply(podOf("grace", {
    script: `trap 'echo heard >> ${words}' TERM; echo begun >> ${words}; while :; do sleep 1; done`,
    spec: { terminationGracePeriodSeconds: graceMs / 1_000 },
  }));
  await cluster.podWhen("grace", ({ status }) => status.phase === "Running");
  await cluster.fileWhen(words, (text) => text === "begun\n");
  const askedMs = performance.now();
  await cluster.delete("grace");
  const last = await cluster.podWhen(
    "grace",
    ({ status }) => status.containerStatuses?.[0]?.state.terminated,
  );
  const tookMs = performance.now() - askedMs;
  assert.equal(last.status.containerStatuses![0]!.state.terminated!.exitCode, 137);
  assert.ok(tookMs >= graceMs / 2, `${tookMs} ms`); // the other half may go to requests under way
  assert.equal(await Deno.readTextFile(words), "begun\nheard\n");
}

async function deadline(cluster: ProcessCluster): Promise<void> {
  await cluster.apply(podOf("late", { script: "sleep 600", spec: { activeDeadlineSeconds: 1 } }));
  const { status } = await cluster.podWhen("late", isOver);
  assert.deepEqual([status.phase, status.reason], ["Failed", "DeadlineExceeded"]);
}

async function lastWords(cluster: ProcessCluster): Promise<void> {
  const terminationMessagePath = `${cluster.dataFolder}/at/last-words`;
  const terminationMessagePolicy = "FallbackToLogsOnError";
  await cluster.apply(
    podOf("words-file", {
      script: `echo logged; echo written > ${terminationMessagePath}; exit 1`,
      container: { terminationMessagePath, terminationMessagePolicy },
    }),
    podOf("words-log", {
      script: "echo logged; exit 1",
      container: { terminationMessagePath, terminationMessagePolicy },
    }),
    podOf("words-none", {
      script: "echo logged; exit 1",
      container: { terminationMessagePath },
    }),
  );
  const wanted = { "words-file": "written\n", "words-log": "logged\n", "words-none": undefined };
  for (const [name, message] of Object.entries(wanted)) {
    const { status } = await cluster.podWhen(name, isOver);
    assert.equal(status.containerStatuses![0]!.state.terminated!.message, message, name);
  }
}

async function user(cluster: ProcessCluster): Promise<void> {
  const script = "echo $(id -u) $(id -g) $(grep NoNewPrivs /proc/self/status)";
  const pod = (name: string, whole: object, own: object) =>
    podOf(name, {
      ...{ script, container: { securityContext: own } },
      spec: { securityContext: whole },
    });
  await cluster.apply(
    pod("user-whole", { runAsUser: 1234, runAsGroup: 4321, runAsNonRoot: true }, {}),
    pod("user-own", { runAsUser: 0, runAsNonRoot: true }, {
      ...{ runAsUser: 77, runAsGroup: 88, allowPrivilegeEscalation: false },
    }),
    pod("user-root", { runAsUser: 0, runAsNonRoot: true }, { runAsNonRoot: false }),
    pod("user-refused", {}, { runAsUser: 0, runAsNonRoot: true }),
    pod("user-of-image", { runAsNonRoot: true }, {}),
  );
  const wanted = {
    "user-whole": "1234 4321 NoNewPrivs: 0\n",
    "user-own": "77 88 NoNewPrivs: 1\n",
    "user-root": "0 0 NoNewPrivs: 0\n",
  };
  for (const [name, text] of Object.entries(wanted)) {
    await cluster.podWhen(name, isOver);
    assert.equal(await cluster.logs(name), text, name);
  }
  await isRefused(cluster, "user-refused", /container's runAsUser breaks non-root policy/);
  await isRefused(cluster, "user-of-image", /runAsNonRoot and image will run as root/);
}

async function isRefused(cluster: ProcessCluster, name: string, message: RegExp): Promise<void> {
  const reason = "CreateContainerConfigError";
  const pod = await cluster.podWhen(name, (pod) => waitingOf(pod).reason === reason);
  assert.match(waitingOf(pod).message ?? "", message);
  await cluster.delete(name);
}

async function readinessGates(cluster: ProcessCluster): Promise<void> {
  const conditionType = "example.com/sails-set";
  const spec = { readinessGates: [{ conditionType }] };
  await cluster.apply(podOf("gated", { script: "sleep 600", spec }));
  const reasonOf = ({ status }: Parameters<typeof isOver>[0]) =>
    status.conditions?.find(({ type }) => type === "Ready")?.reason;
  await cluster.podWhen("gated", (pod) => reasonOf(pod) === "ReadinessGatesNotReady");
  const conditions = [{ type: conditionType, status: "True" }];
  const path = "/api/v1/namespaces/default/pods/gated/status";
  await cluster.send("PATCH", path, { status: { conditions } });
  await cluster.podWhen("gated", isReady);
  await cluster.delete("gated");
}

async function hosts(cluster: ProcessCluster): Promise<void> {
  await cluster.apply(podOf("hosts", {
    script: "cat /etc/hosts",
    spec: {
      ...{ hostname: "mate", subdomain: "crew" },
      hostAliases: [{ ip: "10.9.9.9", hostnames: ["friend", "friend.example.com"] }],
    },
  }));
  const { podIP } = (await cluster.podWhen("hosts", isOver)).status;
  const lines = (await cluster.logs("hosts")).split("\n");
  assert.ok(lines.includes(`${podIP}\tmate.crew.default.svc.cluster.local\tmate`), `${lines}`);
  assert.ok(lines.includes("10.9.9.9\tfriend\tfriend.example.com"), `${lines}`);
}

async function hostNetwork(cluster: ProcessCluster): Promise<void> {
  const script = "readlink /proc/self/ns/net";
  await cluster.apply(
    podOf("on-host", { script, spec: { hostNetwork: true } }),
    podOf("off-host", { script }),
  );
  const [on, off] = await Promise.all(
    ["on-host", "off-host"].map((name) => cluster.podWhen(name, isOver)),
  );
  assert.equal(on!.status.podIP, on!.status.hostIP);
  assert.notEqual(off!.status.podIP, off!.status.hostIP);
  const own = `${await Deno.readLink("/proc/self/ns/net")}\n`;
  assert.equal(await cluster.logs("on-host"), own);
  assert.notEqual(await cluster.logs("off-host"), own);
}
