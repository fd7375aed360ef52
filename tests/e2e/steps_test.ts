import assert from "node:assert/strict";
import { PodmanCluster, podmanMissing, podOf } from "./podman_cluster.ts";
import { type Fixture, runSteps } from "./steps.ts";
import { serviceOf } from "./web_app.ts";

const missing = podmanMissing();
const hint = missing === undefined ? "" : ` (${missing})`;

Deno.test({
  name: `a step that fails, with a server that is dead, leaves nothing on this machine${hint}`,
  ignore: missing !== undefined,
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const { ended, step } = recorder();
    const steps = [
      { name: "pods run", run: makesMuch },
      { name: "the test fails", run: failsOnPurpose },
    ];
    const suite = { start: () => PodmanCluster.start({ subnet: 108 }), steps };
    await assert.rejects(runSteps(suite, step), /The log:/);
    assert.deepEqual(ended, [
      ["pods run", undefined],
      ["the test fails", "as planned"],
      ["nothing is left", undefined],
    ]);
  },
});

Deno.test("a step that hangs has failed when its time is over, and the fixture is ended", async () => {
  const { ended, step } = recorder();
  const fixture: Fixture = { log: "the log", end: () => Promise.resolve() };
  const steps = [
    { name: "hangs", run: () => new Promise<void>(() => {}) },
    { name: "goes on", run: () => Promise.resolve() },
  ];
  const suite = { start: () => Promise.resolve(fixture), stepMsMax: 50, steps };
  await assert.rejects(runSteps(suite, step), /the log/);
  assert.deepEqual(ended, [
    ["hangs", "Not within 50 ms: hangs"],
    ["goes on", undefined],
    ["nothing is left", undefined],
  ]);
});

/** Takes steps, and notes with which fault each has ended, if with any. */
function recorder() {
  const ended: [name: string, fault: string | undefined][] = [];
  const step = async (name: string, run: () => Promise<void>) => {
    const fault = await run().then(() => undefined, (error: Error) => error.message);
    ended.push([name, fault]);
    return fault === undefined;
  };
  return { ended, step };
}

/** Of each kind of thing that may be left: processes, mounts, namespaces, devices, routes, listeners, files. */
async function makesMuch(cluster: PodmanCluster): Promise<void> {
  const spec = { volumes: [{ name: "fast", emptyDir: { medium: "Memory" } }] };
  const container = { volumeMounts: [{ name: "fast", mountPath: "/fast" }] };
  const script = "trap '' TERM; while true; do sleep 1000; done";
  const graceful = { terminationGracePeriodSeconds: 3 };
  await cluster.apply(
    podOf("one", { script, container, spec: { ...spec, ...graceful } }),
    podOf("two", { script: "sleep 1000" }),
    serviceOf("one", { type: "NodePort" }),
  );
  for (const name of ["one", "two"]) await cluster.readyPod(name);
}

async function failsOnPurpose({ server }: PodmanCluster): Promise<void> {
  await server.kill();
  throw new Error("as planned");
}
