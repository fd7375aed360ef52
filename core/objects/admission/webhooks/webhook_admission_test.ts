import assert from "node:assert/strict";
import type { ApiError } from "../../../client/api_error.ts";
import {
  WebhookFailure,
  type WebhookTransport,
} from "../../../client/webhooks/webhook_transport.ts";
import type { WriteOptions } from "../../../client/write_options.ts";
import { silentLog } from "../../../lib/log.ts";
import { Random } from "../../../lib/random.ts";
import { mutatingWebhookConfigurations } from "../../../resources/admissionregistration/mutating_webhook_configurations.ts";
import { validatingWebhookConfigurations } from "../../../resources/admissionregistration/validating_webhook_configurations.ts";
import { type ConfigMap, configMaps } from "../../../resources/core/config_maps.ts";
import { namespaces } from "../../../resources/core/namespaces.ts";
import { pods } from "../../../resources/core/pods/pods.ts";
import { services } from "../../../resources/core/services/services.ts";
import { events } from "../../../resources/events/events.ts";
import { freshObjects } from "../../objects_fixture.ts";
import type { Objects } from "../../objects.ts";
import { WebhookAdmission } from "./webhook_admission.ts";

// deno-lint-ignore no-explicit-any -- the request of a review is read field by field
type Request = any;
type Answer = object | Error | ((request: Request) => object | Promise<object>);

/** A cluster whose webhooks answer as the test says, by the paths of their URLs. */
class Site {
  /** `PATH OPERATION NAME` of each request, in order. */
  readonly asked: string[] = [];
  readonly requests: Request[] = [];
  readonly answers = new Map<string, Answer>();

  private constructor(readonly objects: Objects) {}

  static async open(): Promise<Site> {
    const { objects, client, clock } = await freshObjects();
    const site = new Site(objects);
    const { store } = objects;
    const transport: WebhookTransport = { post: (at, body) => site.#answer(at.url.pathname, body) };
    const parts = { random: new Random(3), log: silentLog(clock), transport };
    const { policies } = objects;
    objects.askWebhooks(new WebhookAdmission({ store, view: client, policies, ...parts }));
    return site;
  }

  async #answer(path: string, body: string): Promise<unknown> {
    const { request, apiVersion } = JSON.parse(body);
    this.asked.push(`${path} ${request.operation} ${request.name ?? ""}`);
    this.requests.push(request);
    const answer = this.answers.get(path) ?? { allowed: true };
    if (answer instanceof Error) throw answer;
    const said = typeof answer === "function" ? await answer(request) : answer;
    if ("whole" in said) return said.whole;
    return { apiVersion, kind: "AdmissionReview", response: { uid: request.uid, ...said } };
  }

  mutating(name: string, ...webhooks: object[]) {
    return this.#configure(mutatingWebhookConfigurations, name, webhooks);
  }

  validating(name: string, ...webhooks: object[]) {
    return this.#configure(validatingWebhookConfigurations, name, webhooks);
  }

  async #configure(
    kind: typeof mutatingWebhookConfigurations | typeof validatingWebhookConfigurations,
    name: string,
    webhooks: object[],
  ): Promise<void> {
    await this.objects.create(kind, { metadata: { name }, webhooks });
  }

  async configMap(draft: object = {}, options: WriteOptions = {}): Promise<ConfigMap> {
    const written = await this.objects.create(configMaps, named(draft), options);
    return written.object as ConfigMap;
  }
}

function named(draft: object): object {
  return { metadata: { name: "a", namespace: "default" }, ...draft };
}

function webhook(path: string, more: object = {}): object {
  return {
    name: `${path}.hooks.example`,
    clientConfig: { url: `https://127.0.0.1/${path}` },
    rules: [rule()],
    sideEffects: "None",
    admissionReviewVersions: ["v1"],
    ...more,
  };
}

function rule(more: object = {}): object {
  return {
    operations: ["*"],
    apiGroups: [""],
    apiVersions: ["v1"],
    resources: ["configmaps"],
    ...more,
  };
}

