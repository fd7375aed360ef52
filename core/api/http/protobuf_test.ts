import assert from "node:assert/strict";
import protobuf from "protobufjs/minimal.js";
import fc from "fast-check";
import { ApiError } from "../../client/api_error.ts";
import { freshApi } from "../api_fixture.ts";
import { protobufDecoder } from "./protobuf.ts";

type Write = (writer: protobuf.Writer) => void;

function message(...fields: [number, string | Write | number | boolean | Uint8Array][]): Write {
  return (writer) => {
    for (const [number, value] of fields) {
      if (typeof value === "string") writer.uint32(number << 3 | 2).string(value);
      else if (typeof value === "number") writer.uint32(number << 3).int64(value);
      else if (typeof value === "boolean") writer.uint32(number << 3).bool(value);
      else if (value instanceof Uint8Array) writer.uint32(number << 3 | 2).bytes(value);
      else {
        writer.uint32(number << 3 | 2).fork();
        value(writer);
        writer.ldelim();
      }
    }
  };
}

function encoded(write: Write): Uint8Array {
  const writer = protobuf.Writer.create();
  write(writer);
  return writer.finish();
}

function enveloped(apiVersion: string, kind: string, raw: Uint8Array): Uint8Array {
  const envelope = encoded(message([1, message([1, apiVersion], [2, kind])], [2, raw]));
  return new Uint8Array([0x6b, 0x38, 0x73, 0, ...envelope]);
}

/** A pod as Go writes it: fields that are not pointers are there even when empty. */
const POD = encoded(message(
  [
    1,
    message([1, "web"], [2, ""], [3, "blue"], [7, 0], [8, message([1, 1767225600], [2, 0])], [
      11,
      message([1, "app"], [2, "web"]),
    ], [11, message([1, "__proto__"], [2, "x"])]),
  ],
  [
    2,
    message(
      [1, message([1, "v"], [2, message([2, message([1, ""])])])],
      [
        2,
        message(
          [1, "a"],
          [2, "image"],
          [6, message([1, ""], [2, 0], [3, 80], [4, "TCP"], [5, ""])],
          [8, message([2, message([1, "cpu"], [2, message([1, "100m"])])])],
          [
            10,
            message(
              [1, message([2, message([1, "/"], [2, message([1, 0], [2, 8080], [3, ""])])])],
              [2, 5],
            ),
          ],
          [13, ""],
          [18, false],
        ),
      ],
      [4, 0],
      [3, ""],
    ),
  ],
));

Deno.test("protobuf is read as the JSON that Go would have written", async () => {
  const decoder = await protobufDecoder();
  assert.deepEqual(JSON.parse(JSON.stringify(decoder.decode(enveloped("v1", "Pod", POD)))), {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: "web",
      namespace: "blue",
      creationTimestamp: "2026-01-01T00:00:00Z",
      labels: { app: "web", ["__proto__"]: "x" },
    },
    spec: {
      volumes: [{ name: "v", emptyDir: {} }],
      containers: [{
        name: "a",
        image: "image",
        ports: [{ containerPort: 80, protocol: "TCP" }],
        resources: { requests: { cpu: "100m" } },
        livenessProbe: { httpGet: { path: "/", port: 8080 }, initialDelaySeconds: 5 },
      }],
      terminationGracePeriodSeconds: 0,
    },
  });
});

Deno.test("kinds without protobuf are 415, and any other bytes are refused, never a fault", async () => {
  const decoder = await protobufDecoder();
  assert.throws(
    () => decoder.decode(enveloped("example.com/v1", "Dog", POD)),
    (error) => error instanceof ApiError && error.reason === "UnsupportedMediaType",
  );
  const mutated = fc.tuple(fc.nat(POD.length - 1), fc.nat(255), fc.nat(POD.length));
  fc.assert(
    fc.property(mutated, ([at, byte, length]) => {
      const bytes = POD.slice(0, length);
      if (at < length) bytes[at] = byte;
      try {
        decoder.decode(enveloped("v1", "Pod", bytes));
      } catch (error) {
        assert.ok(error instanceof ApiError, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

Deno.test("POST takes protobuf and answers in JSON", async () => {
  const { ask } = await freshApi();
  const raw = encoded(message([1, message([1, "blue"])], [2, message()], [3, message()]));
  const answer = await ask("POST", "/api/v1/namespaces", enveloped("v1", "Namespace", raw), {
    "content-type": "application/vnd.kubernetes.protobuf",
    accept: "application/vnd.kubernetes.protobuf,application/json",
  });
  assert.deepEqual([answer.status, (await answer.json()).metadata.name], [201, "blue"]);
});

Deno.test("typed clients send DeleteOptions under their own group and version", async () => {
  const { ask } = await freshApi();
  const path = "/api/v1/namespaces/default/configmaps";
  await ask("POST", path, { metadata: { name: "a" } });
  const wrongUid = encoded(message([2, message([1, "another"])], [4, "Background"]));
  const type = { "content-type": "application/vnd.kubernetes.protobuf" };
  const options = enveloped("v1", "DeleteOptions", wrongUid);
  assert.equal((await ask("DELETE", `${path}/a`, options, type)).status, 409);
  const good = enveloped("apps/v1", "DeleteOptions", encoded(message([4, "Background"])));
  assert.equal((await ask("DELETE", `${path}/a`, good, type)).status, 200);
});

Deno.test("definitions of custom resources have the names of JSON, and what is one of several types", async () => {
  const text = (json: string) => message([1, new TextEncoder().encode(json)]);
  const schema = message(
    [3, "#/x"],
    [5, "array"],
    [8, text('{"a":[1]}')],
    [24, message([1, message([5, "string"], [40, true])])],
    [30, message([2, message([38, true])])],
    [41, "name"],
    [42, "map"],
  );
  const version = message([1, "v1"], [4, message([1, schema])]);
  const raw = encoded(message([2, message([7, version])]));
  const decoder = await protobufDecoder();
  const kind = "CustomResourceDefinition";
  const { spec } = decoder.decode(enveloped("apiextensions.k8s.io/v1", kind, raw));
  assert.deepEqual((spec as { versions: { schema: unknown }[] }).versions[0]!.schema, {
    openAPIV3Schema: {
      $ref: "#/x",
      type: "array",
      default: { a: [1] },
      items: { type: "string", "x-kubernetes-int-or-string": true },
      additionalProperties: { "x-kubernetes-preserve-unknown-fields": true },
      "x-kubernetes-list-map-keys": ["name"],
      "x-kubernetes-list-type": "map",
    },
  });
});

Deno.test("fields of messages have their names in JSON", async () => {
  const path = new URL("./protobuf_descriptor.json", import.meta.url);
  const { messages } = JSON.parse(await Deno.readTextFile(path));
  const names = (message: string) => messages[message].map(([, name]: [number, string]) => name);
  assert.ok(names("apiextensions.v1.JSONSchemaProps").includes("x-kubernetes-validations"));
  assert.ok(names("admissionregistration.v1.Validation").includes("expression"));
  assert.ok(names("admissionregistration.v1.MutatingWebhookConfiguration").includes("webhooks"));
  const upper = Object.keys(messages).filter((message) =>
    names(message).some((name: string) => /^[A-Z]/.test(name))
  );
  assert.deepEqual(upper, ["meta.v1.FieldsV1", "core.v1.DaemonEndpoint"]); // so Kubernetes has it
});
