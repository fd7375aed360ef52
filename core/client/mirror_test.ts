import assert from "node:assert/strict";
import { RemoteFixture } from "../api/remote_fixture.ts";
import { abortWith } from "../lib/abort.ts";
import { SystemClock } from "../lib/clock.ts";
import { silentLog } from "../lib/log.ts";
import { Random } from "../lib/random.ts";
import { LocalClient } from "../objects/local_client.ts";
import { type ConfigMap, configMaps } from "../resources/core/config_maps.ts";
import { bindingTo } from "../resources/core/pods/binding.ts";
import { type Pod, pods } from "../resources/core/pods/pods.ts";
import type { Draft } from "./client.ts";
import { Mirror } from "./mirror.ts";
import type { ApiRequest } from "./server_link.ts";

Deno.test("a mirror shows all that there was when it has started", async () => {
  await using remote = await started({ data: ["a", "b"] });
  assert.deepEqual(namesIn(remote), ["a", "b"]);
});

Deno.test("while the server is away the mirror shows the last that it heard; then it catches up", async () => {
  await using remote = await started({ data: ["goes", "changes", "stays", "is made anew"] });
  const { fixture: { mirror }, told } = remote;
  await remote.fixture.stopServer();
  assert.deepEqual(namesIn(remote), ["changes", "goes", "is-made-anew", "stays"]);
  assert.equal(told.length, 0);
  await remote.fixture.startServer(async (local) => {
    await local.delete(configMaps, named("goes"));
    await local.delete(configMaps, named("is-made-anew"));
    await local.create(configMaps, configMap("is-made-anew"));
    await local.create(configMaps, configMap("is-new"));
    const changing = local.get(configMaps, named("changes"))!;
    await local.update(configMaps, { ...changing, data: { k: "2" } });
  });
  await remote.fixture.showsAll();
  assert.deepEqual(told.toSorted(), [
    "ADDED is-made-anew",
    "ADDED is-new",
    "DELETED goes",
    "DELETED is-made-anew",
    "MODIFIED changes",
  ]);
  assert.ok(told.indexOf("DELETED is-made-anew") < told.indexOf("ADDED is-made-anew"));
  assert.equal(mirror.get(configMaps, named("changes"))?.data?.["k"], "2");
});

Deno.test("a mirror that missed more than the server keeps lists again and dispatches the differences", async () => {
  const limits = { eventsMax: 5, bytesMax: 1024 * 1024 };
  await using remote = await started({ data: ["a", "b"], watchLimits: limits });
  remote.gate.shut();
  const local = new LocalClient(remote.fixture.objects);
  await local.delete(configMaps, named("a"));
  for (let number = 0; number < 10; number++) {
    await local.create(configMaps, configMap(`n${number}`));
  }
  for (let number = 1; number < 10; number++) await local.delete(configMaps, named(`n${number}`));
  remote.gate.open();
  await remote.fixture.showsAll();
  assert.deepEqual(remote.told, ["DELETED a", "ADDED n0"]);
  const lists = remote.gate.passed.filter((path) => path === "/api/v1/configmaps");
  assert.equal(lists.length, 2);
});

Deno.test("a mirror that missed little goes on where it stopped, without a list", async () => {
  await using remote = await started({ data: ["a"] });
  remote.gate.shut();
  const local = new LocalClient(remote.fixture.objects);
  const created = await local.create(configMaps, configMap("b"));
  await local.update(configMaps, { ...created, data: { k: "2" } });
  await local.delete(configMaps, named("b"));
  await local.create(configMaps, configMap("c"));
  remote.gate.open();
  await remote.fixture.showsAll();
  assert.deepEqual(remote.told, ["ADDED b", "MODIFIED b", "DELETED b", "ADDED c"]);
  const lists = remote.gate.passed.filter((path) => path === "/api/v1/configmaps");
  assert.equal(lists.length, 1);
});

Deno.test("of a kind that is selected by a field only what matches is mirrored", async () => {
  const sources = [{ resource: pods, fieldSelector: "spec.nodeName=n1" }];
  const fixture = await RemoteFixture.start({ sources });
  try {
    const local = new LocalClient(fixture.objects);
    const heard = Promise.withResolvers<string>();
    fixture.mirror.subscribe(pods, ({ type, object }) => {
      heard.resolve(`${type} ${object.metadata.name}`);
    });
    const spec = { containers: [{ name: "web", image: "web" }] };
    for (const name of ["other", "ours"]) {
      await local.create(pods, { metadata: named(name), spec } as Draft<Pod>);
    }
    await local.act(pods, named("other"), "binding", bindingTo("n2"));
    await local.act(pods, named("ours"), "binding", bindingTo("n1"));
    assert.equal(await heard.promise, "ADDED ours");
    assert.equal(fixture.mirror.list(pods).length, 1);
  } finally {
    await fixture.close();
  }
});

