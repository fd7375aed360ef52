import assert from "node:assert/strict";
import { eventually } from "../eventually.ts";
import { type Kubectl, kubectlVersions, MODERN_KUBECTL_MISSING } from "../kubectl.ts";
import { ServerProcess } from "../server_process.ts";
import { faultsOf, type KubectlCase } from "./kubectl_case.ts";

const SLEEP = ["--", "sleep", "3600"];

/** What people do with one Deployment. `NODE` is the node, `FOLDER` a folder with a kustomization. */
const WORKLOADS: readonly KubectlCase[] = [
  { run: "create namespace NS", out: /created/ },
  {
    run: ["create", "deployment", "web", "--image=a:1", "--replicas=2", ...SLEEP],
    out: /deployment\.apps\/web created/,
  },
  { run: "rollout status deployment/web --timeout=60s", out: /successfully rolled out/ },
  {
    run: "rollout history deployment/web --revision=1",
    out: /web with revision #1\nPod Template:\n +Labels:\tapp=web[^]*Image:\ta:1/,
  },
  {
    run: "scale deployment web --replicas=3 --current-replicas=5",
    code: 1,
    err: /Expected replicas to be 5, was 2/,
  },
  { run: "scale deployment web --replicas=3 --current-replicas=2", out: /scaled/ },
  { run: "wait deployment/web --for=jsonpath={.status.readyReplicas}=3 --timeout=60s" },
  { run: "get pods --chunk-size=1 -o name", out: /^(pod\/web-\S+\n){3}$/ },
  {
    run: ["get", "pods", "-o", 'go-template={{range .items}}{{.status.phase}}{{"\\n"}}{{end}}'],
    out: /^(Running\n){3}$/,
  },
  {
    run: "get pods --sort-by=.metadata.name -o custom-columns=N:.metadata.name,N:.spec.nodeName",
    out: /^N +N\n(web-\S+ +NODE\n){3}$/,
  },
  { run: "get pods --field-selector=spec.nodeName=nowhere", err: /No resources found/ },
  {
    run: "get pods --field-selector=spec.color=red",
    code: 1,
    err: /field label not supported: spec\.color/,
  },
  { run: "get pods -L app --show-labels", out: /APP +LABELS\n(web-.* web +app=web,.*\n){3}$/ },
  { run: "get all", out: /pod\/web-[^]*deployment\.apps\/web[^]*replicaset\.apps\/web-/ },
  { run: "get deployment/web -o json", out: /"kind": "Deployment"/ },
  { run: "set selector service/none a=b", code: 1, err: /services "none" not found/ },
  { run: "set serviceaccount deployment web default", out: /serviceaccount updated/ },
  { run: "rollout status deployment/web --timeout=60s", out: /successfully rolled out/ },
  { run: "annotate deployment web note=1", out: /annotated?/ },
  { run: "annotate deployment web note=2", code: 1, err: /already has a value/ },
  { run: "annotate deployment web note=2 --overwrite", out: /annotated?/ },
  { run: "annotate deployment web note-", out: /annotated?/ },
  {
    run: ["patch", "deployment", "web", "--type=merge", "-p", '{"spec":{"replicas":2}}'],
    out: /patched/,
  },
  {
    run: [
      ...["patch", "deployment", "web", "--subresource=scale", "--type=merge"],
      ...["-p", '{"spec":{"replicas":1}}'],
    ],
    out: /scale\.autoscaling\/web patched/,
  },
  { run: "wait deployment/web --for=jsonpath={.spec.replicas}=1 --timeout=30s" },
  { run: "events", out: /ScalingReplicaSet/, since: 28 },
  { run: "get events --field-selector=reason=Scheduled", out: /Successfully assigned NS\/web-/ },
  { run: "delete pods -l app=web --now", out: /deleted/ },
  { run: "delete deployment web --cascade=foreground", out: /deployment\.apps "web" deleted/ },
  { run: "wait pods -l app=web --for=delete --timeout=60s" },
  { run: "get all", err: /No resources found/ },
];

