import assert from "node:assert/strict";
import fc from "fast-check";
import type { View } from "../../client/client.ts";
import type { CertificateRequest } from "../../lib/der/certificate_request.ts";
import type { CertificateSigningRequest } from "../../resources/certificates/certificate_signing_requests.ts";
import { JOINERS, TOKEN_TYPE } from "../../resources/core/bootstrap_tokens.ts";
import type { Write } from "../runtime/controller.ts";
import { joiningOf } from "./node_joining.ts";

const NOW = Date.parse("2026-01-01T00:00:00Z");

function asked(uid: string, annotations: Record<string, string> = {}): CertificateSigningRequest {
  return {
    metadata: { name: uid, uid, annotations },
    spec: {
      request: "",
      signerName: "kubernetes.io/kube-apiserver-client-kubelet",
      usages: ["digital signature", "client auth"],
      username: "system:bootstrap:abcdef",
      groups: ["system:bootstrappers", JOINERS],
    },
    status: {},
  } as unknown as CertificateSigningRequest;
}

function requestOf(node: string): CertificateRequest {
  return {
    subject: new Uint8Array(),
    publicKey: new Uint8Array(),
    alternativeNames: undefined,
    organizations: ["system:nodes"],
    commonNames: [`system:node:${node}`],
    uids: [],
    names: { dns: 0, email: 0, ip: 0, uri: 0 },
  };
}

/** What is there, and what writes make of it. */
class World {
  readonly objects = new Map<string, object>();

  constructor(annotations: Record<string, string>, expiration = "2026-01-02T00:00:00Z") {
    const data = { "token-id": btoa("abcdef"), expiration: btoa(expiration) };
    const metadata = { name: "bootstrap-token-abcdef", annotations };
    this.objects.set(`secrets/${metadata.name}`, { type: TOKEN_TYPE, metadata, data });
  }

  view(): View {
    return {
      get: ({ plural }: { plural: string }, { name }: { name: string }) =>
        this.objects.get(`${plural}/${name}`),
    } as unknown as View;
  }

  join(node: string, uid: string, annotations?: Record<string, string>, nowMs = NOW) {
    const joining = joiningOf(asked(uid, annotations), requestOf(node), this.view(), nowMs);
    for (const write of joining && "before" in joining ? joining.before : []) this.#write(write);
    return joining && ("refused" in joining ? joining.refused : "joined");
  }

  #write(write: Write): void {
    if (write.verb !== "create" && write.verb !== "update") throw new Error(write.verb);
    const object = write.verb === "create" ? write.draft : write.object;
    this.objects.set(`${write.resource.plural}/${object.metadata.name}`, object);
  }
}

Deno.test("a token lets in as many machines as it says, each counted once however often it is looked at", () => {
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 5 }),
    fc.array(fc.integer({ min: 0, max: 7 }), { minLength: 1, maxLength: 30 }),
    (uses, looks) => {
      const world = new World({ "coracle.dev/join-uses": String(uses) });
      const joined = new Set<number>();
      for (const machine of looks) {
        const annotations = { "coracle.dev/machine-id": `m${machine}` };
        const outcome = world.join(`edge-${machine}`, `u${machine}`, annotations);
        if (outcome === "joined") joined.add(machine);
        else assert.ok(!joined.has(machine), "who was let in is refused");
      }
      assert.equal(joined.size, Math.min(uses, new Set(looks).size));
    },
  ));
});

Deno.test("the end of a token is exact, and who was counted before it is still let in", () => {
  const table: [string, string, string][] = [
    ["2026-01-01T00:00:00.001Z", "joined", "a moment before"],
    ["2026-01-01T00:00:00Z", "expired", "at its end"],
    ["soon", "expired", "nobody can tell"],
  ];
  for (const [expiration, expected, when] of table) {
    const outcome = new World({}, expiration).join("edge", "u");
    assert.ok(outcome?.includes(expected), `${when}: ${outcome}`);
  }
  const world = new World({ "coracle.dev/join-uses": "1" });
  assert.equal(world.join("edge", "u"), "joined");
  assert.equal(world.join("edge", "u", {}, NOW + 10 * 86_400_000), "joined");
});

Deno.test("a token for one node lets in no other, however it comes to the controller", () => {
  const world = new World({ "coracle.dev/join-node": "a" });
  assert.match(world.join("b", "1")!, /is for the node "a" alone, not for "b"/);
  assert.equal(world.join("a", "2"), "joined");
});

Deno.test("machines without an id are not the same machine", () => {
  const world = new World({});
  assert.equal(world.join("edge", "1", {}), "joined");
  for (const annotations of [{}, { "coracle.dev/machine-id": "" }]) {
    assert.match(world.join("edge", "2", annotations)!, /another machine has joined/);
  }
});

Deno.test("a name belongs to one machine as long as its node is there", () => {
  const machine = (id: string, boot: string) => ({
    "coracle.dev/machine-id": id,
    "coracle.dev/boot-id": boot,
  });
  const world = new World({});
  assert.equal(world.join("edge", "1", machine("m", "b")), "joined");
  assert.match(world.join("edge", "2", machine("other", "b"))!, /another machine has joined/);
  assert.match(world.join("edge", "3", {})!, /another machine has joined/);
  assert.equal(world.join("edge", "4", machine("m", "b2")), "joined", "the same, after a reboot");

  const node = world.objects.get("nodes/edge") as { status: object };
  const ready = { ...node.status, conditions: [{ type: "Ready", status: "True" }] };
  world.objects.set("nodes/edge", { ...node, status: ready });
  assert.match(
    world.join("edge", "5", machine("m", "b2"))!,
    /another machine/,
    "of the same image, while the first is heard from",
  );
  assert.equal(world.join("edge", "6", machine("m", "b")), "joined", "of the same boot");
  world.objects.delete("nodes/edge");
  assert.equal(world.join("edge", "7", machine("other", "b")), "joined", "after its deletion");
});

Deno.test("a node has the labels of the token by which it joined, beside its others", () => {
  const world = new World({ "coracle.dev/join-labels": "site=a,tier=" });
  world.join("edge", "1", { "coracle.dev/machine-id": "m" });
  const labels = () =>
    (world.objects.get("nodes/edge") as { metadata: { labels: object } }).metadata.labels;
  assert.deepEqual(labels(), { site: "a", tier: "" });
  const before = world.objects.get("nodes/edge") as { metadata: object };
  world.objects.set("nodes/edge", {
    ...before,
    metadata: { name: "edge", labels: { own: "1", site: "b" } },
  });
  world.join("edge", "2", { "coracle.dev/machine-id": "m" });
  assert.deepEqual(labels(), { own: "1", site: "a", tier: "" });
});

Deno.test("what comes by no token of machines waits for a person", () => {
  const of = (spec: object) => {
    const request = asked("u");
    const other = { ...request, spec: { ...request.spec, ...spec } };
    return joiningOf(other, requestOf("edge"), new World({}).view(), NOW);
  };
  assert.equal(of({ groups: ["system:bootstrappers"] }), undefined);
  assert.equal(of({ username: "jane" }), undefined);
  assert.equal(of({ signerName: "kubernetes.io/kube-apiserver-client" }), undefined);
  assert.deepEqual(of({ usages: ["server auth"] }), {
    refused: "usages did not match [client auth digital signature key encipherment]",
  });
});
