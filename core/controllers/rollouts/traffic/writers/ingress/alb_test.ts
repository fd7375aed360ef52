import assert from "node:assert/strict";
import { ingresses } from "../../../../../resources/networking/ingresses.ts";
import { RoutingFixture } from "../../port/routing_fixture.ts";
import { RoutingError } from "../../port/traffic_writer.ts";
import { albWriter } from "./alb.ts";

const ALB = { ingress: "web", servicePort: 80, rootService: "web" };
const ROUTES = { managedRoutes: [{ name: "first" }, { name: "second" }] };
const MANAGED = "rollouts.argoproj.io/managed-alb-annotations";

function fixture(name = "web", service = "web"): RoutingFixture {
  const made = new RoutingFixture();
  addIngress(made, name, service);
  return made;
}

function addIngress({ cluster }: RoutingFixture, name: string, service: string): void {
  const paths = [{
    path: "/",
    pathType: "Prefix",
    backend: { service: { name: service, port: { name: "use-annotation" } } },
  }];
  cluster.put(ingresses, { metadata: { name }, spec: { rules: [{ http: { paths } }] } });
}

function annotationsOf({ cluster }: RoutingFixture, name = "web"): Record<string, string> {
  return cluster.get(ingresses, { namespace: "default", name })!.metadata.annotations ?? {};
}

function pathsOf({ cluster }: RoutingFixture): (string | undefined)[] {
  return cluster.get(ingresses, { namespace: "default", name: "web" })!.spec.rules![0]!.http!.paths
    .map(({ backend }) => backend.service?.name);
}

const groups = (...shares: [string, number][]) =>
  `{"Type":"forward","ForwardConfig":{"TargetGroups":[${
    shares.map(([name, weight]) =>
      `{"ServiceName":"${name}","ServicePort":"80","Weight":${weight}}`
    )
      .join(",")
  }]}}`;

Deno.test("ALB: weights stand in the action of the root service: canary, experiments, stable", () => {
  const made = fixture();
  const routed = made.routed({ alb: ALB });
  albWriter(routed, ALB).setWeight(20, [{ weight: 5, serviceName: "probe" }]);
  assert.equal(made.write(routed), 1);
  assert.deepEqual(annotationsOf(made), {
    "alb.ingress.kubernetes.io/actions.web": groups(["web-canary", 20], ["probe", 5], [
      "web-stable",
      75,
    ]),
    [MANAGED]: '{"web":["alb.ingress.kubernetes.io/actions.web"]}',
  });
  assert.deepEqual(made.notices, [
    { reason: "PatchingALBIngress", message: "Updating Ingress `web` to desiredWeight '20'" },
  ]);
});

Deno.test("ALB: what is as it should be is neither written nor told of", () => {
  const made = fixture();
  const first = made.routed({ alb: ALB });
  albWriter(first, ALB).setWeight(20, []);
  made.write(first);
  made.notices.length = 0;
  const again = made.routed({ alb: ALB });
  albWriter(again, ALB).setWeight(20, []);
  assert.deepEqual([made.write(again), made.notices], [0, []]);
});

Deno.test("ALB: with ping-pong the two swap; the stable service or its prefix names the action", () => {
  const made = fixture("web", "web-stable");
  const pingPong = { pingService: "ping", pongService: "pong" };
  const alb = { ingress: "web", servicePort: 80, annotationPrefix: "example.com" };
  for (
    const [stablePingPong, canary, stable] of [["ping", "pong", "ping"], [
      "pong",
      "ping",
      "pong",
    ]] as const
  ) {
    const routed = made.routed({ alb }, {
      canary: { pingPong },
      status: { canary: { stablePingPong } },
    });
    albWriter(routed, alb).setWeight(30, []);
    made.write(routed);
    assert.equal(
      annotationsOf(made)["example.com/actions.web-stable"],
      groups([canary, 30], [stable, 70]),
    );
  }
});

Deno.test("ALB: header routes are paths before all others, in the rollout's order, until they go", () => {
  const made = fixture();
  const alb = { ...ALB, stickinessConfig: { enabled: true, durationSeconds: 3600 } };
  for (const name of ["second", "first"]) {
    const routed = made.routed({ alb, ...ROUTES });
    albWriter(routed, alb).setHeaderRoute({
      name,
      match: [
        { headerName: "agent", headerValue: { exact: "a" } },
        { headerName: "agent", headerValue: { exact: "b" } },
      ],
    });
    albWriter(routed, alb).setWeight(1, []);
    assert.equal(made.write(routed), 1);
  }
  assert.deepEqual(pathsOf(made), ["first", "second", "web"]);
  const annotations = annotationsOf(made);
  assert.equal(
    annotations["alb.ingress.kubernetes.io/conditions.first"],
    '[{"field":"http-header","httpHeaderConfig":{"httpHeaderName":"agent","values":["a","b"]}}]',
  );
  assert.match(annotations["alb.ingress.kubernetes.io/actions.first"]!, /"DurationSeconds":3600/);
  const one = made.routed({ alb, ...ROUTES });
  albWriter(one, alb).setHeaderRoute({ name: "first" });
  made.write(one);
  assert.deepEqual(pathsOf(made), ["second", "web"]);
  const all = made.routed({ alb, ...ROUTES });
  albWriter(all, alb).removeManagedRoutes();
  made.write(all);
  assert.deepEqual(pathsOf(made), ["web"]);
  assert.deepEqual(Object.keys(annotationsOf(made)).sort(), [
    "alb.ingress.kubernetes.io/actions.web",
    MANAGED,
  ]);
});

Deno.test("ALB: each of several Ingresses is written, also when the first is as it should be", () => {
  const made = fixture("a");
  addIngress(made, "b", "web");
  const first = made.routed({ alb: { ...ALB, ingress: "a" } });
  albWriter(first, { ...ALB, ingress: "a" }).setWeight(5, []);
  made.write(first);
  const alb = { servicePort: 80, rootService: "web", ingresses: ["a", "b"] };
  const routed = made.routed({ alb });
  albWriter(routed, alb).setWeight(5, []);
  assert.equal(made.write(routed), 1);
  assert.deepEqual(annotationsOf(made, "a"), annotationsOf(made, "b"));
});

Deno.test("ALB: what cannot be routed is said", () => {
  const made = fixture("web", "other");
  const routed = made.routed({ alb: ALB });
  const message = (call: () => void) => {
    try {
      call();
    } catch (error) {
      assert.ok(error instanceof RoutingError);
      return error.message;
    }
  };
  assert.equal(
    message(() => albWriter(routed, ALB).setWeight(1, [])),
    "ingress does not have service `web` in rules",
  );
  assert.equal(
    message(() => albWriter(routed, { ...ALB, ingress: "none" }).setWeight(1, [])),
    'ingress.networking.k8s.io "none" not found',
  );
  const sticky = {
    ...ALB,
    rootService: "other",
    stickinessConfig: { enabled: true, durationSeconds: 0 },
  };
  assert.match(
    message(() => albWriter(routed, sticky).setWeight(1, []))!,
    /between 1 and 604800 seconds/,
  );
});
