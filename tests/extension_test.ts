/**
 * Whoever adds something to Coracle writes one file and one entry in a list. Each toy here is such a file in
 * `tests/extension/`, passed to a real server as such an entry, and seen to work. A change that makes one of them need
 * a second place fails here, or does not compile.
 */
import assert from "node:assert/strict";
import type { Scale } from "../core/objects/subresources/scale.ts";
import type { ConfigMap } from "../core/resources/core/config_maps.ts";
import type { Node } from "../core/resources/core/nodes/nodes.ts";
import type { Pod } from "../core/resources/core/pods/pods.ts";
import type { Service } from "../core/resources/core/services/services.ts";
import { caveEcho, caves } from "./extension/cave_echo.ts";
import { configMapKeeping } from "./extension/config_map_keeping.ts";
import { kindSwitch } from "./extension/kind_switch.ts";
import { lighthouses } from "./extension/lighthouses.ts";
import { testEngine } from "../proxy/engine/engine_contract.ts";
import { PlainEngine, plainEngine } from "./extension/plain_engine.ts";
import { podFollowing } from "./extension/pod_following.ts";
import { freePort, routedPod } from "./extension/routed_pod.ts";
import { publicConfigMaps } from "./extension/public_config_maps.ts";
import { puppetRuntime } from "./extension/puppet_runtime.ts";
import { serviceCards } from "./extension/service_cards.ts";
import { withAdditions } from "./extension/server_in_process.ts";
import { eventually } from "./eventually.ts";

const PODS = "/api/v1/namespaces/default/pods";
const REPLICA_SETS = "/apis/apps/v1/namespaces/default/replicasets";
const SERVICES = "/api/v1/namespaces/default/services";
const CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";
const LIGHTHOUSES = "/apis/example.com/v1/namespaces/default/lighthouses";

Deno.test("a kind is one file: it is served, found by discovery, and has its status, its scale and its columns", async () => {
  await withAdditions({ resources: [lighthouses] }, async (server) => {
    const ships = { matchLabels: { kind: "ship" } };
    const draft = { metadata: { name: "north" }, spec: { color: "red", lamps: 1, ships } };
    await server.ask("POST", LIGHTHOUSES, draft);
    const found = await server.ask<{ resources: { name: string }[] }>(
      "GET",
      "/apis/example.com/v1",
    );
    assert.deepEqual(found.resources.map(({ name }) => name), [
      "lighthouses",
      "lighthouses/scale",
      "lighthouses/signal",
      "lighthouses/status",
    ]);
    const lit = { ...draft, status: { flashes: 3, lamps: 1 } };
    await server.ask("PUT", `${LIGHTHOUSES}/north/status`, {
      apiVersion: "example.com/v1",
      kind: "Lighthouse",
      ...lit,
    });
    await server.until<{ status: { flashes?: number } }>(
      `${LIGHTHOUSES}/north`,
      ({ status }) => status.flashes === 3,
    );
    const scale = await server.ask<Scale>("GET", `${LIGHTHOUSES}/north/scale`);
    assert.deepEqual([scale.spec, scale.status], [{ replicas: 1 }, {
      replicas: 1,
      selector: "kind=ship",
    }]);
    await server.ask("PUT", `${LIGHTHOUSES}/north/scale`, { ...scale, spec: { replicas: 2 } });
    const { spec } = await server.ask<{ spec: { lamps: number } }>("GET", `${LIGHTHOUSES}/north`);
    assert.equal(spec.lamps, 2);
  });
});

