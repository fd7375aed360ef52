import assert from "node:assert/strict";
import { RESOURCES } from "../../resources/mod.ts";
import { SystemClock } from "../../lib/clock.ts";
import { type ApiFixture, freshApi } from "../api_fixture.ts";
import { createAuthority, issueServer } from "./pki_certificates.ts";
import { serveOnLoopback } from "../remote_fixture.ts";
import { madeCertificate } from "./certificate_fixture.ts";
import { ClientCertificates } from "./client_certificates.ts";

const authority = await createAuthority("coracle-ca");
const server = await issueServer(authority, { commonName: "kube-apiserver" }, ["127.0.0.1"]);
const clock = new SystemClock();
const certificates = new ClientCertificates({ authority: authority.certificate, clock });
const name = [{ O: ["system:nodes"] }, { CN: ["system:node:edge"] }];
const pair = await madeCertificate(authority, { name });

const PODS = "/api/v1/namespaces/default/pods";
const NODES = "/api/v1/nodes";
const LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";

interface Cluster extends ApiFixture {
  /** Asks as the agent of the node "edge". */
  asNode(method: string, path: string, body?: unknown): Promise<{ code: number; body: Body }>;
}
// deno-lint-ignore no-explicit-any -- whatever the API answers
type Body = any;

/** The nodes "edge" and "other", each with a pod that has its name. */
async function withCluster(act: (cluster: Cluster) => Promise<void>): Promise<void> {
  const fixture = await freshApi({ certificates, clock });
  for (const node of ["edge", "other"]) {
    await fixture.ask("POST", NODES, { metadata: { name: node } });
    const spec = { nodeName: node, containers: [{ name: "a", image: "b" }] };
    await fixture.ask("POST", PODS, { metadata: { name: node }, spec });
  }
  const { certificate } = authority;
  const served = await serveOnLoopback(fixture, { authority: certificate, server });
  using client = Deno.createHttpClient({
    caCerts: [certificate],
    cert: pair.certificate,
    key: pair.key,
  });
  const asNode = async (method: string, path: string, body?: unknown) => {
    const answer = await fetch(`https://127.0.0.1:${served.address.port}${path}`, {
      method,
      client,
      headers: body === undefined ? {} : { "content-type": typeOf(method) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { code: answer.status, body: await answer.json() };
  };
  try {
    await act({ ...fixture, asNode });
  } finally {
    await served.stop(AbortSignal.abort());
  }
}

function typeOf(method: string): string {
  return method === "PATCH" ? "application/merge-patch+json" : "application/json";
}

Deno.test("the agent of a node sees its own pods, and no others", async () => {
  await withCluster(async ({ asNode }) => {
    const own = await asNode("GET", "/api/v1/pods?fieldSelector=spec.nodeName%3Dedge");
    assert.deepEqual(own.body.items.map((pod: Body) => pod.metadata.name), ["edge"]);
    for (
      const query of [
        "",
        "?fieldSelector=spec.nodeName%3Dother",
        "?fieldSelector=spec.nodeName%3Dother&fieldSelector=spec.nodeName%3Dedge",
        "?fieldSelector=&fieldSelector=spec.nodeName%3Dedge",
        "?fieldSelector=spec.nodeName!%3Dx&watch=1",
        "?%66ieldSelector=spec.nodeName%3Dother&x=fieldSelector%3Dspec.nodeName%3Dedge",
        "?fieldSelector=metadata.name%3Dother,,%5C&fieldSelector%20=spec.nodeName%3Dedge",
      ]
    ) {
      const { code, body } = await asNode("GET", `/api/v1/pods${query}`);
      assert.deepEqual([code, body.reason], [403, "Forbidden"], query);
    }
    const both = "?fieldSelector=spec.nodeName%3Dedge&fieldSelector=spec.nodeName%3Dother";
    const { body } = await asNode("GET", `/api/v1/pods${both}`);
    assert.deepEqual(
      body.items.map((pod: Body) => pod.metadata.name),
      ["edge"],
      "the first counts",
    );
  });
});

Deno.test("the agent of a node changes its own pods' status, and ends them, and no others", async () => {
  await withCluster(async ({ asNode, ask }) => {
    const status = { status: { phase: "Failed" } };
    for (const [pod, code] of [["edge", 200], ["other", 403]] as const) {
      const { body } = await asNode("GET", `${PODS}/${pod}`);
      const seen = pod === "edge" ? body : await (await ask("GET", `${PODS}/${pod}`)).json();
      const put = await asNode("PUT", `${PODS}/${pod}/status`, { ...seen, ...status });
      assert.equal(put.code, code, put.body.message);
      assert.equal((await asNode("PUT", `${PODS}/${pod}`, seen)).code, 403);
      const options = { gracePeriodSeconds: 0 };
      assert.equal((await asNode("DELETE", `${PODS}/${pod}`, options)).code, code);
    }
    assert.equal((await ask("GET", `${PODS}/other`)).status, 200);
    const binding = { target: { name: "edge" } };
    assert.equal((await asNode("POST", `${PODS}/other/binding`, binding)).code, 403);
    assert.equal((await asNode("DELETE", PODS)).code, 403);
  });
});

Deno.test("the agent of a node writes its own Node and lease, and no other's", async () => {
  await withCluster(async ({ asNode, ask }) => {
    await ask("DELETE", `${NODES}/edge`);
    for (const [node, code] of [["edge", 201], ["third", 403]] as const) {
      const made = await asNode("POST", NODES, { metadata: { name: node } });
      assert.equal(made.code, code, made.body.message);
      const spec = { holderIdentity: node };
      const lease = await asNode("POST", LEASES, { metadata: { name: node }, spec });
      assert.equal(lease.code, code, lease.body.message);
    }
    assert.equal((await asNode("POST", NODES, { metadata: { generateName: "edge" } })).code, 403);
    const { body: own } = await asNode("GET", `${NODES}/edge`);
    const others: Body = await (await ask("GET", `${NODES}/other`)).json();
    assert.equal((await asNode("PUT", `${NODES}/other`, others)).code, 403);
    assert.equal((await asNode("PUT", `${NODES}/other/status`, others)).code, 403);
    assert.equal((await asNode("PUT", `${NODES}/edge/status`, own)).code, 200);
    assert.equal((await asNode("DELETE", `${NODES}/edge`)).code, 403);
  });
});

Deno.test("a node neither takes its own taints away nor gives itself a role", async () => {
  await withCluster(async ({ asNode, ask }) => {
    const taints = [{ key: "maintenance", effect: "NoSchedule" }];
    const { body: before } = await asNode("GET", `${NODES}/edge`);
    await ask("PUT", `${NODES}/edge`, { ...before, spec: { ...before.spec, taints } });
    const { body: node } = await asNode("GET", `${NODES}/edge`);
    const role = { "node-role.kubernetes.io/control-plane": "" };
    const table: [string, unknown, number, RegExp][] = [
      ["taints", { ...node, spec: {} }, 403, /node "edge" is not allowed to modify taints/],
      ["an old state", before, 409, /the object has been modified/],
      ["no version", { ...node, metadata: { name: "edge" } }, 409, /the object has been modified/],
      [
        "a role",
        { ...node, metadata: { ...node.metadata, labels: role } },
        403,
        /nodes "edge" is forbidden: is not allowed to modify labels: node-role.kubernetes.io\/control-plane$/,
      ],
      ["a label", { ...node, metadata: { ...node.metadata, labels: { zone: "a" } } }, 200, /^$/],
    ];
    for (const [what, draft, code, message] of table) {
      const { code: found, body } = await asNode("PUT", `${NODES}/edge`, draft);
      assert.equal(found, code, what);
      assert.match(body.message ?? "", message, what);
    }
  });
});

Deno.test("a node gives itself no role, and its pods no labels of others, by their status", async () => {
  await withCluster(async ({ asNode, ask }) => {
    const role = { "node-role.kubernetes.io/control-plane": "" };
    const tenant = { "secure.node-restriction.kubernetes.io/tenant": "a" };
    const table: [string, Record<string, string>, RegExp][] = [
      [`${NODES}/edge`, role, /is not allowed to modify labels: node-role/],
      [`${NODES}/edge`, tenant, /is not allowed to modify labels: secure.node-/],
      [`${PODS}/edge`, { app: "bank" }, /node "edge" cannot update labels through pod status/],
    ];
    for (const [path, labels, message] of table) {
      const { body: seen } = await asNode("GET", path);
      const put = { ...seen, metadata: { ...seen.metadata, labels } };
      for (const [method, draft] of [["PUT", put], ["PATCH", { metadata: { labels } }]] as const) {
        const { code, body } = await asNode(method, `${path}/status`, draft);
        assert.equal(code, 403, `${method} ${path}`);
        assert.match(body.message, message);
      }
      const { metadata } = await (await ask("GET", path)).json();
      assert.equal(Object.keys(labels).some((name) => name in (metadata.labels ?? {})), false);
      const own = { metadata: { annotations: { a: "b" } } };
      assert.equal((await asNode("PATCH", `${path}/status`, own)).code, 200);
    }
  });
});

Deno.test("a node takes no addresses of other nodes' pods, of Services, nor of the world", async () => {
  await withCluster(async ({ asNode, ask }) => {
    const other: Body = await (await ask("GET", `${NODES}/other`)).json();
    const range = (podCIDR: string) => ({ podCIDR, podCIDRs: [podCIDR] });
    await ask("PUT", `${NODES}/other`, { ...other, spec: range("10.42.0.0/24") });
    const { body: node } = await asNode("GET", `${NODES}/edge`);
    for (const podCIDR of ["10.42.0.0/25", "10.96.0.0/24", "8.8.8.0/24", "0.0.0.0/0"]) {
      for (const claim of [range(podCIDR), { podCIDR }, { podCIDRs: [podCIDR] }]) {
        const spec = { ...node.spec, ...claim };
        const { code, body } = await asNode("PUT", `${NODES}/edge`, { ...node, spec });
        assert.equal(code, 403, podCIDR);
        assert.match(body.message, /node "edge" is not allowed to claim addresses for its pods/);
      }
    }
    const spec = { ...node.spec, ...range("10.42.1.0/24") };
    const own = await asNode("PUT", `${NODES}/edge`, { ...node, spec });
    assert.equal(own.code, 200, own.body.message);
    const elsewhere = { ...own.body.spec, podCIDR: "10.77.0.0/24" };
    const moved = await asNode("PUT", `${NODES}/edge`, { ...own.body, spec: elsewhere });
    assert.equal(moved.code, 422, "what it has once, it keeps");
  });
});

Deno.test("a node takes no addresses of the machines that other nodes are on", async () => {
  await withCluster(async ({ asNode, ask }) => {
    const addresses = [{ type: "InternalIP", address: "192.168.1.7" }];
    const other: Body = await (await ask("GET", `${NODES}/other`)).json();
    await ask("PUT", `${NODES}/other/status`, {
      ...other,
      status: { ...other.status, addresses },
    });
    const { body: node } = await asNode("GET", `${NODES}/edge`);
    for (const podCIDR of ["192.168.1.0/25", "192.168.1.7/32", "192.168.0.0/16"]) {
      const spec = { ...node.spec, podCIDR, podCIDRs: [podCIDR] };
      const { code, body } = await asNode("PUT", `${NODES}/edge`, { ...node, spec });
      assert.equal(code, 403, podCIDR);
      assert.match(body.message, /overlaps with 192\.168\.1\.7\/32, which is taken/);
    }
  });
});

Deno.test("a node reads what its pods refer to, and nothing else of the same kinds", async () => {
  await withCluster(async ({ asNode, ask }) => {
    const path = "/api/v1/namespaces/default";
    for (const name of ["edge", "other"]) {
      await ask("POST", `${path}/secrets`, { metadata: { name } });
      await ask("POST", `${path}/configmaps`, { metadata: { name } });
      const refers = [{ secretRef: { name } }, { configMapRef: { name } }];
      const container = { name: "a", image: "b", envFrom: refers };
      const spec = { nodeName: name, containers: [container] };
      await ask("POST", PODS, { metadata: { name: `${name}-refers` }, spec });
    }
    const foreign = "no relationship found between node 'edge' and this object";
    for (const kind of ["secrets", "configmaps"]) {
      assert.equal((await asNode("GET", `${path}/${kind}/edge`)).code, 200);
      const { code, body } = await asNode("GET", `${path}/${kind}/other`);
      assert.equal(code, 403);
      assert.equal(
        body.message,
        `${kind} "other" is forbidden: User "system:node:edge" cannot get resource "${kind}" in API ` +
          `group "" in the namespace "default": ${foreign}`,
      );
      assert.equal((await asNode("GET", `${path}/${kind}`)).code, 403);
      assert.equal((await asNode("GET", `/api/v1/${kind}`)).code, 403);
      assert.equal((await asNode("GET", `/api/v1/${kind}?watch=1`)).code, 403);
      const one = await asNode("GET", `${path}/${kind}?fieldSelector=metadata.name%3Dedge`);
      assert.deepEqual(one.body.items.map((each: Body) => each.metadata.name), ["edge"]);
      const others = `${path}/${kind}?fieldSelector=metadata.name%3Dother`;
      assert.equal((await asNode("GET", others)).code, 403);
      const both =
        `${path}/${kind}?fieldSelector=metadata.name%3Dother&fieldSelector=metadata.name%3Dedge`;
      assert.equal((await asNode("GET", both)).code, 403, "the first counts");
    }
    await ask("DELETE", `${PODS}/edge-refers`, { gracePeriodSeconds: 0 });
    assert.equal((await asNode("GET", `${path}/secrets/edge`)).code, 403, "its pod is gone");
  });
});

Deno.test("of every kind there is, a node lists what all may know, and nothing else", async () => {
  await withCluster(async ({ asNode }) => {
    const open = new Set([
      ...["namespaces", "services", "endpointslices", "gatewayclasses", "gateways", "grpcroutes"],
      ...["httproutes", "ingresses", "ingressclasses", "referencegrants", "runtimeclasses"],
    ]);
    for (const { group, version, plural, madeUp, createdAs } of RESOURCES) {
      if (madeUp || createdAs) continue;
      const path = `${group === "" ? "/api" : `/apis/${group}`}/${version}/${plural}`;
      assert.equal((await asNode("GET", path)).code, open.has(plural) ? 200 : 403, path);
    }
  });
});

Deno.test("a node writes events of its own, and none in the name of others", async () => {
  await withCluster(async ({ asNode, ask }) => {
    const path = "/api/v1/namespaces/default/events";
    const about = { apiVersion: "v1", kind: "Pod", namespace: "default", name: "edge" };
    const event = (name: string, host?: string, reportingInstance?: string) => ({
      metadata: { name },
      involvedObject: about,
      source: { component: "kubelet", ...(host !== undefined && { host }) },
      ...(reportingInstance !== undefined && { reportingInstance }),
    });
    const drafts: [unknown, number][] = [
      [event("own", "edge", "edge"), 201],
      [event("old-style", "edge"), 201],
      [event("new-style", undefined, "edge"), 201],
      [event("others", "other"), 403],
      [event("both", "edge", "other"), 403],
      [event("controller"), 403],
    ];
    for (const [draft, code] of drafts) {
      const { code: found, body } = await asNode("POST", path, draft);
      assert.equal(found, code, JSON.stringify(draft));
      if (code === 403) assert.match(body.message, /node "edge" is not allowed to write events of/);
    }
    await ask("POST", path, event("theirs", "other"));
    assert.equal((await asNode("PATCH", `${path}/own`, { count: 2 })).code, 200);
    assert.equal((await asNode("PATCH", `${path}/theirs`, { count: 2 })).code, 403);
    const mine = { source: { component: "kubelet", host: "edge" }, reportingInstance: "edge" };
    assert.equal(
      (await asNode("PATCH", `${path}/theirs`, mine)).code,
      403,
      "it cannot be taken over",
    );
    assert.equal((await asNode("PATCH", `${path}/own`, { source: { host: "other" } })).code, 403);
    const shown = await (await ask("GET", `${path}/own`)).json();
    assert.equal((await asNode("PUT", `${path}/own`, { ...shown, count: 3 })).code, 200);
    assert.equal((await asNode("DELETE", `${path}/own`)).code, 403);
  });
});

Deno.test("the agent of a node neither applies manifests nor looks after credentials", async () => {
  await withCluster(async ({ asNode }) => {
    for (
      const [method, path] of [
        ["PUT", "/apply"],
        ["POST", "/credentials"],
        ["POST", "/credentials/rotate"],
        ["POST", "/store/compact"],
        ["POST", "/api/v1/namespaces/default/secrets"],
        ["POST", "/apis/apps/v1/namespaces/default/deployments"],
      ] as const
    ) assert.equal((await asNode(method, path, {})).code, 403, path);
    assert.equal((await asNode("GET", "/credentials")).code, 403);
  });
});

Deno.test("whoever is known may ask what he may do, and is told the truth", async () => {
  await withCluster(async ({ asNode, api }) => {
    const who = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    const { body } = await asNode("POST", who, {});
    assert.deepEqual(body.status.userInfo, {
      username: "system:node:edge",
      groups: ["system:nodes", "system:authenticated"],
    });
    const canI = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    const asked = async (spec: unknown) => (await asNode("POST", canI, { spec })).body;
    const resourceAttributes = { verb: "delete", resource: "nodes" };
    assert.equal((await asked({ resourceAttributes })).status.allowed, false);
    const list = { verb: "list", resource: "services" };
    assert.equal((await asked({ resourceAttributes: list })).status.allowed, true);
    const all = { verb: "list", resource: "nodes" };
    const { status } = await asked({ resourceAttributes: all });
    assert.equal(status.allowed, false);
    assert.equal(status.reason, "node 'edge' cannot read all nodes, only its own Node object");
    const nonResourceAttributes = { verb: "get", path: "/livez" };
    assert.equal((await asked({ nonResourceAttributes })).status.allowed, true);
    assert.equal((await asked({})).code, 422);
    const rules = await asNode("POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", {
      spec: { namespace: "default" },
    });
    assert.equal(rules.body.status.incomplete, true);
    assert.equal((await api.app.request(who, { method: "POST", body: "{}" })).status, 401);
  });
});
