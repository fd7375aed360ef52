import assert from "node:assert/strict";
import { type Kubectl, kubectlVersions, MODERN_KUBECTL_MISSING } from "../kubectl.ts";
import { ServerProcess } from "../server_process.ts";
import { faultsOf, type KubectlCase } from "./kubectl_case.ts";

/** Each spends its time on one core, and on waiting for pods. */
const VERSIONS_AT_ONCE = 3;

const CASES: readonly KubectlCase[] = [
  { run: "version", out: /Server Version: .*v1\.34\./ },
  {
    run: "apply -f -",
    input: "MANIFEST",
    out: /namespace\/NS created\ndeployment\.apps\/web created\nservice\/web created/,
  },
  { run: "apply -f -", input: "MANIFEST", out: /deployment\.apps\/web unchanged/ },
  { run: "rollout status deployment/web --timeout=30s", out: /successfully rolled out/ },
  { run: "wait deployment/web --for=condition=Available --timeout=30s", out: /condition met/ },
  { run: "get deployments", out: /NAME +READY +UP-TO-DATE +AVAILABLE +AGE\nweb +2\/2 +2 +2 / },
  {
    run: "get deploy web -o wide",
    out: /CONTAINERS +IMAGES +SELECTOR\n.*web +example\.com\/web:1 +app=web/,
  },
  { run: "get pods -l app=web", out: /READY +STATUS +RESTARTS +AGE\nweb-.* 1\/1 +Running +0 / },
  { run: "get pods -l app=other", err: /No resources found in NS namespace/ },
  { run: "get pods -o wide", out: /IP +NODE +NOMINATED NODE +READINESS GATES/ },
  {
    run: "get pods --field-selector status.phase=Running -o name",
    out: /^pod\/web-.*\npod\/web-.*\n$/,
  },
  { run: "get pods -A", out: /NAMESPACE +NAME[\s\S]*NS +web-/ },
  {
    run: "get rs,svc,endpointslices",
    out: /replicaset\.apps\/web-[\s\S]*service\/web +ClusterIP[\s\S]*endpointslice/,
  },
  { run: "get all", out: /pod\/web-[\s\S]*deployment\.apps\/web/ },
  {
    run: "get deployment web -o yaml",
    out: /apiVersion: apps\/v1\nkind: Deployment[\s\S]*revisionHistoryLimit: 10/,
  },
  { run: "get deployment web -o jsonpath={.spec.strategy.rollingUpdate.maxSurge}", out: /^25%$/ },
  {
    run: "get deployment nothing",
    code: 1,
    err: /Error from server \(NotFound\): deployments\.apps "nothing" not found/,
  },
  { run: "get nodes", out: /STATUS +ROLES +AGE +VERSION\n.* Ready / },
  { run: "get events", out: /LAST SEEN +TYPE +REASON +OBJECT +MESSAGE[\s\S]*ScalingReplicaSet/ },
  {
    run: "describe deployment web",
    out: /StrategyType: +RollingUpdate[\s\S]*Scaled up replica set web-\w+ (from 0 )?to 2/,
  },
  {
    run: "describe pods",
    out: /Status: +Running[\s\S]*Events:[\s\S]*Successfully assigned NS\/web-/,
  },
  { run: "describe node", out: /Allocatable:[\s\S]*Non-terminated Pods/ },
  { run: "explain deployment.spec.strategy.rollingUpdate", out: /maxSurge[\s\S]*maxUnavailable/ },
  { run: "explain pods.spec.containers --recursive", out: /livenessProbe/ },
  { run: "logs deployment/web", out: /hello from one/ },
  { run: "logs -l app=web --tail=1 --prefix", out: /\[pod\/web-.*\/web\] hello from one/ },
  { run: "scale deployment web --replicas=3", out: /deployment\.apps\/web scaled/ },
  { run: "rollout status deployment/web --timeout=30s", out: /successfully rolled out/ },
  { run: "get deploy web -o jsonpath={.status.readyReplicas}", out: /^3$/ },
  { run: "set image deployment/web web=example.com/web:2", out: /image updated/ },
  { run: "rollout status deployment/web --timeout=60s", out: /successfully rolled out/ },
  { run: "rollout history deployment/web", out: /REVISION +CHANGE-CAUSE\n1 .*\n2 / },
  { run: "rollout undo deployment/web", out: /rolled back/ },
  { run: "rollout status deployment/web --timeout=60s", out: /successfully rolled out/ },
  {
    run: "get deploy web -o jsonpath={.spec.template.spec.containers[0].image}",
    out: /^example\.com\/web:1$/,
  },
  { run: "rollout pause deployment/web", out: /paused/ },
  { run: "set env deployment/web VERSION=two", out: /env updated/ },
  { run: "get rs -o name", out: /^(replicaset\.apps\/web-\w+\n){2}$/ },
  { run: "rollout resume deployment/web", out: /resumed/ },
  { run: "rollout status deployment/web --timeout=60s", out: /successfully rolled out/ },
  { run: "logs -l app=web --tail=1", out: /^(hello from two\n)+$/, eventually: true },
  { run: "rollout restart deployment/web", out: /restarted/ },
  { run: "rollout status deployment/web --timeout=60s", out: /successfully rolled out/ },
  { run: "label deployment web tier=front", out: /labeled/ },
  { run: "get deploy -l tier=front,app=web -o name", out: /^deployment\.apps\/web\n$/ },
  { run: "annotate deployment web note=yes", out: /annotated?/ },
  { run: `patch deployment web -p {"spec":{"replicas":1}}`, out: /patched/ },
  {
    run: `patch deployment web --type=json -p [{"op":"replace","path":"/spec/replicas","value":2}]`,
    out: /patched/,
  },
  { run: `patch deployment web --type=merge -p {"spec":{"minReadySeconds":1}}`, out: /patched/ },
  {
    run: "apply -f - --dry-run=server",
    input: "MANIFEST",
    out: /deployment\.apps\/web configured \(server dry run\)/,
  },
  { run: "diff -f -", input: "MANIFEST", code: 1, out: /\+ +value: one/ },
  {
    run: "apply -f -",
    input:
      "apiVersion: v1\nkind: Service\nmetadata: {name: bad, namespace: NS}\nspec: {ports: [{port: 99999}], color: red}",
    code: 1,
    err: /unknown field "spec\.color"/,
  },
  { run: "create configmap settings --from-literal=a=1", out: /configmap\/settings created/ },
  { run: "create secret generic keys --from-literal=a=1", out: /secret\/keys created/ },
  { run: "get configmap settings -o jsonpath={.data.a}", out: /^1$/ },
  { run: "get secret keys -o jsonpath={.data.a}", out: /^MQ==$/ },
  { run: "auth whoami", out: /admin/, since: 28 },
  { run: "auth can-i create pods", out: /yes/ },
  { run: "api-resources", out: /deployments +deploy +apps\/v1 +true +Deployment/ },
  { run: "delete deployment web", out: /deployment\.apps "web" deleted/ },
  { run: "wait pods -l app=web --for=delete --timeout=30s" },
  { run: "get pods", err: /No resources found/ },
  { run: "delete namespace NS --timeout=30s", out: /namespace "NS" deleted/ },
  { run: "get namespace NS -o yaml", code: 1, err: /NotFound/ },
];