Deno.test("a kind says what its admission refuses and what its own subresource does, in the same file", async () => {
  await withAdditions({ resources: [lighthouses] }, async (server) => {
    const north = { metadata: { name: "north" }, spec: { color: "red" } };
    await server.ask("POST", LIGHTHOUSES, north);
    const south = await server.fetch("POST", LIGHTHOUSES, {
      ...north,
      metadata: { name: "south" },
    });
    assert.equal(
      (await south.json()).message,
      'Lighthouse.example.com "south" is invalid: spec.color: Duplicate value: "red"',
    );
    const signal = (flashes: number) =>
      server.fetch("POST", `${LIGHTHOUSES}/north/signal`, { flashes });
    const refused = [await (await signal(2)).json(), await (await signal(0)).json()];
    assert.deepEqual(refused.map(({ message }) => message), [
      'Operation cannot be fulfilled on lighthouses.example.com/signal "north": it has no lamp',
      'Signal.example.com "north" is invalid: flashes: Invalid value: 0: must be greater than or equal to 1',
    ]);
    const status = { ...north, status: { lamps: 1 } };
    await server.ask("PUT", `${LIGHTHOUSES}/north/status`, status);
    for (const flashes of [2, 3]) assert.equal((await (await signal(flashes)).json()).code, 201);
    const lit = await server.ask<{ status: { flashes: number } }>("GET", `${LIGHTHOUSES}/north`);
    assert.equal(lit.status.flashes, 5);
  });
});

Deno.test("a scheduler plugin is one file: its tally decides where pods go, its hint wakes those that wait", async () => {
  await withAdditions({ schedulerPlugins: [podFollowing] }, async (server) => {
    const create = (name: string, labels: object) => {
      const containers = [{ name: "main", image: "none", command: ["sleep", "1000"] }];
      return server.ask("POST", PODS, { metadata: { name, labels }, spec: { containers } });
    };
    await create("follower", { follows: "north" });
    const { status } = await server.until<Pod>(
      `${PODS}/follower`,
      ({ status }) => status.conditions?.some(({ type }) => type === "PodScheduled") ?? false,
    );
    assert.match(
      status.conditions?.[0]?.message ?? "",
      /^0\/1 nodes are available: 1 node\(s\) had no leader\./,
    );
    await create("leader", { leads: "north" });
    await server.until<Pod>(
      `${PODS}/follower`,
      ({ spec }) => spec.nodeName === "toy-node",
    );
  });
});

Deno.test("a controller is one file: what it remembers lasts from one look to the next", async () => {
  await withAdditions({ controllers: [configMapKeeping] }, async (server) => {
    const metadata = { name: "colors", labels: { keep: "yes" } };
    const kept = (color: string) => ({ data, metadata: { annotations = {} } }: ConfigMap) =>
      data?.["sky"] === color && annotations["example.com/kept"] === "true";
    await server.ask("POST", CONFIG_MAPS, { metadata, data: { sky: "blue" } });
    const seen = await server.until<ConfigMap>(`${CONFIG_MAPS}/colors`, kept("blue"));
    await server.ask("PUT", `${CONFIG_MAPS}/colors`, { ...seen, data: { sky: "green" } });
    const { resourceVersion } = seen.metadata;
    await server.until<ConfigMap>(
      `${CONFIG_MAPS}/colors`,
      (now) => kept("blue")(now) && now.metadata.resourceVersion !== resourceVersion,
    );
    await server.ask("DELETE", `${CONFIG_MAPS}/colors`);
    await server.ask("POST", CONFIG_MAPS, { metadata, data: { sky: "red" } });
    await server.until<ConfigMap>(`${CONFIG_MAPS}/colors`, kept("red"));
  });
});
testEngine("an engine in one file", () => new PlainEngine());

Deno.test("a proxy engine is one file: requests pass through it, and it says what their clients speak", async () => {
  await withAdditions({ proxyEngines: [plainEngine] }, async (server) => {
    const port = freePort();
    for (const [path, object] of routedPod(port)) await server.ask("POST", path, object);
    const answer = await eventually("the pod answers", async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined);
      if (answer?.status === 200) return await answer.text();
      await answer?.body?.cancel();
    });
    assert.equal(answer, "the pod, asked over https");
  });
});