/** Objects from generators and files. */
const OBJECTS: readonly KubectlCase[] = [
  { run: "kustomize FOLDER", out: /kind: ConfigMap[^]*name: k-made-/ },
  { run: "apply -k FOLDER", out: /configmap\/k-made-\w+ created\nconfigmap\/k-plain created/ },
  { run: "diff -k FOLDER" },
  { run: "get -k FOLDER -o name", out: /^configmap\/k-made-\w+\nconfigmap\/k-plain\n$/ },
  {
    run: "replace -f FOLDER/plain.yaml",
    code: 1,
    err: /error when replacing "FOLDER\/plain\.yaml": configmaps "plain" not found/,
  },
  { run: "create -f FOLDER/plain.yaml", out: /configmap\/plain created/ },
  {
    run: "create -f FOLDER/plain.yaml",
    code: 1,
    err:
      /\(AlreadyExists\): error when creating "FOLDER\/plain\.yaml": configmaps "plain" already exists/,
  },
  { run: "replace -f FOLDER/plain.yaml", out: /configmap\/plain replaced/ },
  {
    run: "apply --server-side -f FOLDER/plain.yaml",
    out: /^configmap\/plain serverside-applied\n$/,
  },
  { run: "delete -k FOLDER", out: /"k-made-\w+" deleted[^]*"k-plain" deleted/ },
  { run: "create secret generic generic --from-literal=a=b", out: /secret\/generic created/ },
  {
    run: "create secret docker-registry login --docker-server=x --docker-username=u " +
      "--docker-password=p",
    out: /secret\/login created/,
  },
  { run: "get secret login -o jsonpath={.type}", out: /^kubernetes\.io\/dockerconfigjson$/ },
  { run: "create configmap file --from-file=FOLDER/plain.yaml", out: /created/ },
  { run: "create service clusterip one --tcp=80:8080", out: /service\/one created/ },
  { run: "create service nodeport two --tcp=80:8080", out: /service\/two created/ },
  { run: "get service two", out: /NodePort +[\d.]+ +<none> +80:3\d{4}\/TCP/ },
  { run: "create service loadbalancer three --tcp=80", out: /service\/three created/ },
  {
    run: "create service externalname four --external-name=example.com",
    out: /service\/four created/,
  },
  { run: "get service four", out: /ExternalName +<none> +example\.com +<none>/ },
  { run: "set selector service one a=b", out: /selector updated/ },
  {
    run: "delete services one two three four",
    out: /(service "\w+" deleted( from \w+ namespace)?\n){4}/, // so since 1.34
  },
  { run: "create job one --image=a:1", out: /^job\.batch\/one created\n$/ },
  { run: "get jobs", out: /^NAME +STATUS +.*\none +Running +0\/1 / },
  { run: "delete job one", out: /job\.batch "one" deleted/ },
  { run: "create role one --verb=get --resource=pods", out: /created/ },
  { run: "create rolebinding one --role=one --user=jane", out: /created/ },
  { run: "create clusterrole one --verb=get --resource=nodes", out: /created/ },
  { run: "create clusterrolebinding one --clusterrole=one --group=dev", out: /created/ },
  { run: "get role,rolebinding -o wide", out: /ROLE.*USERS[^]*Role\/one.*jane/ },
  { run: "set subject rolebinding one --user=joe", out: /subjects updated/ },
  { run: "describe clusterrole one", out: /nodes +\[\] +\[\] +\[get\]/ },
  { run: "delete clusterrolebinding,clusterrole one", out: /deleted/ },
  { run: "create serviceaccount one", out: /^serviceaccount\/one created\n$/ },
  { run: "create quota one --hard=pods=9", out: /^resourcequota\/one created\n$/ },
  { run: "get quota one", out: /one +.*pods: 0\/9/, eventually: true },
  { run: "delete quota one", out: /resourcequota "one" deleted/ },
  {
    run: "create ingress one --rule=a.b/c=svc:80",
    out: /^ingress\.networking\.k8s\.io\/one created\n$/,
  },
  {
    run: "autoscale deployment one --max=3",
    code: 1,
    err: /deployments\.apps "one" not found|not/,
  },
  { run: "get boats", code: 1, err: /the server doesn't have a resource type "boats"/ },
];

/** The node, the cluster, and what is not served yet: a clear error. */
const CLUSTER: readonly KubectlCase[] = [
  { run: "api-versions", out: /\napps\/v1\n[^]*\nv1\n$/ },
  { run: "api-resources -o wide", out: /\npods +po +v1 +true +Pod +create,delete,/ },
  { run: "api-resources --api-group=apps -o name", out: /^controllerrevisions\.apps\n/ },
  { run: "cluster-info", out: /control plane.* is running at .*https:\/\/127\.0\.0\.1:/ },
  { run: "config view", out: /certificate-authority-data: DATA\+OMITTED[^]*token: REDACTED/ },
  { run: "config current-context", out: /^coracle\n$/ },
  { run: "version -o json", out: /"serverVersion": \{[^]*"gitVersion": "v1\.34/ },
  { run: "auth can-i --list", out: /\*\.\* +\[\] +\[\] +\[\*\]/ },
  { run: "auth can-i delete nodes", out: /yes/ },
  { run: "get --raw /healthz", out: /^ok$/ },
  { run: "get --raw /readyz?verbose", out: /\[\+\]ping ok[^]*check passed/ },
  { run: "explain nosuch", code: 1, err: /the server doesn't have a resource type "nosuch"/ },
  { run: "explain pods.spec.nosuch", code: 1, err: /field "nosuch" does not exist/ },
  {
    run: ["run", "sleeper", "--image=a:1", "--restart=Never", "--command", ...SLEEP],
    out: /pod\/sleeper created/,
  },
  { run: "wait pod/sleeper --for=condition=Ready --timeout=60s", out: /condition met/ },
  { run: ["exec", "sleeper", "--", "sh", "-c", "exit 3"], code: 3, err: /exit code 3/ },
  { run: "cp sleeper:/etc/hostname FOLDER/hostname" },
  { run: "debug sleeper --image=b:1", out: /Defaulting debug container name to debugger-/ },
  // Plain processes have no cgroups of their own that could be measured.
  { run: "top pods", code: 1, err: /metrics not available yet/ },
  { run: "top nodes", out: /^NAME +CPU\(cores\) [^]*\d+m +\d+% +\d+Mi +\d+%/ },
  {
    run: [
      ...["run", "once", "--image=a:1", "--restart=Never", "--rm", "-i"],
      ...["--command", "--", "echo", "hello"],
    ],
    out: /^(hello\n)?[^]*pod "once" deleted/, // kubectl asks for the log once: what it holds by then
  },
  {
    // A pod that runs when kubectl attaches to it, and then ends.
    run: [
      ...["run", "held", "--image=a:1", "--restart=Never", "--rm", "-i", "--leave-stdin-open"],
      ...["--command", "--", "sh", "-c", "sleep 5; echo held"],
    ],
    out: /^(If you don't see .*\n)?held\npod "held" deleted/,
  },
  { run: "cordon NODE", out: /node\/NODE cordoned/ },
  { run: "get node NODE", out: /Ready,SchedulingDisabled/ },
  { run: "uncordon NODE", out: /node\/NODE uncordoned/ },
  { run: "taint node NODE a=b:NoSchedule", out: /node\/NODE tainted/ },
  { run: "describe node NODE", out: /Taints: +a=b:NoSchedule/ },
  { run: "taint node NODE a-", out: /node\/NODE untainted/ },
  { run: "drain NODE --force --grace-period=1 --timeout=60s", out: /node\/NODE drained/ },
  { run: "get pods", err: /No resources found/ },
  { run: "uncordon NODE", out: /node\/NODE uncordoned/ },
];

/** The oldest and the newest that are here: what lies between behaves like one of them. */
const all = kubectlVersions();
const versions = all.length > 1 ? [all[0]!, all.at(-1)!] : all;

Deno.test({
  name: `the commands that people expect work or say why not${
    versions.length ? "" : ` (${MODERN_KUBECTL_MISSING})`
  }`,
  ignore: versions.length === 0,
  ...{ sanitizeOps: false, sanitizeResources: false },
  async fn(test) {
    await Promise.all(versions.map((kubectl) =>
      test.step({
        name: `kubectl ${kubectl.version}`,
        ...{ sanitizeOps: false, sanitizeResources: false, sanitizeExit: false },
        fn: () => runAll(kubectl),
      })
    ));
  },
});

/** With a server of its own for each version: there is one node, and it is drained. */
async function runAll(kubectl: Kubectl): Promise<void> {
  const server = await ServerProcess.start({
    ...{ runtime: "process", args: ["--stop-pods", "--temporary"] },
  });
  try {
    const FOLDER = `${server.dataFolder}/kustomize`;
    await writeKustomization(FOLDER);
    const NODE = await nodeName(server);
    const words = { FOLDER, NODE, NS: "people" };
    const cases = [...WORKLOADS, ...OBJECTS, ...CLUSTER, ...await kindCases(server, kubectl)];
    const faults = await faultsOf(server, kubectl, cases, words);
    assert.deepEqual(faults, [], `${faults.join("\n\n")}\n${server.log}`);
  } finally {
    await server.stop();
    await Deno.remove(server.dataFolder, { recursive: true });
  }
}

/** Described by kubectl before 1.33 as the alpha or beta version that it knows, which Kubernetes 1.34 serves no more. */
const NEW_IN_33 = ["ipaddresses.networking.k8s.io", "servicecidrs.networking.k8s.io"];

/** Every kind can be listed, explained with all its fields, and described. */
async function kindCases(
  server: ServerProcess,
  { path, version }: Kubectl,
): Promise<KubectlCase[]> {
  const old = Number(version.split(".")[1]) < 33;
  const { stdout } = await server.kubectl(path, ["api-resources", "--verbs=list", "-o", "name"]);
  const kinds = stdout.trim().split("\n");
  assert.ok(kinds.length >= 10, stdout);
  return kinds.flatMap((kind) => [
    { run: `get ${kind} -A` },
    ...(old && NEW_IN_33.includes(kind) ? [] : [{ run: `describe ${kind} -A` }]),
    { run: `explain ${kind.split(".")[0]} --recursive`, out: /KIND: [^]*FIELDS:[^]*metadata/ },
  ]);
}

/** The server is ready before its node is. */
function nodeName(server: ServerProcess): Promise<string> {
  return eventually("a node", async () => {
    const { items } = await (await server.fetch("/api/v1/nodes")).json();
    return items[0]?.metadata.name;
  });
}

async function writeKustomization(folder: string): Promise<void> {
  await Deno.mkdir(folder);
  const kustomization = "namePrefix: k-\nresources: [plain.yaml]\n" +
    "configMapGenerator: [{ name: made, literals: [a=1] }]\n";
  await Deno.writeTextFile(`${folder}/kustomization.yaml`, kustomization);
  const plain = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: plain }\n";
  await Deno.writeTextFile(`${folder}/plain.yaml`, plain);
}
