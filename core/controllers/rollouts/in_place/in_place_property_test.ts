import assert from "node:assert/strict";
import fc from "fast-check";
import { placesFor } from "../../apps/division.ts";
import { type InPlaceKind, TestWorkload } from "./in_place_fixture.ts";

const PLACES = 5;
const kinds = fc.constantFrom<InPlaceKind>("StatefulSet", "DaemonSet");
const weights = fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 1, maxLength: 4 })
  .map((each) => each.toSorted((a, b) => a - b));
const commands = fc.constantFrom("promote", "abort", "retry", "full", "wait", "next", "back");

/** Does what a user may do, in any order, and lets the cluster come to rest after each. */
function act(web: TestWorkload, command: string, images: { last: number }): void {
  switch (command) {
    case "promote":
      return void web.promote().run();
    case "abort":
      return void web.command({ abort: true }).run();
    case "retry":
      return void web.command({ abort: false }).run();
    case "full":
      if (web.rollout?.status?.currentPodHash === web.rollout?.status?.stableRS) return;
      return void web.command({ promoteFull: true }).run();
    case "wait":
      return void web.pass(61);
    case "next":
      return void web.change({ image: `web:${++images.last}` }).run();
    case "back":
      return void web.change({ image: "web:1" }).run();
  }
}

Deno.test("whatever users do, no more places than the step allows are updated, and all but one serve", () => {
  fc.assert(
    fc.property(kinds, weights, fc.array(commands, { maxLength: 8 }), (kind, steps, todo) => {
      const annotations = { "coracle.dev/canary": steps.map((weight) => `${weight}%`).join(",") };
      const web = new TestWorkload(kind, annotations, PLACES).run();
      const images = { last: 1 };
      web.fewestReady = Infinity;
      for (const command of todo) {
        act(web, command, images);
        const { status = {} } = web.rollout!;
        const counted = web.images.split(" ");
        assert.equal(counted.length, PLACES);
        if (status.abort || status.currentPodHash === status.stableRS) continue;
        const most = placesFor(
          steps[Math.floor((status.currentStepIndex ?? 0) / 2)] ?? 100,
          PLACES,
        );
        const newest = web.workload.spec.template.spec.containers[0]!.image!.slice(4);
        const updated = counted.filter((image) => image === newest).length;
        assert.equal(updated, most, `${command}: ${web.images} at ${JSON.stringify(status)}`);
      }
      assert.ok(web.fewestReady >= PLACES - 1, `${web.fewestReady} ready`);
      assert.deepEqual(web.faults, []);
    }),
    { numRuns: 60 },
  );
});

Deno.test("a weight is as many places as come nearest, neither none nor all of them before its time", () => {
  for (
    const [weight, places, expected] of [
      ...[[0, 4, 0], [1, 4, 1], [12, 4, 1], [37, 4, 1], [38, 4, 2], [50, 4, 2], [99, 4, 3]],
      ...[[100, 4, 4], [1, 1, 1], [0, 1, 0], [50, 0, 0], [100, 0, 0], [50, 2, 1], [99, 2, 1]],
      ...[[101, 3, 3], [-1, 3, 0]],
    ] as [number, number, number][]
  ) {
    assert.equal(placesFor(weight, places), expected, `${weight} % of ${places}`);
  }
});