function patch(...operations: object[]): object {
  return { allowed: true, patchType: "JSONPatch", patch: btoa(JSON.stringify(operations)) };
}

async function refusal(write: Promise<unknown>): Promise<[number, string | undefined, string]> {
  const error: ApiError = await write.then(() => assert.fail("not refused"), (error) => error);
  return [error.code, error.shownReason, error.message];
}

Deno.test("mutating webhooks are asked by name and order, those that want it again, then the validating ones", async () => {
  const site = await Site.open();
  await site.mutating("b", webhook("m2"));
  await site.mutating("a", webhook("m1", { reinvocationPolicy: "IfNeeded" }), webhook("m0"));
  await site.validating("c", webhook("v1"), webhook("v2"));
  site.answers.set("/m2", patch({ op: "add", path: "/data", value: { m2: "1", count: "x" } }));
  const { data } = await site.configMap({ data: { sent: "1" } });
  assert.deepEqual(data, { m2: "1", count: "x" });
  assert.deepEqual(site.asked, [
    "/m1 CREATE a",
    "/m0 CREATE a",
    "/m2 CREATE a",
    "/m1 CREATE a",
    "/v1 CREATE a",
    "/v2 CREATE a",
  ]);
  assert.deepEqual(site.requests[3].object.data, { m2: "1", count: "x" });
  const stored = site.objects.get(configMaps, { namespace: "default", name: "a" }).object;
  assert.equal(site.requests[4].object.metadata.uid, stored.metadata.uid);
  assert.equal(site.requests[0].object.metadata.uid, undefined);
});

Deno.test("a webhook is not asked again about its own change", async () => {
  const site = await Site.open();
  await site.mutating("b", webhook("m", { reinvocationPolicy: "IfNeeded" }), webhook("n"));
  site.answers.set("/m", patch({ op: "add", path: "/data", value: { m: "1" } }));
  await site.configMap();
  assert.deepEqual(site.asked, ["/m CREATE a", "/n CREATE a"]);
});

Deno.test("a webhook is told who asks for what", async () => {
  const site = await Site.open();
  await site.validating("c", webhook("v", { rules: [rule({ resources: ["*"] })] }));
  const userInfo = { name: "eve", groups: ["a", "b"], uid: "7", extra: { k: ["1"] } };
  await site.configMap({}, { userInfo, fieldManager: "fm", dryRun: true });
  const { uid, object, ...request } = site.requests[0];
  assert.match(uid, /^[0-9a-f-]{36}$/);
  assert.equal(object.metadata.name, "a");
  assert.deepEqual(request, {
    kind: { group: "", version: "v1", kind: "ConfigMap" },
    resource: { group: "", version: "v1", resource: "configmaps" },
    requestKind: { group: "", version: "v1", kind: "ConfigMap" },
    requestResource: { group: "", version: "v1", resource: "configmaps" },
    name: "a",
    namespace: "default",
    operation: "CREATE",
    userInfo: { username: "eve", uid: "7", groups: ["a", "b"], extra: { k: ["1"] } },
    oldObject: null,
    dryRun: true,
    options: {
      kind: "CreateOptions",
      apiVersion: "meta.k8s.io/v1",
      fieldManager: "fm",
      dryRun: ["All"],
    },
  });
});

const REFUSALS: readonly [answer: object, code: number, reason: string | undefined, why: string][] =
  [
    [{ allowed: false }, 400, "", " without explanation"],
    [{ allowed: false, status: { message: "no way" } }, 400, "", ": no way"],
    [
      { allowed: false, status: { code: 410, reason: "Gone", message: "gone" } },
      410,
      "Gone",
      ": gone",
    ],
    [{ allowed: false, status: { reason: "Why" } }, 400, "Why", ": Why"],
    [{ allowed: false, status: { code: 200 } }, 400, "", " without explanation"],
    [{ allowed: false, status: { code: 399 } }, 400, "", " without explanation"],
    [{ allowed: "true" }, 400, "", " without explanation"],
  ];