Deno.test("an authorizer is one entry: it allows what the others have no opinion of, and nothing more", async () => {
  await withAdditions({ authorizers: [() => publicConfigMaps] }, async (server) => {
    for (const name of ["public", "private"]) {
      await server.ask("POST", CONFIG_MAPS, { metadata: { name } });
    }
    const table: [method: string, path: string, code: number][] = [
      ["GET", `${CONFIG_MAPS}/public`, 200],
      ["DELETE", `${CONFIG_MAPS}/public`, 401],
      ["GET", `${CONFIG_MAPS}/private`, 401],
      ["GET", CONFIG_MAPS, 401],
      ["GET", "/livez", 200],
    ];
    for (const [method, path, code] of table) {
      const answer = await server.fetch(method, path, undefined, "anonymous");
      await answer.body?.cancel();
      assert.equal(answer.status, code, `${method} ${path}`);
    }
    const rules = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";
    const spec = { namespace: "default" };
    const { status } = await server.ask<{ status: { incomplete: boolean } }>("POST", rules, {
      spec,
    });
    assert.equal(status.incomplete, false, "the admin may do everything all the same");
  });
});

Deno.test("a kind can come and go while the server runs: it is served, watched, collected, and goes with its namespace", async () => {
  await withAdditions({ controllers: [kindSwitch] }, async (server) => {
    const [group, namespaced] = ["/apis/example.com/v1", "/apis/example.com/v1/namespaces"];
    const statusOf = async (path: string) => {
      const answer = await server.fetch("GET", path);
      await answer.body?.cancel();
      return answer.status;
    };
    const until = (path: string, code: number) =>
      eventually(`${path} is ${code}`, async () => await statusOf(path) === code || undefined);
    assert.equal(await statusOf(group), 404);
    const owner = await server.ask("POST", CONFIG_MAPS, { metadata: { name: "buoys" } });
    await until(group, 200);
    assert.equal(await statusOf("/openapi/v3/apis/example.com/v1"), 200);

    await server.ask("POST", "/api/v1/namespaces", { metadata: { name: "sea" } });
    const watch = await server.fetch("GET", `${group}/buoys?watch=1`);
    await server.ask("POST", `${namespaced}/sea/buoys`, { metadata: { name: "red" } });
    const reader = watch.body!.getReader();
    assert.match(new TextDecoder().decode((await reader.read()).value), /"ADDED".*"red"/);

    const { uid } = owner.metadata;
    const gone = { apiVersion: "v1", kind: "ConfigMap", name: "gone", uid: `${uid}-other` };
    const orphan = { name: "orphan", ownerReferences: [gone] };
    await server.ask("POST", `${namespaced}/default/buoys`, { metadata: orphan });
    await until(`${namespaced}/default/buoys/orphan`, 404);
    await server.ask("DELETE", "/api/v1/namespaces/sea");
    await until("/api/v1/namespaces/sea", 404);

    await server.ask("POST", `${namespaced}/default/buoys`, { metadata: { name: "kept" } });
    await server.ask("DELETE", `${CONFIG_MAPS}/buoys`);
    await until(group, 404);
    while (!(await reader.read()).done); // the watch has ended
    await server.ask("POST", CONFIG_MAPS, { metadata: { name: "buoys" } });
    await until(`${namespaced}/default/buoys/kept`, 200);
  });
});

