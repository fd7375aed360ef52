import assert from "node:assert/strict";
import fc from "fast-check";
import type { Pod } from "../../../core/resources/core/pods/pods.ts";
import { containersOf } from "../../../core/resources/core/pods/spec/pod_containers.ts";
import { nextSteps, type Step } from "../next_step.ts";
import { NOW_MS, observedOf, podOf, READY, run } from "../next_step_fixture.ts";
import { podStatusOf } from "../pod_status.ts";
import { initProgressOf, isPodOver } from "./init_progress.ts";
import type { ObservedPod, ObservedRun } from "./observed_pod.ts";

const INIT = { name: "init", image: "app:1" };
const NEXT = { name: "next", image: "app:1" };
const SIDE = { name: "side", image: "app:1", restartPolicy: "Always" };

const TABLE: [
  title: string,
  given: { init: object[]; spec?: object; observed?: Partial<ObservedPod> },
  wanted: string[],
  isDone: boolean,
][] = [
  ["nothing has run: the first", { init: [INIT, NEXT] }, ["init"], false],
  ["the first runs", { init: [INIT, NEXT], observed: ran(["init", "running"]) }, ["init"], false],
  [
    "the first is done: the second",
    {
      init: [INIT, NEXT],
      observed: ran(["init", "exited", 0]),
    },
    ["next"],
    false,
  ],
  [
    "the first has failed: it again",
    {
      init: [INIT, NEXT],
      observed: ran(["init", "exited", 1]),
    },
    ["init"],
    false,
  ],
  [
    "both are done",
    {
      init: [INIT, NEXT],
      observed: ran(["init", "exited", 0], ["next", "exited", 0]),
    },
    [],
    true,
  ],
  [
    "of the first there is no record, the second has begun",
    {
      init: [INIT, NEXT],
      observed: ran(["next", "exited", 1]),
    },
    ["next"],
    false,
  ],
  [
    "of none there is a record, the main container runs",
    {
      init: [INIT, NEXT, SIDE],
      observed: ran(["main", "running"]),
    },
    ["side"],
    true,
  ],
  [
    "of none there is a record, the main container has ended",
    {
      init: [INIT, NEXT],
      observed: ran(["main", "exited", 1]),
    },
    ["init"],
    false,
  ],
  [
    "the main container ran in another network",
    {
      init: [INIT],
      observed: { containers: [run(0, "running", { isCutOff: true })] },
    },
    ["init"],
    false,
  ],
  [
    "a sidecar runs: what comes after it",
    {
      init: [SIDE, INIT],
      observed: ran(["side", "running"]),
    },
    ["side", "init"],
    false,
  ],
  [
    "a sidecar waits for its startup probe",
    {
      init: [{ ...SIDE, startupProbe: {} }, INIT],
      observed: ran(["side", "running"]),
    },
    ["side"],
    false,
  ],
  [
    "a sidecar has passed its startup probe",
    {
      init: [{ ...SIDE, startupProbe: {} }],
      observed: {
        ...ran(["side", "running"]),
        memories: { side: { health: { containerId: "side-0", started: true, ready: false } } },
      },
    },
    ["side"],
    true,
  ],
  [
    "a sidecar that was passed starts again beside what came after it",
    {
      init: [SIDE, INIT],
      observed: ran(["side", "exited", 1], ["init", "running"]),
    },
    ["side", "init"],
    false,
  ],
];
for (const [title, { init, spec, observed }, wanted, isDone] of TABLE) {
  Deno.test(`of a pod may run, when ${title}`, () => {
    const pod = podOf({ spec: { initContainers: init, ...spec } });
    const progress = initProgressOf(pod, observedOf(observed));
    assert.deepEqual(progress.wanted.map(({ container }) => container.name), wanted);
    assert.equal(progress.isDone, isDone);
  });
}