Deno.test("a webhook refuses with the code and the words of its choice", async () => {
  const site = await Site.open();
  await site.validating("c", webhook("v"));
  for (const [answer, code, reason, why] of REFUSALS) {
    site.answers.set("/v", answer);
    const words = `admission webhook "v.hooks.example" denied the request${why}`;
    assert.deepEqual(await refusal(site.configMap()), [code, reason, words]);
  }
});

const BROKEN: readonly [kind: "mutating" | "validating", answer: Answer, why: string][] = [
  [
    "validating",
    new WebhookFailure("EOF"),
    'failed calling webhook "h.hooks.example": failed to call webhook: EOF',
  ],
  [
    "validating",
    { uid: "x", allowed: true },
    'failed calling webhook "h.hooks.example": received invalid webhook response: expected response.uid=UID, got "x"',
  ],
  [
    "validating",
    { whole: { kind: "AdmissionReview" } },
    'failed calling webhook "h.hooks.example": received invalid webhook response: webhook response was absent',
  ],
  [
    "validating",
    { whole: [] },
    'failed calling webhook "h.hooks.example": received invalid webhook response: webhook response was absent',
  ],
  [
    "validating",
    patch(),
    'failed calling webhook "h.hooks.example": received invalid webhook response: validating webhook may not return response.patch',
  ],
  [
    "mutating",
    { allowed: true, patch: btoa("[]") },
    'failed calling webhook "h.hooks.example": received invalid webhook response: webhook returned response.patch but not response.patchType',
  ],
  [
    "mutating",
    { allowed: true, patchType: "JSONPatch", patch: "%" },
    'failed calling webhook "h.hooks.example": received undecodable patch in webhook response: it is no JSON patch',
  ],
];

Deno.test("a webhook that answers badly fails the request, unless its failures are to be ignored", async () => {
  for (const [kind, answer, why] of BROKEN) {
    const site = await Site.open();
    site.answers.set("/h", answer);
    await site[kind]("c", webhook("h"));
    const [code, reason, message] = await refusal(site.configMap());
    assert.deepEqual([code, reason], [500, "InternalError"]);
    const known = message.replace(/"[0-9a-f-]{36}"/, "UID");
    assert.equal(known, `Internal error occurred: ${why}`);
    const ignoring = await Site.open();
    ignoring.answers.set("/h", answer);
    await ignoring[kind]("c", webhook("h", { failurePolicy: "Ignore" }));
    assert.equal((await ignoring.configMap()).metadata.name, "a");
  }
});

Deno.test("what a webhook has made of an object is checked as if the client had sent it", async () => {
  const site = await Site.open();
  await site.mutating("c", webhook("m"));
  const value = { "a b": "1" };
  site.answers.set("/m", patch({ op: "add", path: "/data", value }));
  const [code, reason, message] = await refusal(site.configMap());
  assert.deepEqual([code, reason], [422, "Invalid"]);
  assert.match(message, /data\[a b\]: Invalid value/);
  site.answers.set("/m", patch({ op: "remove", path: "/nope" }));
  assert.equal((await refusal(site.configMap()))[0], 500);
  site.answers.set("/m", patch({ op: "add", path: "/data", value: 7 }));
  assert.equal((await refusal(site.configMap()))[0], 500);
  site.answers.set("/m", patch({ op: "add", path: "/nope", value: 7 }));
  assert.ok(!("nope" in await site.configMap()));
});

Deno.test("a webhook mends what would be refused without it", async () => {
  const site = await Site.open();
  const resources = ["pods"];
  await site.mutating("c", webhook("m", { rules: [rule({ resources })] }));
  const value = [{ name: "main", image: "app:1" }];
  site.answers.set("/m", patch({ op: "add", path: "/spec/containers", value }));
  const draft = { ...named({}), spec: { containers: [{ name: "main" }] } };
  const { object } = await site.objects.create(pods, draft);
  assert.equal(
    (object as unknown as { spec: { containers: Request[] } }).spec.containers[0].image,
    "app:1",
  );
});

