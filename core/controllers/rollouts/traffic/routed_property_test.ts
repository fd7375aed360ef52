import assert from "node:assert/strict";
import fc from "fast-check";
import { BROKEN, PROXIES, RoutedRollout } from "./routed_rollout_fixture.ts";

type Command =
  | { do: "image"; image: string }
  | { do: "abort" | "retry" | "resume" | "promoteFull" | "pause" | "unpause" }
  | { do: "settle" | "step" | "end" | "drain" | "advance" }
  | { do: "ready" | "wait" | "table" | "scale"; count: number };

const of = <D extends Command["do"]>(...what: D[]) =>
  fc.constantFrom(...what).map((each) => ({ do: each }) as Command);
const counted = (what: "ready" | "wait" | "table" | "scale", ...counts: number[]) =>
  fc.constantFrom(...counts).map((count): Command => ({ do: what, count }));

const commands: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom("web:1", "web:2", "web:3", BROKEN).map((image): Command => ({
      do: "image",
      image,
    })),
  },
  { weight: 10, arbitrary: of("advance", "resume") },
  { weight: 6, arbitrary: counted("table", 0, 1) },
  { weight: 5, arbitrary: of("settle", "step", "end", "drain") },
  { weight: 3, arbitrary: of("abort", "retry", "promoteFull") },
  { weight: 1, arbitrary: of("pause", "unpause", "unpause") },
  { weight: 4, arbitrary: counted("ready", 1, 2) },
  { weight: 2, arbitrary: counted("wait", 1, 31) },
);

const withScaling = fc.oneof(
  { weight: 12, arbitrary: commands },
  { weight: 1, arbitrary: counted("scale", 1, 2, 4, 8) },
);

function perform(rollout: RoutedRollout, command: Command): void {
  switch (command.do) {
    case "image":
      return void rollout.setImage(command.image);
    case "abort":
    case "retry":
      return void rollout.patchStatus({ abort: command.do === "abort" });
    case "resume":
      return void rollout.patchStatus({ pauseConditions: undefined });
    case "promoteFull":
      if (rollout.status.stableRS === rollout.status.currentPodHash) return;
      return void rollout.patchStatus({ promoteFull: true });
    case "pause":
    case "unpause":
      return void rollout.change({ paused: command.do === "pause" });
    case "settle":
    case "step":
    case "end":
      return void rollout[command.do]();
    case "drain":
      return rollout.proxies.drain();
    case "ready":
      return void rollout.ready(command.count);
    case "wait":
      return void rollout.pass(command.count);
    case "scale":
      rollout.isScaled = true;
      return void rollout.change({ replicas: command.count });
    case "table":
      return rollout.catchUp(command.count);
    case "advance":
      rollout.settle().ready(1);
      rollout.settle().end();
      rollout.catchUp(0);
      rollout.catchUp(1);
      rollout.proxies.drain();
  }
}

const steps = fc.array(
  fc.oneof(
    fc.integer({ min: 0, max: 100 }).map((setWeight) => ({ setWeight })),
    fc.constantFrom({ pause: {} }, { pause: { duration: "20s" } }),
    fc.constantFrom(
      { setCanaryScale: { replicas: 1 } },
      { setCanaryScale: { weight: 60 } },
      { setCanaryScale: { matchTrafficWeight: true } },
    ),
  ),
  { maxLength: 6 },
);

const strategies = fc.record({
  steps,
  dynamicStableScale: fc.boolean(),
  abortScaleDownDelaySeconds: fc.constantFrom(0, 1, 30),
});

Deno.test("no set gets more than its ready pods carry, and none that gets requests loses its pods", () => {
  fc.assert(
    fc.property(
      strategies,
      fc.integer({ min: 1, max: 6 }),
      fc.array(commands, { minLength: 20, maxLength: 60 }),
      (canary, replicas, commands) => {
        const rollout = new RoutedRollout(canary, replicas);
        rollout.runAll();
        rollout.onSet((set) => rollout.assertCarried("as a set changes", set));
        for (const command of commands) perform(rollout, command);
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("none that gets requests loses its last pod, also while somebody scales", () => {
  fc.assert(
    fc.property(
      strategies,
      fc.integer({ min: 1, max: 6 }),
      fc.array(withScaling, { minLength: 20, maxLength: 60 }),
      (canary, replicas, commands) => {
        const rollout = new RoutedRollout(canary, replicas);
        rollout.runAll();
        rollout.onSet((set) => rollout.assertCarried("as a set changes", set));
        for (const command of commands) perform(rollout, command);
      },
    ),
    { numRuns: 30 },
  );
});

Deno.test("whatever was done before, a routed canary that is let go on becomes healthy", () => {
  fc.assert(
    fc.property(
      strategies,
      fc.integer({ min: 1, max: 6 }),
      fc.array(withScaling, { minLength: 10, maxLength: 40 }),
      (canary, replicas, commands) => {
        const rollout = new RoutedRollout(canary, replicas).runAll();
        for (const command of commands) perform(rollout, command);
        rollout.change({ paused: false }).patchStatus({ abort: false }).setImage("web:9").runAll();
        for (let pause = 0; pause <= canary.steps.length; pause++) {
          rollout.patchStatus({ pauseConditions: undefined }).runAll().pass(31).runAll();
        }
        assert.equal(
          rollout.status.phase,
          "Healthy",
          JSON.stringify([rollout.status, rollout.sizes]),
        );
        const sized = Object.values(rollout.sizes).filter((size) => size > 0);
        assert.deepEqual(sized, [rollout.rollout.spec.replicas]);
        assert.deepEqual(
          rollout.proxies.shares.map((shares) => [...shares]),
          Array(PROXIES).fill([[rollout.status.stableRS, 100]]),
        );
      },
    ),
    { numRuns: 30 },
  );
});
