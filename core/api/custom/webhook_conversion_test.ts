/** Custom resources whose versions differ in more than their names: a webhook converts between them. */
import assert from "node:assert/strict";
import { WebhookFailure, type WebhookTransport } from "../../client/webhooks/webhook_transport.ts";
import { Random } from "../../lib/random.ts";
import { LocalClient } from "../../objects/local_client.ts";
import { type ApiFixture, freshApi } from "../api_fixture.ts";

const DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const OLD = "/apis/sea.example.com/v1/namespaces/default/boats";
const NEW = "/apis/sea.example.com/v2/namespaces/default/boats";

// deno-lint-ignore no-explicit-any -- whatever the API answers, and what the webhook is sent
type Body = any;

/** In v1 a boat has a `length`, in v2 a `size` of two. v2 is stored. */
const DEFINITION = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "boats.sea.example.com" },
  spec: {
    group: "sea.example.com",
    scope: "Namespaced",
    names: { plural: "boats", kind: "Boat" },
    versions: [
      { ...version("v1", { length: { type: "integer" } }), storage: false },
      version("v2", {
        size: {
          type: "object",
          properties: { length: { type: "integer" }, width: { type: "integer" } },
        },
      }),
    ],
    conversion: {
      strategy: "Webhook",
      webhook: {
        clientConfig: { url: "https://127.0.0.1:1/convert" },
        conversionReviewVersions: ["v1"],
      },
    },
  },
};

function version(name: string, properties: object): object {
  const spec = { type: "object", properties };
  return {
    ...{ name, served: true, storage: true },
    schema: {
      openAPIV3Schema: {
        type: "object",
        properties: {
          spec,
          status: { type: "object", properties: { knots: { type: "integer" } } },
        },
      },
    },
    subresources: { status: {} },
    additionalPrinterColumns: [{
      name: "Length",
      type: "integer",
      jsonPath: name === "v1" ? ".spec.length" : ".spec.size.length",
    }],
    selectableFields: name === "v1" ? [{ jsonPath: ".spec.length" }] : [],
  };
}

class Harbour {
  /** What each request wanted: the version and the names. */
  readonly asked: string[] = [];
  answer: (converted: Body[], request: Body) => Body = (convertedObjects) => ({ convertedObjects });

  private constructor(readonly fixture: ApiFixture) {}

  static async open(): Promise<Harbour> {
    const harbour = new Harbour(await freshApi());
    const { objects } = harbour.fixture;
    const transport: WebhookTransport = { post: (_, body) => harbour.#convert(JSON.parse(body)) };
    const view = new LocalClient(objects);
    objects.conversions.askBy({ view, random: new Random(5), transport });
    const { status } = await harbour.ask("POST", DEFINITIONS, DEFINITION);
    assert.equal(status, 201);
    return harbour;
  }

  async ask(method: string, path: string, body?: unknown, headers?: Record<string, string>) {
    const answer = await this.fixture.ask(method, path, body, headers);
    const json: Body = await answer.json();
    return { status: answer.status, body: json };
  }

  // deno-lint-ignore require-await -- a failure of the webhook is a rejection
  async #convert({ kind, apiVersion, request }: Body): Promise<Body> {
    const wanted = request.desiredAPIVersion;
    const names = request.objects.map(({ metadata }: Body) => metadata.name);
    this.asked.push(`${wanted.split("/")[1]} ${names}`);
    const converted = request.objects.map((object: Body) => ({
      ...object,
      apiVersion: wanted,
      metadata: { ...object.metadata, labels: { ...object.metadata.labels, seen: "yes" } },
      spec: wanted.endsWith("v2")
        ? { size: { length: object.spec.length, width: 2 } }
        : { length: object.spec.size?.length },
    }));
    const answer = this.answer(converted, request);
    return {
      kind,
      apiVersion,
      response: { uid: request.uid, result: { status: "Success" }, ...answer },
    };
  }
}

function boat(apiVersion: "v1" | "v2", name: string, length: number): object {
  const spec = apiVersion === "v1" ? { length } : { size: { length, width: 9 } };
  return { apiVersion: `sea.example.com/${apiVersion}`, kind: "Boat", metadata: { name }, spec };
}

Deno.test("an object is stored, read, changed and listed in the versions that are asked for", async () => {
  const harbour = await Harbour.open();
  const { ask } = harbour;
  const made = await harbour.ask("POST", OLD, boat("v1", "a", 3));
  assert.deepEqual([made.status, made.body.apiVersion, made.body.spec], [
    201,
    "sea.example.com/v1",
    { length: 3 },
  ]);
  const stored = await harbour.ask("GET", `${NEW}/a`);
  assert.deepEqual(stored.body.spec, { size: { length: 3, width: 2 } });
  assert.deepEqual(stored.body.metadata.labels, { seen: "yes" });
  assert.equal(stored.body.metadata.uid, made.body.metadata.uid);
  const merge = { "content-type": "application/merge-patch+json" };
  const patched = await ask.call(harbour, "PATCH", `${OLD}/a`, { spec: { length: 4 } }, merge);
  assert.deepEqual([patched.status, patched.body.spec], [200, { length: 4 }]);
  const sailing = { ...patched.body, status: { knots: 7 } };
  const told = await harbour.ask("PUT", `${OLD}/a/status`, sailing);
  assert.deepEqual([told.status, told.body.status], [200, { knots: 7 }]);
  const after = await harbour.ask("GET", `${NEW}/a`);
  assert.deepEqual([after.body.spec.size.length, after.body.status], [4, { knots: 7 }]);
  const gone = await harbour.ask("DELETE", `${OLD}/a`);
  assert.equal(gone.status, 200);
});