Deno.test("only those are asked whose rules and selectors mean the request", async () => {
  const site = await Site.open();
  const only = (matchLabels: object) => ({ matchLabels });
  await site.validating(
    "c",
    webhook("create", { rules: [rule({ operations: ["CREATE"] })] }),
    webhook("delete", { rules: [rule({ operations: ["DELETE"] })] }),
    webhook("group", { rules: [rule({ apiGroups: ["apps"] })] }),
    webhook("version", { rules: [rule({ apiVersions: ["v2"] })] }),
    webhook("cluster", { rules: [rule({ scope: "Cluster" })] }),
    webhook("status", { rules: [rule({ resources: ["configmaps/status"] })] }),
    webhook("all", { rules: [rule({ resources: ["*/*"], scope: "Namespaced" })] }),
    webhook("space", {
      namespaceSelector: only({ "kubernetes.io/metadata.name": "kube-system" }),
    }),
    webhook("label", { objectSelector: only({ a: "1" }) }),
  );
  await site.configMap();
  assert.deepEqual(site.asked.splice(0), ["/create CREATE a", "/all CREATE a"]);
  const labels = { a: "1" };
  const metadata = { name: "b", namespace: "kube-system", labels };
  await site.configMap({ metadata });
  assert.deepEqual(site.asked.splice(0), [
    "/create CREATE b",
    "/all CREATE b",
    "/space CREATE b",
    "/label CREATE b",
  ]);
  await site.objects.update(configMaps, metadata, { metadata: { ...metadata, labels: {} } });
  assert.deepEqual(site.asked.splice(0), ["/all UPDATE b", "/space UPDATE b", "/label UPDATE b"]);
  await site.objects.delete(configMaps, metadata);
  assert.deepEqual(site.asked.splice(0), ["/delete DELETE b", "/all DELETE b", "/space DELETE b"]);
  assert.deepEqual(site.requests.at(-1).object, null);
  assert.equal(site.requests.at(-1).oldObject.metadata.name, "b");
});

Deno.test("a namespace is judged by its own labels, and is no namespaced object", async () => {
  const site = await Site.open();
  const rules = [rule({ resources: ["namespaces"] })];
  const namespaceSelector = { matchLabels: { a: "1" } };
  await site.validating(
    "c",
    webhook("own", { rules, namespaceSelector }),
    webhook("inner", { rules: [rule({ resources: ["namespaces"], scope: "Namespaced" })] }),
  );
  await site.objects.create(namespaces, { metadata: { name: "x" } });
  await site.objects.create(namespaces, { metadata: { name: "y", labels: { a: "1" } } });
  assert.deepEqual(site.asked, ["/own CREATE y"]);
});

Deno.test("equivalent versions count unless the webhook wants its own exactly", async () => {
  const site = await Site.open();
  const rules = [rule({ apiGroups: ["events.k8s.io"], resources: ["events"] })];
  await site.validating(
    "c",
    webhook("any", { rules }),
    webhook("exact", { rules, matchPolicy: "Exact" }),
  );
  const involvedObject = { namespace: "default" };
  await site.objects.create(events, named({ involvedObject }));
  assert.deepEqual(site.asked, ["/any CREATE a"]);
  const { kind, requestKind, object } = site.requests[0];
  assert.deepEqual([kind.group, requestKind.group], ["events.k8s.io", ""]);
  assert.equal(object.apiVersion, "events.k8s.io/v1");
});

