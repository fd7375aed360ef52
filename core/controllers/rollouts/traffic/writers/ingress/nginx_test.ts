import assert from "node:assert/strict";
import { ingresses } from "../../../../../resources/networking/ingresses.ts";
import { RoutingFixture } from "../../port/routing_fixture.ts";
import { canaryIngressName, nginxWriter } from "./nginx.ts";

const path = (name: string) => ({
  path: `/${name}`,
  pathType: "Prefix",
  backend: { service: { name, port: { number: 80 } } },
});

function fixture(): RoutingFixture {
  const made = new RoutingFixture();
  made.cluster.put(ingresses, {
    metadata: { name: "main", annotations: { "kubernetes.io/ingress.class": "nginx", other: "x" } },
    spec: {
      tls: [{ hosts: ["a.example"] }],
      rules: [
        { host: "a.example", http: { paths: [path("web-stable"), path("other")] } },
        { host: "b.example", http: { paths: [path("other")] } },
      ],
    },
  });
  return made;
}

function canary({ cluster }: RoutingFixture) {
  return cluster.get(ingresses, { namespace: "default", name: "web-main-canary" });
}

const NGINX = { stableIngress: "main" };

Deno.test("nginx: the canary's Ingress has the rules, the class and TLS of the stable one, and the weight", () => {
  const made = fixture();
  const nginx = {
    ...NGINX,
    additionalIngressAnnotations: { "canary-by-header": "X-Canary" },
    canaryIngressAnnotations: { "example.com/a": "b" },
  };
  const routed = made.routed({ nginx, maxTrafficWeight: 1_000 });
  nginxWriter(routed, nginx).setWeight(25, []);
  assert.equal(made.write(routed), 1);
  const { metadata, spec } = canary(made)!;
  assert.deepEqual(metadata.annotations, {
    "kubernetes.io/ingress.class": "nginx",
    "nginx.ingress.kubernetes.io/canary-by-header": "X-Canary",
    "example.com/a": "b",
    "nginx.ingress.kubernetes.io/canary": "true",
    "nginx.ingress.kubernetes.io/canary-weight": "25",
    "nginx.ingress.kubernetes.io/canary-weight-total": "1000",
  });
  assert.equal(metadata.ownerReferences?.[0]?.uid, "uid-web");
  assert.deepEqual(spec.tls, [{ hosts: ["a.example"] }]);
  assert.deepEqual(spec.rules?.map(({ host }) => host), ["a.example"]);
  assert.deepEqual(
    spec.rules![0]!.http!.paths.map(({ backend }) => backend.service?.name),
    ["web-canary", "other"],
  );
  assert.deepEqual(made.notices, [{
    reason: "CreatingCanaryIngress",
    message: "Creating canary ingress `web-main-canary` with weight `25`",
  }]);
});

Deno.test("nginx: later weights change the Ingress that is there, and keep what others put on it", () => {
  const made = fixture();
  const first = made.routed({ nginx: NGINX });
  nginxWriter(first, NGINX).setWeight(25, []);
  made.write(first);
  const { metadata, ...rest } = canary(made)!;
  const annotations = { ...metadata.annotations, theirs: "1" };
  made.cluster.put(ingresses, { ...rest, metadata: { ...metadata, annotations } });
  const again = made.routed({ nginx: NGINX });
  nginxWriter(again, NGINX).setWeight(25, []);
  assert.equal(made.write(again), 0);
  const more = made.routed({ nginx: NGINX });
  nginxWriter(more, NGINX).setWeight(50, []);
  assert.equal(made.write(more), 1);
  assert.equal(canary(made)!.metadata.annotations!.theirs, "1");
  assert.equal(
    canary(made)!.metadata.annotations!["nginx.ingress.kubernetes.io/canary-weight"],
    "50",
  );
  assert.equal(
    made.notices.at(-1)?.message,
    "Updating Ingress `web-main-canary` to desiredWeight '50'",
  );
});

Deno.test("nginx: an Ingress of somebody else is left alone, and it is said", () => {
  const made = fixture();
  made.cluster.put(ingresses, { metadata: { name: "web-main-canary" }, spec: {} });
  const routed = made.routed({ nginx: NGINX });
  assert.throws(
    () => nginxWriter(routed, NGINX).setWeight(1, []),
    {
      name: "RoutingError",
      message: "canary ingress `web-main-canary` controlled by different object",
    },
  );
});

Deno.test("nginx: names are cut", () => {
  assert.equal(canaryIngressName("r", "i".repeat(300)).length, 253);
});