/** `KUBECTL_VERSION=1.33` runs that one alone. */
const only = Deno.env.get("KUBECTL_VERSION");
const versions = kubectlVersions().filter(({ version }) => only === undefined || version === only);

Deno.test({
  name: `kubectl does what it does on Kubernetes${
    versions.length ? "" : ` (${MODERN_KUBECTL_MISSING})`
  }`,
  ignore: versions.length === 0,
  sanitizeOps: false, // the server's own pipes stay open as long as it runs
  sanitizeResources: false,
  async fn(test) {
    const server = await ServerProcess.start({
      runtime: "process",
      args: ["--stop-pods", "--temporary"],
    });
    try {
      const rest = [...versions];
      await Promise.all(Array.from({ length: VERSIONS_AT_ONCE }, async () => {
        for (let next = rest.shift(); next !== undefined; next = rest.shift()) {
          await runVersion(test, server, next);
        }
      }));
    } finally {
      await server.stop();
      await Deno.remove(server.dataFolder, { recursive: true });
    }
  },
});

async function runVersion(test: Deno.TestContext, server: ServerProcess, kubectl: Kubectl) {
  await test.step({
    name: `kubectl ${kubectl.version}`,
    ...{ sanitizeOps: false, sanitizeResources: false, sanitizeExit: false },
    async fn() {
      const NS = `conformance-${kubectl.version.replace(".", "-")}`;
      const faults = await faultsOf(server, kubectl, CASES, { NS });
      assert.deepEqual(faults, [], `${faults.join("\n\n")}\n${server.log}`);
    },
  });
}