Deno.test("others may write while a webhook thinks: the change is decided again on what they wrote", async () => {
  const site = await Site.open();
  await site.configMap({ data: { count: "0" } });
  await site.validating("c", webhook("v", { rules: [rule({ operations: ["UPDATE"] })] }));
  const name = { namespace: "default", name: "a" };
  const merge = (data: object) => ({ type: "application/merge-patch+json", body: { data } });
  const amend = (count: string) =>
    site.objects.amend(
      configMaps,
      name,
      (current) => ({ ...current, data: { count } } as ConfigMap),
    );
  let times = 0;
  site.answers.set("/v", async () => {
    if (times++ === 0) await amend("1");
    return { allowed: true };
  });
  const { object } = await site.objects.patch(configMaps, name, merge({ mine: "1" }));
  assert.deepEqual((object as ConfigMap).data, { count: "1", mine: "1" });
  assert.equal(times, 2);
  site.answers.set("/v", async () => {
    await amend(String(++times));
    return { allowed: true };
  });
  const [code] = await refusal(site.objects.patch(configMaps, name, merge({ mine: "2" })));
  assert.deepEqual([code, times], [409, 7]);
});

Deno.test("the namespace may go while a webhook thinks, and the name may be taken", async () => {
  const site = await Site.open();
  await site.objects.create(namespaces, { metadata: { name: "short" } });
  await site.validating("c", webhook("v"));
  site.answers.set("/v", async () => {
    await site.objects.delete(namespaces, { name: "short" });
    return { allowed: true };
  });
  const metadata = { name: "a", namespace: "short" };
  assert.equal((await refusal(site.configMap({ metadata })))[0], 403);
  const twice = await Promise.allSettled([site.configMap(), site.configMap()]);
  assert.deepEqual(twice.map(({ status }) => status), ["fulfilled", "rejected"]);
});

Deno.test("what a Service was given stays with it when webhooks are asked, and a refused one gives it back", async () => {
  const site = await Site.open();
  await site.validating("c", webhook("v", { rules: [rule({ resources: ["services"] })] }));
  const spec = { clusterIP: "10.96.0.77", ports: [{ port: 80 }] };
  site.answers.set("/v", { allowed: false });
  await refusal(site.objects.create(services, named({ spec })));
  site.answers.delete("/v");
  const { object } = await site.objects.create(
    services,
    named({ spec: { ports: [{ port: 80 }] } }),
  );
  const given = (object as unknown as { spec: { clusterIP: string } }).spec.clusterIP;
  assert.equal(site.requests[1].object.spec.clusterIP, given);
  const metadata = { name: "b", namespace: "default" };
  await site.objects.create(services, { metadata, spec });
});

Deno.test("a dry run asks only those without effects", async () => {
  const site = await Site.open();
  await site.validating("c", webhook("v", { sideEffects: "NoneOnDryRun" }));
  await site.configMap({}, { dryRun: true });
  assert.equal(site.asked.length, 1);
  assert.throws(() => site.objects.get(configMaps, { namespace: "default", name: "a" }));
});

Deno.test("configurations of webhooks are decided about by no webhook", async () => {
  const site = await Site.open();
  const rules = [rule({ apiGroups: ["*"], apiVersions: ["*"], resources: ["*"] })];
  await site.validating("c", webhook("v", { rules }));
  site.answers.set("/v", { allowed: false });
  await site.validating("d", webhook("w"));
  await site.objects.delete(validatingWebhookConfigurations, { name: "c" });
  assert.deepEqual(site.asked, []);
});

Deno.test("warnings of webhooks reach the client", async () => {
  const site = await Site.open();
  await site.mutating("b", webhook("m"));
  await site.validating("c", webhook("v"));
  site.answers.set("/m", { allowed: true, warnings: ["w1", 7] });
  site.answers.set("/v", { allowed: true, warnings: ["w2"] });
  const { warnings } = await site.objects.create(configMaps, { ...named({}), nope: 1 });
  assert.deepEqual(warnings, ['unknown field "nope"', "w1", "w2"]);
});

