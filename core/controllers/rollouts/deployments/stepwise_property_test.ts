import assert from "node:assert/strict";
import fc from "fast-check";
import { TestDeployment } from "./stepwise_fixture.ts";

const CANARY = { "coracle.dev/canary": "25%,50%:2m" };
const REPLICAS = 4;
/** Kubernetes' default of a Deployment: a quarter may be missing. */
const FEWEST = 3;

/** What a user may do. Images are good: only then can all pods be there. */
const action = fc.oneof(
  fc.constantFrom("annotate", "spoil", "remove", "pause", "resume", "wait").map((what) => ({
    what,
  })),
  fc.integer({ min: 1, max: 3 }).map((version) => ({ what: "image", version })),
);

function act(web: TestDeployment, done: { what: string; version?: number }): void {
  switch (done.what) {
    case "annotate":
      return void web.change({ annotations: CANARY });
    case "spoil":
      return void web.change({ annotations: { "coracle.dev/canary": "soon" } });
    case "remove":
      return void web.change({ annotations: {} });
    case "image":
      return void web.change({ image: `web:${done.version}` });
    case "wait":
      return void web.pass(130);
    default:
      return void web.change({ paused: done.what === "pause" });
  }
}

Deno.test("whatever users do, no more pods are missing than may be, and in the end all are of one version", () => {
  fc.assert(
    fc.property(fc.array(action, { minLength: 1, maxLength: 8 }), fc.boolean(), (actions, late) => {
      const web = new TestDeployment({}, REPLICAS).run();
      web.fewestAvailable = Infinity;
      for (const each of actions) {
        act(web, each);
        if (!late) web.run();
      }
      web.run();
      web.change({ annotations: CANARY, paused: false }).run();
      for (let passed = 0; passed < 4; passed++) web.pass(130);
      const image = web.deployment.spec.template.spec.containers[0]!.image!;
      assert.deepEqual(web.images, { [image]: REPLICAS });
      assert.ok(web.fewestAvailable >= FEWEST, `${web.fewestAvailable} available`);
      const { replicas, updatedReplicas, observedGeneration } = web.deployment.status;
      assert.deepEqual([replicas, updatedReplicas], [REPLICAS, REPLICAS]);
      assert.equal(observedGeneration, web.deployment.metadata.generation);
    }),
    { numRuns: 60 },
  );
});