Deno.test("an idle mirror asks for nothing", async () => {
  await using remote = await started({ data: ["a"] });
  const before = remote.gate.passed.length;
  await new LocalClient(remote.fixture.objects).create(configMaps, configMap("b"));
  await remote.fixture.showsAll();
  assert.equal(remote.gate.passed.length, before);
});

Deno.test("a restored mirror starts without a server, tells nothing, and goes on where it was", async () => {
  await using remote = await started({ data: ["goes", "stays"] });
  const { fixture } = remote;
  const saved = { position: fixture.mirror.position(), objects: fixture.mirror.list(configMaps) };
  remote.gate.shut();
  const restored = otherMirror(fixture);
  restored.restore(structuredClone(saved));
  const told: string[] = [];
  restored.onChange((_, { type, object }) => void told.push(`${type} ${object.metadata.name}`));
  const stop = new AbortController();
  await restored.start(stop.signal);
  assert.deepEqual(restored.list(configMaps).map(({ metadata }) => metadata.name), [
    "goes",
    "stays",
  ]);
  assert.deepEqual(restored.position(), saved.position);
  const local = new LocalClient(fixture.objects);
  await local.create(configMaps, configMap("is-new"));
  await local.delete(configMaps, named("goes"));
  remote.gate.open();
  const caughtUp = Promise.withResolvers<void>();
  restored.onChange(() => told.length === 2 && caughtUp.resolve());
  await caughtUp.promise;
  assert.deepEqual(told, ["ADDED is-new", "DELETED goes"]);
  const lists = remote.gate.passed.filter((path) => path === "/api/v1/configmaps");
  assert.equal(lists.length, 1);
  stop.abort();
  await restored.ended();
});

/** Stands between the clients and the server: shut, it cuts off what is under way and lets nothing pass. */
class Gate {
  readonly passed: string[] = [];
  #isShut = false;
  #cut = new AbortController();

  shut(): void {
    this.#isShut = true;
    this.#cut.abort();
  }

  open(): void {
    this.#isShut = false;
    this.#cut = new AbortController();
  }

  async pass(
    request: ApiRequest,
    send: (request: ApiRequest) => Promise<Response>,
  ): Promise<Response> {
    if (this.#isShut) throw new TypeError("the gate is shut");
    this.passed.push(request.path);
    const either = new AbortController();
    abortWith(either, request.signal);
    abortWith(either, this.#cut.signal);
    return await send({ ...request, signal: either.signal });
  }
}

interface Remote extends AsyncDisposable {
  fixture: RemoteFixture;
  gate: Gate;
  /** What a subscriber has heard of config maps since the start. */
  told: string[];
}

async function started(
  { data, watchLimits }: {
    data: readonly string[];
    watchLimits?: { eventsMax: number; bytesMax: number };
  },
): Promise<Remote> {
  const gate = new Gate();
  const fixture = await RemoteFixture.start({
    ...(watchLimits && { watchLimits }),
    transport: (send) => (request) => gate.pass(request, send),
    prepare: async (local) => {
      for (const name of data) await local.create(configMaps, configMap(name.replaceAll(" ", "-")));
    },
  });
  const told: string[] = [];
  fixture.mirror.subscribe(configMaps, ({ type, object }) => {
    told.push(`${type} ${object.metadata.name}`);
  });
  return { fixture, gate, told, [Symbol.asyncDispose]: () => fixture.close() };
}

/** Another process that follows the same server. */
function otherMirror({ link, sources }: RemoteFixture): Mirror {
  const clock = new SystemClock();
  return new Mirror({ link, sources, clock, random: new Random(2), log: silentLog(clock) });
}

function namesIn({ fixture }: Remote): string[] {
  return fixture.mirror.list(configMaps).map(({ metadata }) => metadata.name);
}

function named(name: string): { namespace: string; name: string } {
  return { namespace: "default", name };
}

function configMap(name: string): Draft<ConfigMap> {
  return { metadata: named(name), data: { k: "1" } };
}