Deno.test("a pod is over when its main containers are, or an init container has failed for good", () => {
  const isOver = (restartPolicy: string, init: object[], ...runs: Ran[]) =>
    isPodOver(podOf({ spec: { restartPolicy, initContainers: init } }), observedOf(ran(...runs)));
  assert.equal(isOver("Never", [INIT], ["init", "exited", 1]), true);
  assert.equal(isOver("Never", [INIT], ["init", "exited", 0]), false);
  assert.equal(isOver("OnFailure", [INIT], ["init", "exited", 1]), false);
  assert.equal(isOver("Never", [SIDE], ["side", "exited", 1]), false);
  assert.equal(isOver("Never", [SIDE], ["side", "running"], ["main", "exited", 0]), true);
  assert.equal(isOver("OnFailure", [SIDE], ["side", "running"], ["main", "exited", 1]), false);
  assert.equal(isOver("Always", [], ["main", "exited", 0]), false);
});

type Ran = [name: string, state: ObservedRun["state"], exitCode?: number];

function ran(...runs: readonly Ran[]): Partial<ObservedPod> {
  return {
    containers: runs.map(([name, state, exitCode]) =>
      run(0, state, { name, ...(exitCode !== undefined && { exitCode }) })
    ),
  };
}

const anyInit = fc.array(fc.constantFrom("init", "sidecar"), { maxLength: 4 });
const anyEvent = fc.record({
  what: fc.constantFrom("exit", "exit", "exit", "restart", "network", "time"),
  which: fc.nat(5),
  exitCode: fc.constantFrom(0, 0, 0, 1, 137),
});
const anyLife = fc.record({
  init: anyInit,
  main: fc.integer({ min: 1, max: 2 }),
  policy: fc.constantFrom("Always", "OnFailure", "Never"),
  events: fc.array(anyEvent, { maxLength: 30 }),
});

Deno.test("init containers keep their order in whatever life of a pod, and a finished pod rests", () => {
  fc.assert(
    fc.property(anyLife, ({ init, main, policy, events }) => {
      const initContainers = init.map((role, i) => ({
        name: `i${i}`,
        image: "app:1",
        resources: {},
        ...(role === "sidecar" && { restartPolicy: "Always" }),
      }));
      const containers = Array.from(
        { length: main },
        (_, i) => ({ name: `m${i}`, image: "app:1", resources: {} }),
      );
      const life = new Life(
        podOf({ spec: { restartPolicy: policy, initContainers, containers } }),
      );
      life.settle();
      for (const { what, which, exitCode } of events) {
        life.meet(what, which, exitCode);
        life.settle();
      }
    }),
    { numRuns: 300 },
  );
});

/** A pod to which things happen; steps are done at once. Checks the order of what starts and ends. */
class Life {
  #containers: ObservedRun[] = [];
  #sandbox: ObservedPod["sandbox"] = { state: "unknown" };
  #hasNetwork = false;
  #nowMs = NOW_MS;
  /** Init containers that have succeeded in the present network. */
  #done = new Set<string>();

  constructor(private pod: Pod) {}

  meet(what: string, which: number, exitCode: number): void {
    this.#nowMs += 1_000;
    if (what === "time") this.#nowMs += 400_000;
    if (what === "restart" && this.#sandbox.state === "ready") this.#sandbox = { state: "unknown" };
    if (what === "network" && this.#hasNetwork) {
      this.#hasNetwork = false;
      this.#done.clear();
      this.#sandbox = { state: "unknown" };
      this.#containers = this.#containers.map((each) =>
        each.state === "running" ? { ...each, isCutOff: true } : each
      );
    }
    const running = this.#containers.filter(({ state }) => state === "running");
    const victim = running[which];
    if (what === "exit" && victim) this.#end(victim.id, exitCode);
  }

