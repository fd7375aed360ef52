import assert from "node:assert/strict";
import { ApiError } from "../../client/api_error.ts";
import type { Client } from "../../client/client.ts";
import { EventRecorder } from "../../client/event_recorder.ts";
import { AssertionError } from "../../lib/assert.ts";
import { Log } from "../../lib/log.ts";
import { VirtualClock } from "../../lib/virtual_clock.ts";
import { type ConfigMap, configMaps } from "../../resources/core/config_maps.ts";
import { events } from "../../resources/events/events.ts";
import { secrets } from "../../resources/core/secrets.ts";
import {
  type Controller,
  create,
  NOTHING,
  type Plan,
  plan,
  recordEvent,
  remove,
  update,
} from "./controller.ts";
import { type Look, runController } from "./run_controller.ts";
import { clientOf, TestCluster } from "../test_cluster.ts";

const NAME = { namespace: "default", name: "a" };

/** A controller that runs on a test cluster, with a log that can be read. */
class Run {
  readonly cluster = new TestCluster();
  readonly clock = new VirtualClock(this.cluster.nowMs);
  readonly lines: string[] = [];
  readonly looks: Look[] = [];
  readonly client = clientOf(this.cluster);
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  start(
    reconcile: Controller<ConfigMap>["reconcile"],
    more: Partial<Controller<ConfigMap>> = {},
  ): this {
    const { clock, client, cluster } = this;
    const sink = (text: string) => this.lines.push(text.slice(text.indexOf(" ") + 1));
    const log = new Log({ clock, sink, level: "info", format: "text" });
    const { signal } = this.#stop;
    const recorder = new EventRecorder({ client, clock, log, signal });
    const controller = {
      name: "test",
      resource: configMaps,
      watches: [],
      workers: 2,
      reconcile,
      ...more,
    };
    const parts = {
      client,
      view: cluster,
      clock,
      log,
      events: recorder,
      observe: (look: Look) => this.looks.push(look),
    };
    this.#running = runController<ConfigMap>(controller, parts, signal);
    this.#running.catch(() => {}); // the test looks at it by `ended`
    return this;
  }

