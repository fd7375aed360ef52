import assert from "node:assert/strict";
import { VirtualClock } from "../../core/lib/virtual_clock.ts";
import type { Secret } from "../../core/resources/core/secrets.ts";
import { SimulatedRuntime } from "../runtimes/simulated/simulated_runtime.ts";
import { type EnsuredImage, ImagePuller, type ImageRequest } from "./image_puller.ts";

const PRIVATE = "registry.io/team/app:1";

Deno.test("an image is fetched when its policy says so", async () => {
  const { ensure, runtime } = puller();
  runtime.images.set("remote", { isRemote: true });
  const wasPulled = async (image: string, policy: ImageRequest["policy"]) =>
    (await ensure({ image, policy })).pull !== undefined;
  assert.equal(await wasPulled("local", "IfNotPresent"), false);
  assert.equal(await wasPulled("local", "Never"), false);
  assert.equal(await wasPulled("local", "Always"), true);
  assert.equal(await wasPulled("remote", "IfNotPresent"), true);
  await assert.rejects(ensure({ image: "remote", policy: "Never" }), {
    reason: "ErrImageNeverPull",
    message: 'Container image "remote" is not present with pull policy of Never',
  });
  await assert.rejects(ensure({ image: "Not An Image" }), { reason: "InvalidImageName" });
});

for (const pullsMax of [1, 2, 3]) {
  Deno.test(`of three images, ${pullsMax} at a time are pulled, and waiting is told apart`, async () => {
    const { ensure, runtime } = puller(pullsMax);
    const images = ["a", "b", "c"];
    for (const image of images) runtime.images.set(image, { isRemote: true, pullMs: 1_000 });
    const ensured = await Promise.all(images.map((image) => ensure({ image })));
    const waits = ensured.map(({ pull }) => Math.floor((pull!.wholeMs - pull!.ms) / 1_000));
    assert.deepEqual(waits, images.map((_, i) => Math.floor(i / pullsMax)));
    assert.ok(ensured.every(({ pull }) => pull!.ms >= 1_000 && pull!.ms < 1_100));
  });
}

Deno.test("who asks for the same with the same credentials shares a pull, and nobody else does", async () => {
  const { ensure, runtime } = puller(9);
  runtime.images.set(PRIVATE, { isRemote: true, pullMs: 1_000, password: "right" });
  const asked = ["right", "right", "wrong"].map((word) => [secret({ password: word })]);
  const outcomes = await Promise.allSettled(
    [...asked, []].map((secrets) => ensure({ image: PRIVATE, secrets })),
  );
  assert.deepEqual(outcomes.map(({ status }) => status), [
    ...["fulfilled", "fulfilled", "rejected", "rejected"],
  ]);
  const [one, two] = outcomes as PromiseFulfilledResult<EnsuredImage>[];
  assert.equal(one!.value, two!.value);
});

Deno.test("each login is tried, and no error shows any of them", async () => {
  const { ensure, runtime } = puller();
  runtime.images.set(PRIVATE, { isRemote: true, password: "right" });
  const [first, second] = ["hunter2", "swordfish"].map((password) => secret({ password }));
  await ensure({ image: PRIVATE, secrets: [first!, secret({ password: "right" })] });
  await assert.rejects(ensure({ image: PRIVATE, secrets: [first!, second!] }), {
    reason: "ErrImagePull",
    message: "unauthorized: <hidden>",
  });
  await assert.rejects(ensure({ image: PRIVATE, secrets: [] }), {
    message: "unauthorized: nobody",
  });
  const broken = { ...first!, data: { ".dockercfg": btoa("{hunter2") } };
  await assert.rejects(ensure({ image: PRIVATE, secrets: [broken] }), {
    reason: "ErrImagePull",
    message: 'the pull secret "login" is not valid: its .dockercfg is no JSON object',
  });
});

Deno.test("what a registry says is shown up to a bound", async () => {
  const { ensure, runtime } = puller();
  runtime.images.set("evil", { isRemote: true, pullFault: "x".repeat(1_000_000) });
  await assert.rejects(ensure({ image: "evil" }), (error: Error) => error.message.length < 2_100);
});

function puller(pullsMax = 1) {
  const clock = new VirtualClock();
  const runtime = new SimulatedRuntime({ clock });
  const images = new ImagePuller({ runtime, clock, pullsMax });
  return {
    runtime,
    ensure: async (request: Partial<ImageRequest> & { image: string }) => {
      const ensured = images.ensure({ policy: "IfNotPresent", secrets: [], ...request });
      ensured.catch(() => {}); // reported below
      await clock.advance(10_000);
      return await ensured;
    },
  };
}

function secret({ password }: { password: string }): Secret {
  const content = JSON.stringify({ "registry.io": { username: "ada", password } });
  return {
    metadata: { name: "login" },
    type: "kubernetes.io/dockercfg",
    data: { ".dockercfg": btoa(content) },
  } as unknown as Secret;
}