Deno.test("names that the server makes up are no reason to ask again and again", async () => {
  const harbour = await Harbour.open();
  const { metadata: _, ...rest } = boat("v1", "x", 3) as Body;
  const { status } = await harbour.ask("POST", OLD, { ...rest, metadata: { generateName: "b-" } });
  assert.equal(status, 201);
  assert.equal(harbour.asked.length, 2, harbour.asked.join()); // into the store, and out of it
});

Deno.test("a list asks once, for what is in another version and not known yet", async () => {
  const harbour = await Harbour.open();
  for (const name of ["a", "b", "c"]) await harbour.ask("POST", NEW, boat("v2", name, 5));
  assert.deepEqual(harbour.asked, []);
  const list = await harbour.ask("GET", OLD);
  assert.deepEqual(list.body.items.map(({ spec }: Body) => spec.length), [5, 5, 5]);
  assert.deepEqual(harbour.asked, ["v1 a,b,c"]);
  await harbour.ask("POST", NEW, boat("v2", "d", 6));
  const selected = await harbour.ask("GET", `${OLD}?fieldSelector=spec.length%3D6`);
  assert.deepEqual(selected.body.items.map(({ metadata }: Body) => metadata.name), ["d"]);
  assert.deepEqual(harbour.asked, ["v1 a,b,c", "v1 d"]);
  const accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
  const table = await harbour.ask("GET", OLD, undefined, { accept });
  assert.deepEqual(table.body.rows.map(({ cells }: Body) => cells[1]), [5, 5, 5, 6]);
});

Deno.test("a watch sends each change in its own version, in order", async () => {
  const harbour = await Harbour.open();
  await harbour.ask("POST", NEW, boat("v2", "a", 1));
  const answer = await harbour.fixture.ask("GET", `${OLD}?watch=true&timeoutSeconds=600`);
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  const next = async () => JSON.parse((await reader.read()).value!);
  const first = await next();
  assert.deepEqual([first.type, first.object.spec], ["ADDED", { length: 1 }]);
  await harbour.ask("POST", NEW, boat("v2", "b", 2));
  const second = await next();
  assert.deepEqual([second.type, second.object.spec], ["ADDED", { length: 2 }]);
  await harbour.ask("DELETE", `${NEW}/a`);
  const third = await next();
  assert.deepEqual([third.type, third.object.metadata.name, third.object.spec], [
    "DELETED",
    "a",
    { length: 1 },
  ]);
  await reader.cancel();
});

Deno.test("what a webhook answers wrong refuses the request, in Kubernetes' words, and changes nothing", async () => {
  const harbour = await Harbour.open();
  const kind = "sea.example.com/v1, Kind=Boat";
  const cases: [Harbour["answer"], string][] = [
    [
      () => ({ result: { status: "Failed", message: "no such wind" } }),
      `conversion webhook for ${kind} failed: no such wind`,
    ],
    [
      () => ({ result: {} }),
      `conversion webhook for ${kind} failed: response.result.status was '', not 'Success'`,
    ],
    [
      () => ({ convertedObjects: [] }),
      `conversion webhook for ${kind} returned 0 objects, expected 1`,
    ],
    [
      ([object]) => ({ convertedObjects: [{ ...object, kind: "Ship" }] }),
      `conversion webhook for ${kind} returned invalid converted object at index 0: invalid kind (expected Boat, received Ship)`,
    ],
    [
      ([object]) => ({ convertedObjects: [{ ...object, apiVersion: "sea.example.com/v1" }] }),
      `conversion webhook for ${kind} returned invalid converted object at index 0: invalid groupVersion (expected sea.example.com/v2, received sea.example.com/v1)`,
    ],
    [
      ([{ metadata, ...object }]) => ({
        convertedObjects: [{ ...object, metadata: { ...metadata, name: "z" } }],
      }),
      `conversion webhook for ${kind} returned invalid converted object at index 0: must have the same name: a != z`,
    ],
    [
      ([{ metadata: _, ...object }]) => ({ convertedObjects: [object] }),
      `conversion webhook for ${kind} returned invalid metadata in object at index 0: missing metadata in converted object`,
    ],
    [
      () => ({ uid: "another" }),
      `conversion webhook for ${kind} failed: expected response.uid=`,
    ],
    [
      () => {
        throw new WebhookFailure("it sleeps");
      },
      `conversion webhook for ${kind} failed: it sleeps`,
    ],
  ];
  for (const [answer, message] of cases) {
    harbour.answer = answer;
    const refused = await harbour.ask("POST", OLD, boat("v1", "a", 3));
    assert.equal(refused.status, 500, message);
    assert.ok(refused.body.message.startsWith(message), refused.body.message);
  }
  assert.deepEqual((await harbour.ask("GET", NEW)).body.items, []);
});

Deno.test("of the metadata, a webhook changes labels and annotations alone", async () => {
  const harbour = await Harbour.open();
  harbour.answer = ([object]) => ({
    convertedObjects: [{
      ...object,
      metadata: { ...object.metadata, annotations: { a: "b" }, finalizers: ["x.example.com/y"] },
    }],
  });
  const { body } = await harbour.ask("POST", OLD, boat("v1", "a", 3));
  assert.deepEqual([body.metadata.annotations, body.metadata.finalizers], [{ a: "b" }, undefined]);
});