  put(data: Record<string, string> = {}): ConfigMap {
    return this.cluster.put(configMaps, { metadata: NAME, data });
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  get ended(): Promise<void> {
    return this.#running;
  }
}

Deno.test("every object is looked at when the controller starts and after each change, and not otherwise", async () => {
  const run = new Run();
  run.put();
  let looks = 0;
  run.start(() => (looks++, NOTHING));
  await run.clock.advance(10);
  assert.equal(looks, 1);
  run.put({ x: "1" });
  await run.clock.advance(10);
  assert.equal(looks, 2);
  await run.clock.advance(3_600_000);
  assert.equal(looks, 2);
  assert.equal(run.clock.pending, 0);
  await run.stop();
});

Deno.test("of what only concerns a controller nothing is read when it starts", async () => {
  const run = new Run();
  run.put();
  const listed: string[] = [];
  const list = run.cluster.list.bind(run.cluster);
  run.cluster.list = (
    resource,
    namespace,
  ) => (listed.push(resource.kind), list(resource, namespace));
  let looks = 0;
  run.start(() => (looks++, NOTHING), {
    watches: [{ resource: secrets, concerns: ({ metadata: { name } }) => [{ ...NAME, name }] }],
  });
  await run.clock.advance(10);
  assert.deepEqual([listed, looks], [["ConfigMap"], 1]);
  run.cluster.put(secrets, { metadata: NAME });
  await run.clock.advance(10);
  assert.equal(looks, 2);
  await run.stop();
});

Deno.test("a controller that wants to know what is gone learns at its start what others still name", async () => {
  const run = new Run();
  run.cluster.put(secrets, { metadata: NAME });
  const gone: unknown[] = [];
  run.start(() => NOTHING, {
    watches: [{ resource: secrets, concerns: () => [NAME] }],
    gone: (name) => (gone.push(name), NOTHING),
  });
  await run.clock.advance(10);
  assert.deepEqual(gone, [NAME]);
  await run.stop();
});

Deno.test("an object is looked at again when its plan says so", async () => {
  const run = new Run();
  run.put();
  const times: number[] = [];
  run.start((_object, _view, nowMs) => plan([], times.push(nowMs) < 3 ? 5_000 : undefined));
  const fromMs = run.clock.now();
  await run.clock.advance(60_000);
  assert.deepEqual(times.map((ms) => ms - fromMs), [0, 5_000, 10_000]);
  await run.stop();
});

Deno.test("a write that met a newer version is decided anew at once, a few times", async () => {
  const run = new Run();
  run.put();
  let conflicts = 3;
  const { update: write } = run.client;
  run.client.update =
    ((resource, object) =>
      conflicts-- > 0
        ? Promise.reject(new ApiError("Conflict", "the object has been modified"))
        : write(resource, object)) as Client["update"];
  run.start((object) =>
    object.data?.["done"]
      ? NOTHING
      : plan([update(configMaps, { ...object, data: { done: "yes" } })])
  );
  await run.clock.advance(0);
  assert.equal(run.cluster.get(configMaps, NAME)?.data?.["done"], "yes");
  assert.deepEqual(run.lines, []);
  await run.stop();
});

Deno.test("what fails is tried again ever later; the log tells when it begins, changes and ends", async () => {
  const run = new Run();
  run.put();
  let message = "disk full";
  const times: number[] = [];
  const fromMs = run.clock.now();
  run.start((object): Plan => {
    if (object.data?.["done"]) return NOTHING;
    times.push(run.clock.now() - fromMs);
    if (message) throw new Error(message);
    return plan([update(configMaps, { ...object, data: { done: "yes" } })]);
  });
  await run.clock.advance(400);
  message = "disk on fire";
  await run.clock.advance(800);
  message = "";
  await run.clock.advance(60_000);
  assert.deepEqual(times, [0, 50, 150, 350, 750, 1_550]);
  assert.deepEqual(run.lines, [
    'warn  Cannot bring test default/a to its spec: it is tried again error="disk full" waitMs=50',
    'warn  Cannot bring test default/a to its spec: it is tried again error="disk on fire" waitMs=800',
    "info  test default/a goes on failures=5",
  ]);
  assert.deepEqual(run.looks.map(({ outcome }) => outcome).slice(0, 6), [
    ...Array(5).fill("failed"),
    "done",
  ]);
  await run.stop();
});

Deno.test("an object that is there already counts as made, one that is gone as deleted", async () => {
  const run = new Run();
  const other = run.cluster.put<ConfigMap>(configMaps, { metadata: { name: "b" } });
  run.put();
  const refuse = (reason: "AlreadyExists" | "NotFound" | "Conflict") =>
    Promise.reject(new ApiError(reason, reason));
  run.client.create = (() => refuse("AlreadyExists")) as Client["create"];
  const reasons = ["NotFound", "Conflict"] as const;
  let deletions = 0;
  run.client.delete = () => refuse(reasons[deletions++]!);
  run.start((object) =>
    object.metadata.name === "b" ? NOTHING : plan([
      create(configMaps, { metadata: { name: "b" } }),
      remove(configMaps, other),
      remove(configMaps, other),
    ])
  );
  await run.clock.advance(0);
  assert.deepEqual(run.looks.map(({ outcome }) => outcome), ["done", "done"]);
  await run.stop();
});

Deno.test("what was planned for a refusal is written, and the object is tried again", async () => {
  const run = new Run();
  run.put();
  const { create: make } = run.client;
  run.client.create =
    ((resource, draft) =>
      resource.kind === "ConfigMap"
        ? Promise.reject(new ApiError("Forbidden", "exceeded quota"))
        : make(resource, draft)) as Client[
        "create"
      ];
  run.start((object) =>
    plan([create(configMaps, { metadata: { name: "b" } }, {
      refused: ({ message }) =>
        object.data?.["why"] ? [] : [update(configMaps, { ...object, data: { why: message } })],
    })])
  );
  await run.clock.advance(10);
  assert.equal(run.cluster.get(configMaps, NAME)?.data?.["why"], "exceeded quota");
  assert.equal(run.looks[0]?.outcome, "refused");
  await run.stop();
});

Deno.test("events of writes are told once the write is done", async () => {
  const run = new Run();
  const about = run.put();
  const notice = (reason: string) => ({ about, type: "Normal" as const, reason, message: reason });
  run.start((object) =>
    object.metadata.name === "b" || run.cluster.list(configMaps).length > 1 ? NOTHING : plan([
      create(configMaps, { metadata: { name: "b" } }, { event: notice("Made") }),
      recordEvent(notice("Told")),
    ])
  );
  await run.clock.advance(10);
  assert.deepEqual(
    run.cluster.list(events).map(({ reason, source }) => [reason, source.component]).sort(),
    [
      ["Made", "test"],
      ["Told", "test"],
    ],
  );
  await run.stop();
});

Deno.test("many creations of a plan are under way together, in batches that grow", async () => {
  const run = new Run();
  run.put();
  let [underWay, most] = [0, 0];
  const { create: make } = run.client;
  run.client.create = (async (resource, draft) => {
    most = Math.max(most, ++underWay);
    await Promise.resolve();
    underWay--;
    return make(resource, draft);
  }) as Client["create"];
  const names = Array.from({ length: 200 }, (_, number) => `b${number}`);
  run.start((object) =>
    object.metadata.name !== "a" || run.cluster.list(configMaps).length > 1
      ? NOTHING
      : plan(names.map((name) => create(configMaps, { metadata: { name } })))
  );
  await run.clock.advance(0);
  assert.equal(run.cluster.list(configMaps).length, 201);
  assert.equal(most, 64);
  await run.stop();
});

Deno.test("an object that is gone is told to a controller that wants to know", async () => {
  const run = new Run();
  run.put();
  const gone: string[] = [];
  run.start(() => NOTHING, { gone: ({ name }) => (gone.push(name), NOTHING) });
  await run.clock.advance(0);
  run.cluster.take(configMaps, NAME);
  await run.clock.advance(0);
  assert.deepEqual(gone, ["a"]);
  await run.stop();
});

Deno.test("a fault of ours ends the controller", async () => {
  const run = new Run();
  run.put();
  run.start(() => {
    throw new AssertionError("this cannot be");
  });
  await run.clock.advance(0);
  await assert.rejects(run.ended, AssertionError);
});