  settle(): void {
    for (let turn = 0; turn < 60; turn++) {
      const steps = nextSteps(this.pod, this.#observed, this.#nowMs)
        .filter((step) => step.do !== "wait");
      this.#tell();
      if (steps.length === 0) return;
      for (const step of this.#inOrder(steps)) this.#take(step);
    }
    assert.fail("it does not come to rest");
  }

  /** What waits for others to end comes after them, as the agent does it. */
  #inOrder(steps: readonly Step[]): Step[] {
    const rank = (step: Step) => step.do === "stop" ? step.after?.length ?? 0 : -1;
    return steps.toSorted((a, b) => rank(a) - rank(b));
  }

  get #observed(): ObservedPod {
    const memories = Object.fromEntries(
      containersOf(this.pod.spec).map(({ container }) => [container.name, { imageId: "x" }]),
    );
    return observedOf({ containers: this.#containers, sandbox: this.#sandbox, memories });
  }

  #tell(): void {
    const node = { hostIP: "192.0.2.1", runtimeName: "podman" };
    const moment = { nowMs: this.#nowMs, elapsedMs: this.#nowMs };
    const status = podStatusOf({ pod: this.pod, observed: this.#observed, ...moment, node });
    this.pod = { ...this.pod, status };
  }

  #take(step: Step): void {
    switch (step.do) {
      case "prepare":
        if (!this.#hasNetwork) this.#forgetInitRuns();
        this.#hasNetwork = true;
        this.#sandbox = READY;
        return;
      case "start":
        return this.#start(step.container, step.restartCount);
      case "stop":
        for (const name of step.after ?? []) assert.ok(!this.#runs(name), "it ends too early");
        return this.#end(step.id, 143);
      case "prune":
        this.#containers = this.#containers.filter(({ id }) => id !== step.id);
        return;
      case "release":
        this.#sandbox = { state: "released" };
        this.#hasNetwork = false;
        return;
      default:
        assert.fail(`unexpected: ${step.do}`);
    }
  }

  #forgetInitRuns(): void {
    const init = new Set(
      containersOf(this.pod.spec).flatMap(({ role, container }) =>
        role === "init" ? [container.name] : []
      ),
    );
    this.#containers = this.#containers.filter(({ name, state }) =>
      !init.has(name) || state === "running"
    );
  }

  #start(name: string, restartCount: number): void {
    assert.ok(!["Succeeded", "Failed"].includes(this.pod.status.phase), "a finished pod starts");
    assert.ok(!this.#runs(name), "two of a container run");
    const all = containersOf(this.pod.spec);
    const at = all.findIndex(({ container }) => container.name === name);
    const before = all.slice(0, at).filter(({ role }) => role === "init");
    for (const { container } of before) {
      assert.ok(this.#done.has(container.name), `${name} starts before ${container.name} is done`);
    }
    const isFirst = !this.#containers.some((each) => each.name === name);
    const sidecars = all.slice(0, at).filter(({ role }) => role === "sidecar");
    const isRestarting = all.some(({ role, container }) =>
      role === "main" && this.#runs(container.name)
    );
    if (isFirst && !isRestarting && all[at]!.role !== "main") {
      for (const { container } of sidecars) {
        assert.ok(this.#runs(container.name), `${name} starts before ${container.name}`);
      }
    }
    const old = this.#containers.find((each) =>
      each.name === name && each.restartCount === restartCount
    );
    assert.ok(old === undefined || old.state === "created", "a run is started twice");
    this.#containers.push(run(restartCount, "running", { name, endedMs: this.#nowMs }));
  }

  #runs(name: string): boolean {
    return this.#containers.some((each) => each.name === name && each.state === "running");
  }

  #end(id: string, exitCode: number): void {
    const { role, container } = containersOf(this.pod.spec)
      .find((each) => id.startsWith(`${each.container.name}-`))!;
    const isCutOff = this.#containers.find((each) => each.id === id)!.isCutOff;
    if (role === "init" && exitCode === 0 && !isCutOff) this.#done.add(container.name);
    this.#containers = this.#containers.map((each) =>
      each.id === id ? { ...each, state: "exited", exitCode, endedMs: this.#nowMs } : each
    );
  }
}