Deno.test("a volume type is one file: its field is known, its files are mounted and follow what it reads", async () => {
  await withAdditions({ volumeTypes: [serviceCards] }, async (server) => {
    const service = (clusterIP?: string) => ({
      metadata: { name: "shop" },
      spec: { ports: [{ port: 80 }], ...(clusterIP && { clusterIP }) },
    });
    const mountPath = `/tmp/coracle-extension-card-${Deno.pid}`; // the runtime makes and removes it
    const command = ["sh", "-c", `while :; do cat ${mountPath}/address; sleep 0.1; done`];
    await server.ask("POST", REPLICA_SETS, {
      metadata: { name: "guest" },
      spec: {
        selector: { matchLabels: { app: "guest" } },
        template: {
          metadata: { labels: { app: "guest" } },
          spec: {
            volumes: [{ name: "card", serviceCard: { service: "shop" } }],
            containers: [{
              ...{ name: "main", image: "none", command },
              volumeMounts: [{ name: "card", mountPath }],
            }],
          },
        },
      },
    });
    const { items: [guest] } = await server.until<{ items: Pod[] }>(
      PODS,
      ({ items }) => items.length > 0,
    );
    const log = `${PODS}/${guest!.metadata.name}/log`;
    const refused = await server.fetch("POST", PODS, {
      metadata: { name: "other" },
      spec: { volumes: [{ name: "card", serviceCard: {} }], containers: [] },
    });
    assert.match(await refused.text(), /spec\.volumes\[0\]\.serviceCard\.service: Required value/);
    const made = await server.ask<Service>("POST", SERVICES, service());
    const { spec: { clusterIP } } = made;
    await server.untilText(log, (text) => text.includes(`${clusterIP}\n`));
    await server.ask("DELETE", `${SERVICES}/shop`);
    const other = clusterIP!.replace(
      /\d+$/,
      (number) => String(Number(number) === 254 ? 253 : Number(number) + 1),
    );
    await server.ask("POST", SERVICES, service(other));
    await server.untilText(log, (text) => text.includes(`${other}\n`));
  });
});

Deno.test("a container runtime is one file: it is chosen by its name, reads its flag and runs pods", async () => {
  const flags = { runtime: "puppet", puppetLine: "how do you do" };
  await withAdditions({ runtimes: [puppetRuntime] }, async (server) => {
    assert.match(server.log, /As asked, containers are puppets/);
    await server.ask("POST", PODS, {
      metadata: { name: "punch" },
      spec: { containers: [{ name: "main", image: "none" }], terminationGracePeriodSeconds: 1 },
    });
    const { status } = await server.until<Pod>(
      `${PODS}/punch`,
      ({ status }) => status.phase === "Running",
    );
    assert.match(status.containerStatuses?.[0]?.containerID ?? "", /^puppet:\/\/.+-main-0$/);
    await server.untilText(`${PODS}/punch/log`, (text) => text === "how do you do\n");
    const { items: [node] } = await server.ask<{ items: Node[] }>("GET", "/api/v1/nodes");
    assert.equal(node?.status.nodeInfo?.containerRuntimeVersion, "puppet://1.0.0");
    await server.ask("DELETE", `${PODS}/punch`);
    await server.untilGone(`${PODS}/punch`);
  }, flags);
});

Deno.test("a stream is one entry: it takes the connection over from HTTP", async () => {
  await withAdditions({ resources: [caves], streams: [caveEcho] }, async (server) => {
    await server.ask("POST", "/apis/example.com/v1/namespaces/default/caves", {
      metadata: { name: "deep" },
    });
    const path = "/apis/example.com/v1/namespaces/default/caves/deep/echo";
    using connection = await server.upgrade(path, "hello ");
    await connection.write(new TextEncoder().encode("echo"));
    const decoder = new TextDecoder();
    let text = "";
    for (const buffer = new Uint8Array(1024); !text.endsWith("hello echo");) {
      const length = await connection.read(buffer);
      assert.ok(length, text);
      text += decoder.decode(buffer.subarray(0, length));
    }
    assert.match(text, /^HTTP\/1.1 101 /);
    const ordinary = await server.fetch("POST", path);
    await ordinary.body?.cancel();
    assert.equal(ordinary.status, 404);
    using refused = await server.upgrade(path.replace("echo", "status"), "");
    const buffer = new Uint8Array(1024);
    const length = await refused.read(buffer);
    assert.match(decoder.decode(buffer.subarray(0, length!)), /^HTTP\/1.1 501 /);
  });
});
