import assert from "node:assert/strict";
import { type NamedPod, Namesakes } from "./namesakes.ts";
import { nextSteps } from "./next_step.ts";
import { observedOf, podOf, READY, run } from "./next_step_fixture.ts";

function pod(name: string): NamedPod & { mayRun: boolean; woken: number } {
  return {
    podName: { namespace: "default", name },
    mayRun: true,
    woken: 0,
    wake() {
      this.woken++;
    },
  };
}

Deno.test("a pod waits for another one of its name, not for itself or for others", () => {
  const namesakes = new Namesakes();
  const [old, fresh, other] = [pod("web"), pod("web"), pod("db")];
  for (const each of [old, fresh, other]) namesakes.add(each);
  assert.equal(namesakes.isAnyRunning(fresh), true);
  assert.equal(namesakes.isAnyRunning(other), false);
  old.mayRun = false;
  assert.equal(namesakes.isAnyRunning(fresh), false);
  old.mayRun = true;
  namesakes.remove(old);
  assert.equal(namesakes.isAnyRunning(fresh), false);
  assert.deepEqual([old.woken, fresh.woken, other.woken], [0, 1, 0]);
  namesakes.remove(old);
  assert.equal(fresh.woken, 1, "it was gone already");
});

Deno.test("pods of one name in two namespaces have nothing to do with each other", () => {
  const namesakes = new Namesakes();
  const [here, there] = [pod("web"), pod("web")];
  namesakes.add(here);
  namesakes.add({ ...there, podName: { namespace: "shop", name: "web" } });
  assert.equal(namesakes.isAnyRunning(here), false);
});

Deno.test("while another pod of its name runs, a pod prepares, pulls and starts nothing, and looks again", () => {
  const wait = { do: "wait", ms: 1_000 };
  for (
    const observed of [
      observedOf(),
      observedOf({ sandbox: READY }),
      observedOf({ sandbox: READY, memories: { main: { imageId: "x" } } }),
    ]
  ) {
    assert.notDeepEqual(nextSteps(podOf(), observed, 0), []);
    assert.deepEqual(nextSteps(podOf(), { ...observed, hasNamesake: true }, 0), [wait]);
  }
  const running = observedOf({ sandbox: READY, containers: [run(0, "running")] });
  assert.deepEqual(nextSteps(podOf(), { ...running, hasNamesake: true }, 0), [wait], "it goes on");
  const changed = podOf({ spec: { containers: [{ name: "main", image: "app:2" }] } });
  const [stop] = nextSteps(changed, { ...running, hasNamesake: true }, 0);
  assert.equal(stop!.do, "stop", "what has to end, ends");
});
