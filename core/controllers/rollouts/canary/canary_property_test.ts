import assert from "node:assert/strict";
import fc from "fast-check";
import type { ReplicaSet } from "../../../resources/apps/replica_sets.ts";
import { TestRollout } from "../rollout_fixture.ts";
import { availableIn, hashOf } from "../situation/sets.ts";
import { limitsOf } from "../sizes/sizes.ts";

const BROKEN = "web:broken";

type Plain =
  | "abort"
  | "retry"
  | "resume"
  | "promoteFull"
  | "pause"
  | "unpause"
  | "end"
  | "look"
  | "step"
  | "settle"
  | "advance";

/** What users, pods and controllers do. */
type Command =
  | { do: "image"; image: string }
  | { do: "scale"; replicas: number }
  | { do: Plain }
  | { do: "ready"; pods: number }
  | { do: "wait"; seconds: number };

const commands: fc.Arbitrary<Command> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom("web:1", "web:2", "web:3", BROKEN).map(imageOf) },
  { weight: 12, arbitrary: fc.constantFrom("advance", "resume").map(plain) },
  { weight: 4, arbitrary: fc.constantFrom("end", "look", "step", "settle").map(plain) },
  { weight: 2, arbitrary: fc.constantFrom("abort", "retry", "promoteFull").map(plain) },
  { weight: 1, arbitrary: fc.constantFrom("pause", "unpause", "unpause").map(plain) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 8 }).map(scaleTo) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 3 }).map(readyOf) },
  { weight: 2, arbitrary: fc.constantFrom(1, 30, 700).map(waitFor) },
);

function plain(what: Plain): Command {
  return { do: what };
}

function scaleTo(replicas: number): Command {
  return { do: "scale", replicas };
}

function readyOf(pods: number): Command {
  return { do: "ready", pods };
}

function waitFor(seconds: number): Command {
  return { do: "wait", seconds };
}

function imageOf(image: string): Command {
  return { do: "image", image };
}

const steps = fc.array(
  fc.oneof(
    fc.integer({ min: 0, max: 100 }).map((setWeight) => ({ setWeight })),
    fc.constantFrom({ pause: {} }, { pause: { duration: "20s" } }),
  ),
  { maxLength: 5 },
);

const limits = fc.constantFrom(
  {},
  { maxSurge: 1, maxUnavailable: 0 },
  { maxSurge: 0, maxUnavailable: 1 },
  { maxSurge: "100%", maxUnavailable: 0 },
  { maxSurge: 2, maxUnavailable: 2 },
);

/** Does one thing. */
function perform(rollout: TestRollout, command: Command): void {
  switch (command.do) {
    case "image":
      return void rollout.setImage(command.image);
    case "scale":
      return void rollout.change({ replicas: command.replicas });
    case "abort":
      return void rollout.patchStatus({ abort: true });
    case "retry":
      return void rollout.patchStatus({ abort: false });
    case "resume":
      return void rollout.patchStatus({ pauseConditions: undefined });
    case "promoteFull":
      return void (rollout.status.stableRS !== rollout.status.currentPodHash &&
        rollout.patchStatus({ promoteFull: true }));
    case "pause":
    case "unpause":
      return void rollout.change({ paused: command.do === "pause" });
    case "ready":
      return void rollout.ready(command.pods);
    case "end":
      return void rollout.end();
    case "step":
      return void rollout.step();
    case "settle":
      return void rollout.settle();
    case "look":
      return void rollout.look();
    case "advance":
      return advance(rollout);
    case "wait":
      return void rollout.pass(command.seconds);
  }
}

/** Things go on by a pod. */
function advance(rollout: TestRollout): void {
  rollout.settle();
  rollout.ready(1);
  rollout.settle();
  rollout.end();
}

