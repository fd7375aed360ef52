import assert from "node:assert/strict";
import { DeploymentWorld } from "./deployment_world.ts";

// Scenarios of Kubernetes' documentation, and the histories that it has of them:
// https://kubernetes.io/docs/concepts/workloads/controllers/deployment/
// kube-controller-manager 1.34.4 has the same ones, with two differences that are none of a Deployment's: its recorder joins
// the tenth event of a kind with those before it, and a state may be seen that lasts for a moment (NewReplicaSetCreated).

const ENOUGH = "Available=True MinimumReplicasAvailable (Deployment has minimum availability.)";
const TOO_FEW =
  "Available=False MinimumReplicasUnavailable (Deployment does not have minimum availability.)";
const goesOn = (image: string) =>
  `Progressing=True ReplicaSetUpdated (ReplicaSet "nginx-[${image}]" is progressing.)`;
const isDone = (image: string) =>
  `Progressing=True NewReplicaSetAvailable (ReplicaSet "nginx-[${image}]" has successfully progressed.)`;
const PAUSED = "Progressing=Unknown DeploymentPaused (Deployment is paused)";

/** `1.14 3>5`: its set is scaled. */
function scaled(text: string, seconds = 0): string {
  const [image, sizes] = text.split(" "), [from, to] = sizes!.split(">").map(Number);
  const way = to! > from! ? "up" : "down";
  return `${seconds} s: Normal ScalingReplicaSet: ` +
    `Scaled ${way} replica set nginx-[${image}] from ${from} to ${to}`;
}

/** `5 2 7 4`: desired, updated, total, available. */
function state(counts: string, conditions: readonly string[], seconds = 0): string {
  const [desired, updated, total, available] = counts.split(" ");
  const text = `${desired} desired, ${updated} updated, ${total} total, ${available} available`;
  return `${seconds} s: ${[text, ...conditions].join("; ")}`;
}

function complete(image: string, replicas: number, spec: object = {}): DeploymentWorld {
  const world = new DeploymentWorld(image, { replicas, ...spec }).ready(replicas);
  world.history();
  return world;
}

Deno.test("golden: a Deployment is created", () => {
  // #creating-a-deployment
  const world = new DeploymentWorld("1.14", { replicas: 3 }).ready(3);
  assert.deepEqual(world.history(), [
    scaled("1.14 0>3"),
    state("3 3 3 0", [TOO_FEW, goesOn("1.14")]),
    state("3 3 3 1", [TOO_FEW, goesOn("1.14")]),
    state("3 3 3 2", [TOO_FEW, goesOn("1.14")]),
    state("3 3 3 3", [ENOUGH, isDone("1.14")]),
  ]);
});

const UPDATE = [
  scaled("1.16 0>1"),
  state("3 1 4 3", [ENOUGH, goesOn("1.16")]),
  scaled("1.14 3>2"),
  scaled("1.16 1>2"),
  state("3 2 4 3", [ENOUGH, goesOn("1.16")]),
  scaled("1.14 2>1"),
  scaled("1.16 2>3"),
  state("3 3 4 3", [ENOUGH, goesOn("1.16")]),
  scaled("1.14 1>0"),
  state("3 3 3 3", [ENOUGH, isDone("1.16")]),
];

Deno.test("golden: an update replaces the pods one by one", () => {
  // #updating-a-deployment
  const world = complete("1.14", 3).change({ image: "1.16" }).ready(3, "1.16");
  assert.deepEqual(world.history(), UPDATE);
});

Deno.test("golden: a rollover ends the update before it, however far that has come", () => {
  // #rollover-aka-multiple-updates-in-flight
  const world = new DeploymentWorld("1.14", { replicas: 5 }).ready(3);
  world.history();
  world.change({ image: "1.16" }).ready(1, "1.16").ready(4, "1.16");
  assert.deepEqual(world.history(), [
    scaled("1.16 0>2"),
    scaled("1.14 5>4"),
    scaled("1.16 2>3"),
    state("5 3 7 3", [TOO_FEW, goesOn("1.16")]),
    scaled("1.14 4>3"),
    scaled("1.16 3>4"),
    state("5 4 7 4", [ENOUGH, goesOn("1.16")]),
    scaled("1.14 3>2"),
    scaled("1.16 4>5"),
    state("5 5 7 4", [ENOUGH, goesOn("1.16")]),
    scaled("1.14 2>1"),
    state("5 5 6 4", [ENOUGH, goesOn("1.16")]),
    scaled("1.14 1>0"),
    state("5 5 5 4", [ENOUGH, goesOn("1.16")]),
    state("5 5 5 5", [ENOUGH, isDone("1.16")]),
  ]);
});

const LATE = "Progressing=False ProgressDeadlineExceeded " +
  '(ReplicaSet "nginx-[1.161]" has timed out progressing.)';

/** An update to an image that there is not: nothing of it becomes ready. */
function stuck(): DeploymentWorld {
  const world = complete("1.16", 3, { progressDeadlineSeconds: 600 });
  return world.change({ image: "1.161" }).wait(600).wait(1);
}