Deno.test("match conditions decide whether a webhook is asked", async () => {
  const site = await Site.open();
  const isOther = { name: "c", expression: "request.userInfo.username != 'jane'" };
  await site.validating("c1", webhook("w", { matchConditions: [isOther] }));
  await site.configMap({}, { userInfo: { name: "jane", groups: [] }, dryRun: true });
  assert.deepEqual(site.asked, []);
  await site.configMap({}, { userInfo: { name: "joe", groups: [] }, dryRun: true });
  assert.equal(site.asked.length, 1);
  const wrong = { name: "d", expression: "object.data.nope == 'x'" };
  await site.validating("c2", webhook("v", { matchConditions: [wrong] }));
  await assert.rejects(site.configMap(), {
    code: 403,
    message: /is forbidden: expression 'object.data.nope == 'x'' resulted in error: no such key/,
  });
});

Deno.test("a webhook may refuse a connection, by its options", async () => {
  const site = await Site.open();
  const rules = [rule({ operations: ["CONNECT"], resources: ["pods/exec"] })];
  await site.validating("c", webhook("v", { rules, objectSelector: { matchLabels: {} } }));
  const options = { kind: "PodExecOptions", apiVersion: "v1", command: ["sh"] };
  const connect = (subresource: string) =>
    site.objects.ask({
      ...{ operation: "CONNECT", resource: pods, subresource },
      name: { namespace: "default", name: "web" },
      body: { group: "", version: "v1", kind: "PodExecOptions" },
      object: options as never,
    }, {});
  await connect("attach");
  assert.deepEqual(site.asked, []);
  site.answers.set("/v", { allowed: false, status: { message: "no shells" } });
  const words = 'admission webhook "v.hooks.example" denied the request: no shells';
  assert.deepEqual(await refusal(connect("exec")), [400, "", words]);
  const { kind, subResource, object, oldObject, name } = site.requests[0];
  assert.deepEqual(kind, { group: "", version: "v1", kind: "PodExecOptions" });
  assert.deepEqual([subResource, object, oldObject, name], ["exec", options, null, "web"]);
});

Deno.test("the audit log hears which webhooks changed what, which could not be asked, and what they say themselves", async () => {
  const site = await Site.open();
  await site.mutating("m1", webhook("one"), webhook("down", { failurePolicy: "Ignore" }));
  await site.validating(
    "v1",
    webhook("says"),
    webhook("gone", { failurePolicy: "Ignore" }),
    webhook("no"),
  );
  const added = { op: "add", path: "/data", value: { k: "v" } };
  site.answers.set("/one", { ...patch(added), auditAnnotations: { why: "because", odd: 1 } });
  site.answers.set("/down", new WebhookFailure("no route"));
  site.answers.set("/gone", new WebhookFailure("no route"));
  site.answers.set("/no", { allowed: false, auditAnnotations: { no: "way" } });
  const notes: unknown[] = [];
  const write = site.configMap({}, { annotate: (...note) => notes.push(note) });
  assert.equal((await refusal(write))[0], 400);
  const names = { configuration: "m1", webhook: "one.hooks.example" };
  const [mutation, validating] = ["mutation", "validating"].map((kind) =>
    `${kind}.webhook.admission.k8s.io/round_0_index_`
  );
  assert.deepEqual(notes.slice(0, 5), [
    ["one.hooks.example/why", "because"],
    [
      "patch.webhook.admission.k8s.io/round_0_index_0",
      JSON.stringify({ ...names, patch: [added], patchType: "JSONPatch" }),
      "Request",
    ],
    [`${mutation}0`, JSON.stringify({ ...names, mutated: true })],
    [`failed-open.${mutation}1`, "down.hooks.example"],
    [`${mutation}1`, '{"configuration":"m1","webhook":"down.hooks.example","mutated":false}'],
  ]);
  assert.deepEqual(
    new Set(notes.slice(5).map((note) => (note as string[]).join(" "))),
    new Set([`failed-open.${validating}1 gone.hooks.example`, "no.hooks.example/no way"]),
  );
});