/** What becomes stable must be there. */
function watchPromotions(rollout: TestRollout): void {
  let stable: string | undefined;
  rollout.onRollout(({ spec, status }) => {
    const { stableRS } = status ?? {};
    const isFirst = stable === undefined;
    if (stableRS === stable) return;
    stable = stableRS;
    const set = rollout.sets.find((each) => hashOf(each) === stableRS);
    assert.ok(isFirst || availableIn([set!]) === spec.replicas, "not all pods are there");
  });
}

function isStableBroken({ sets, status }: TestRollout): boolean {
  const stable = sets.find((set) => hashOf(set) === status.stableRS);
  return stable?.spec.template.spec.containers[0]?.image === BROKEN;
}

/** Watches every change of a set, and what it makes of the whole. */
function watchSizes(rollout: TestRollout): void {
  const sizes = new Map<string, number>();
  rollout.onSet((set: ReplicaSet) => {
    const before = sizes.get(set.metadata.uid) ?? 0;
    const now = set.spec.replicas;
    sizes.set(set.metadata.uid, now);
    const { replicas = 1 } = rollout.rollout.spec;
    const { surge, unavailable } = limitsOf({
      spec: { ...rollout.rollout.spec, replicas } as never,
    });
    const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
    if (now > before) {
      assert.ok(total <= replicas + surge, `${total} pods of ${replicas} + ${surge}`);
    }
    if (now < before) {
      const left = availableAfter(rollout, sizes);
      const lost = knownOf(set, before) - knownOf(set, now);
      const least = replicas - unavailable;
      assert.ok(lost <= 0 || left >= least, `${left} available of ${least}: lost ${lost}`);
    }
  });
}

/** Pods of a set that its controller knows to be available, of which those go last. */
function knownOf({ status }: ReplicaSet, size: number): number {
  return Math.min(status.availableReplicas ?? 0, size);
}

function availableAfter(rollout: TestRollout, sizes: ReadonlyMap<string, number>): number {
  return rollout.sets.reduce(
    (sum, set) => sum + knownOf(set, sizes.get(set.metadata.uid) ?? 0),
    0,
  );
}

Deno.test("whatever users and pods do, a basic canary keeps its surge and its availability", () => {
  fc.assert(
    fc.property(
      limits,
      steps,
      fc.integer({ min: 0, max: 6 }),
      fc.array(commands, { minLength: 20, maxLength: 60 }),
      (limits, steps, replicas, commands) => {
        const rollout = new TestRollout({ replicas, strategy: { canary: { ...limits, steps } } });
        rollout.broken.add(BROKEN);
        watchSizes(rollout);
        watchPromotions(rollout);
        rollout.run();
        for (const command of commands) perform(rollout, command);
      },
    ),
    { numRuns: 150 },
  );
});

Deno.test("whatever was done before, a basic canary that is let go on becomes healthy", () => {
  fc.assert(
    fc.property(
      limits,
      steps,
      fc.integer({ min: 0, max: 6 }),
      fc.array(commands, { minLength: 10, maxLength: 40 }),
      (limits, steps, replicas, commands) => {
        const rollout = new TestRollout({ replicas, strategy: { canary: { ...limits, steps } } });
        rollout.broken.add(BROKEN);
        for (const command of commands) perform(rollout, command);
        rollout.change({ paused: false }).patchStatus({ abort: false }).setImage("web:9").run();
        for (let pause = 0; pause <= steps.length; pause++) {
          rollout.patchStatus({ pauseConditions: undefined }).run();
        }
        // Steps that want pods of a stable set that does not work are for somebody to skip.
        if (isStableBroken(rollout)) rollout.patchStatus({ promoteFull: true }).run();
        assert.equal(rollout.status.phase, "Healthy", JSON.stringify(rollout.status));
        const sized = Object.values(rollout.sizes).filter((size) => size > 0);
        assert.deepEqual(
          sized,
          rollout.rollout.spec.replicas === 0 ? [] : [rollout.rollout.spec.replicas],
        );
      },
    ),
    { numRuns: 60 },
  );
});