Deno.test("golden: an update that gets nowhere is said to, after its deadline, and goes no further", () => {
  // #failed-deployment
  const world = stuck().wait(3_600);
  assert.deepEqual(world.history(), [
    scaled("1.161 0>1"),
    state("3 1 4 3", [ENOUGH, goesOn("1.161")]),
    state("3 1 4 3", [ENOUGH, LATE], 601),
  ]);
  assert.deepEqual(world.sizes(), { "1.16": 3, "1.161": 1 });
});

Deno.test("golden: a rollback ends an update that gets nowhere", () => {
  // #rolling-back-a-deployment
  const world = stuck();
  world.history();
  world.change({ image: "1.16" }).end();
  assert.deepEqual(world.history(), [
    scaled("1.161 1>0", 601),
    state("3 3 3 3", [ENOUGH, isDone("1.16")], 601),
  ]);
});

Deno.test("golden: a Deployment that has come about is scaled, and that is no rollout", () => {
  // #scaling-a-deployment
  const world = complete("1.14", 3).change({ replicas: 5 }).ready(2).change({ replicas: 1 }).end();
  assert.deepEqual(world.history(), [
    scaled("1.14 3>5"),
    state("5 5 5 3", [TOO_FEW, isDone("1.14")]),
    state("5 5 5 4", [ENOUGH, isDone("1.14")]),
    state("5 5 5 5", [ENOUGH, isDone("1.14")]),
    scaled("1.14 5>1"),
    state("1 1 1 1", [ENOUGH, isDone("1.14")]),
  ]);
});

Deno.test("golden: in the middle of an update, each set gets its part of the pods that come", () => {
  // #proportional-scaling
  const rollingUpdate = { maxSurge: 3, maxUnavailable: 2 };
  const world = complete("1.14", 10, { strategy: { type: "RollingUpdate", rollingUpdate } });
  world.change({ image: "sometag" }).end();
  assert.deepEqual(world.sizes(), { "1.14": 8, sometag: 5 });
  world.change({ replicas: 15 });
  assert.deepEqual(world.sizes(), { "1.14": 11, sometag: 7 });
  assert.deepEqual(world.history(), [
    scaled("sometag 0>3"),
    scaled("1.14 10>8"),
    scaled("sometag 3>5"),
    state("10 5 13 8", [ENOUGH, goesOn("sometag")]),
    scaled("1.14 8>11"),
    scaled("sometag 5>7"),
    state("15 7 18 8", [TOO_FEW, goesOn("sometag")]),
  ]);
});

Deno.test("golden: what is changed while it is paused is rolled out when it goes on", () => {
  // #pausing-and-resuming-a-deployment
  const world = complete("1.14", 3).change({ paused: true }).change({ image: "1.16" }).wait(3_600);
  assert.deepEqual(world.history(), [
    state("3 3 3 3", [ENOUGH, PAUSED]),
    state("3 0 3 3", [ENOUGH, PAUSED]),
  ]);
  world.change({ paused: false }).ready(3);
  assert.deepEqual(world.history(), UPDATE.map((line) => line.replace(/^0 s/, "3600 s")));
});

Deno.test("golden: with Recreate, all pods end before the first new one comes", () => {
  // #recreate-deployment
  const world = complete("1.14", 2, { strategy: { type: "Recreate" } }).change({ image: "1.16" });
  assert.deepEqual(world.history(), [
    scaled("1.14 2>0"),
    state("2 0 0 0", [TOO_FEW, isDone("1.14")]),
  ]);
  world.end().ready(2);
  assert.deepEqual(world.history(), [
    scaled("1.16 0>2"),
    state("2 2 2 0", [TOO_FEW, goesOn("1.16")]),
    state("2 2 2 1", [TOO_FEW, goesOn("1.16")]),
    state("2 2 2 2", [ENOUGH, isDone("1.16")]),
  ]);
});

Deno.test("golden: a pod counts once it has been ready for minReadySeconds", () => {
  // #min-ready-seconds
  const world = new DeploymentWorld("1.14", { replicas: 1, minReadySeconds: 10 });
  world.ready(1).wait(9).wait(1);
  assert.deepEqual(world.history(), [
    scaled("1.14 0>1"),
    state("1 1 1 0", [TOO_FEW, goesOn("1.14")]),
    state("1 1 1 1", [ENOUGH, isDone("1.14")], 10),
  ]);
});

Deno.test("golden: of the sets that are no longer used, as many stay as the limit of the history says", () => {
  // #clean-up-policy
  const world = complete("1", 1, { revisionHistoryLimit: 1 });
  for (const image of ["2", "3", "4"]) world.change({ image }).ready(1).end();
  assert.deepEqual(world.sizes(), { "3": 0, "4": 1 });
  world.change({ revisionHistoryLimit: 0 });
  assert.deepEqual(world.sizes(), { "4": 1 });
});
