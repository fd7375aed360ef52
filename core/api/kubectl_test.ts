import assert from "node:assert/strict";
import { SystemClock } from "../lib/clock.ts";
import { freshApi, TOKEN } from "./api_fixture.ts";
import { CredentialFiles } from "./access/credential_files.ts";
import { loadCredentials, writeKubeconfig } from "./access/pki.ts";
import { serveOnLoopback } from "./remote_fixture.ts";

/** Where distributions, and Google's SDK with one of each release, put kubectl. */
const FOLDERS = ["/usr/lib/google-cloud-sdk/bin", "/usr/local/bin", "/usr/bin", "/snap/bin"];
const MANIFEST = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: a
        image: busybox
        ports: [{containerPort: 80}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: conf}
data: {key: value}
`;

const ROLLOUT = `
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: a, image: busybox, env: [{name: A, value: "1"}, {name: B, value: "2"}]}
  strategy: {canary: {steps: [{setWeight: 20}, {pause: {}}]}}
`;

const RIGHTS = `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: default}
rules:
- {verbs: [get], apiGroups: [""], resources: [services]}
`;

const found = kubectls();

Deno.test({
  name: found.length > 0
    ? "real kubectl works"
    : "real kubectl works (ignored: no kubectl in the usual folders; install it to run this test)",
  ignore: found.length === 0,
  async fn(test) {
    for (const path of found) await test.step(path, () => drive(path));
  },
});

/** The newest, and with `KUBECTL=all` in the environment every one. */
function kubectls(): string[] {
  const named = /^kubectl(\.\d+\.(\d+))?$/;
  const all = FOLDERS.flatMap((folder) => {
    try {
      return [...Deno.readDirSync(folder)].filter(({ name }) => named.test(name))
        .map(({ name }) => ({
          path: `${folder}/${name}`,
          minor: Number(named.exec(name)![2] ?? 0),
        }));
    } catch {
      return []; // No such folder.
    }
  }).sort((a, b) => b.minor - a.minor).map(({ path }) => path);
  return Deno.env.get("KUBECTL") === "all" ? all : all.slice(0, 1);
}

interface Kubectl {
  /** Runs kubectl and returns what it prints; a failure is an error with its words. */
  run(args: string, stdin?: string): Promise<string>;
  start(args: string): Deno.ChildProcess;
}

async function drive(path: string): Promise<void> {
  // kubectl keeps its caches by host and port: each server needs a home of its own.
  const home = await Deno.makeTempDir();
  const clock = new SystemClock();
  const files = new CredentialFiles(home);
  const loaded = await loadCredentials(files, [], new SystemClock().now());
  const credentials = { ...loaded, admin: { ...loaded.admin, token: TOKEN } };
  const served = await serveOnLoopback(await freshApi({ clock }), credentials);
  try {
    await writeKubeconfig(files, credentials, `https://127.0.0.1:${served.address.port}`);
    await checkCommands(kubectlAt(path, home));
  } finally {
    await served.stop();
    await Deno.remove(home, { recursive: true });
  }
}

function kubectlAt(path: string, home: string): Kubectl {
  const command = (args: string, stdin: "piped" | "null") =>
    new Deno.Command(path, {
      args: args.split(" "),
      env: { HOME: home, KUBECONFIG: `${home}/admin.kubeconfig` },
      stdin,
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  return {
    async run(args, stdin) {
      const child = command(args, stdin === undefined ? "null" : "piped");
      if (stdin !== undefined) await new Blob([stdin]).stream().pipeTo(child.stdin);
      const { success, stdout, stderr } = await child.output();
      const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
      assert.ok(success, `kubectl ${args}: ${err}`);
      return out! + err!;
    },
    start: (args) => command(args, "null"),
  };
}

async function checkCommands(kubectl: Kubectl): Promise<void> {
  await checkApply(kubectl);
  await checkReading(kubectl);
  await checkChanges(kubectl);
  await checkWatching(kubectl);
  await checkProtobuf(kubectl);
  await checkRights(kubectl);
  await checkRollouts(kubectl);
  assert.match(await kubectl.run("delete deployment web --timeout=5s"), /"web" deleted/);
  await assert.rejects(kubectl.run("get deployment web"), /deployments.apps "web" not found/);
}

async function checkApply({ run }: Kubectl): Promise<void> {
  assert.match(await run("version"), /Server Version: .*v1\.34/);
  assert.equal(
    await run("apply -f -", MANIFEST),
    "deployment.apps/web created\nconfigmap/conf created\n",
  );
  assert.equal(
    await run("apply -f -", MANIFEST.replace("replicas: 2", "replicas: 3")),
    "deployment.apps/web configured\nconfigmap/conf unchanged\n",
  );
  await assert.rejects(
    run("apply -f -", MANIFEST.replace("\ndata:", "\ndat:")),
    /unknown field "dat"/,
  );
  assert.match(
    await run("apply --dry-run=server -f -", MANIFEST.replace("s: 2", "s: 4")),
    /configured \(server dry run\)/,
  );
}

async function checkReading({ run }: Kubectl): Promise<void> {
  assert.match(await run("get deployments"), /^NAME +READY +UP-TO-DATE +AVAILABLE +AGE\nweb +0\/2/);
  assert.match(await run("get deploy -o wide"), /CONTAINERS +IMAGES +SELECTOR\n.*busybox +app=web/);
  assert.match(await run("get deploy -A -l app=web"), /^NAMESPACE +NAME.*\ndefault +web/);
  assert.match(await run("get all"), /deployment.apps\/web/);
  assert.match(await run("get configmap conf -o yaml"), /^apiVersion: v1\ndata:\n {2}key: value\n/);
  assert.match(await run("describe deployment web"), /Replicas: +2 desired/);
  assert.match(await run("explain deployment.spec.template.spec.containers"), /<\[\]Container>/);
  assert.match(await run("explain pod --recursive"), /livenessProbe\s+<Probe>/);
  assert.match(await run("auth can-i create pods"), /yes/);
  assert.match(await run("api-resources"), /deployments +deploy +apps\/v1 +true +Deployment/);
}

async function checkChanges({ run }: Kubectl): Promise<void> {
  assert.match(await run("label deployment web tier=front"), /labeled/);
  assert.match(await run("annotate deployment web note=x"), /annotate/);
  assert.match(await run("scale deployment web --replicas=5"), /scaled/);
  assert.match(await run("set image deployment/web a=nginx"), /image updated/);
  assert.match(await run('patch deployment web -p {"spec":{"paused":true}}'), /patched/);
  const path = "{.spec.replicas}/{.spec.template.spec.containers[0].image}/{.metadata.labels.tier}";
  assert.equal(await run(`get deployment web -o jsonpath=${path}`), "5/nginx/front");
}

async function checkWatching({ run, start }: Kubectl): Promise<void> {
  const watching = start("get configmap --watch --output-watch-events");
  const reader = watching.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("conf")) text += (await reader.read()).value ?? "";
  await run("label configmap conf seen=yes");
  while (!text.includes("MODIFIED")) text += (await reader.read()).value ?? "";
  watching.kill();
  await reader.cancel();
  await watching.stderr.cancel();
  await watching.status;
  assert.match(text, /^EVENT +NAME +DATA +AGE\nADDED +conf +1 /);
  const waited = run("wait configmap/conf --for=jsonpath={.data.key}=other --timeout=10s");
  await run('patch configmap conf -p {"data":{"key":"other"}}');
  assert.match(await waited, /condition met/);
}

async function checkRights({ run }: Kubectl): Promise<void> {
  assert.match(await run("create role reader --verb=get,list --resource=pods"), /created/);
  assert.match(await run("create rolebinding r --role=reader --user=jane --group=dev"), /created/);
  assert.match(await run("get rolebinding r -o wide"), /ROLE .*\nr +Role\/reader .* jane +dev/);
  assert.match(await run("describe role reader"), /pods +\[\] +\[\] +\[get list\]/);
  assert.match(
    await run("get clusterrole view -o jsonpath={.aggregationRule}"),
    /aggregate-to-view/,
  );
  assert.match(await run("create clusterrole m --verb=get --non-resource-url=/metrics"), /created/);
  assert.match(await run("create clusterrolebinding m --clusterrole=m --user=jane"), /created/);
  assert.match(await run("auth reconcile -f -", RIGHTS), /role.* reconciled/);
  assert.match(await run("get role reader -o jsonpath={.rules[*].resources}"), /pods.*services/);
  assert.match(await run("auth can-i --list"), /\*\.\* +\[\] +\[\] +\[\*\]/);
}

/** As custom resources are: lists are replaced, strategic patches refused, the selector of the scale is a text. */
async function checkRollouts({ run }: Kubectl): Promise<void> {
  assert.match(await run("apply -f -", ROLLOUT), /rollout.argoproj.io\/web created/);
  assert.match(await run("apply -f -", ROLLOUT.replace("name: B", "name: C")), /configured/);
  const names = "jsonpath={.spec.template.spec.containers[0].env[*].name}";
  assert.equal(await run(`get ro web -o ${names}`), "A C");
  assert.match(await run("scale ro web --replicas=3"), /scaled/);
  assert.match(await run("get ro"), /^NAME +DESIRED +CURRENT +UP-TO-DATE +AVAILABLE +AGE\nweb +3/);
  await assert.rejects(
    run('patch ro web --type strategic -p {"spec":{"paused":true}}'),
    /strategic-merge-patch\+json is not supported by argoproj.io\/v1alpha1, Kind=Rollout/,
  );
  assert.match(await run('patch ro web --type merge -p {"spec":{"paused":true}}'), /patched/);
  assert.match(await run("explain ro.spec.strategy.canary.steps.setWeight"), /integer/);
  assert.match(await run("delete ro web --timeout=5s"), /"web" deleted/);
}

async function checkProtobuf({ run }: Kubectl): Promise<void> {
  assert.match(await run("create namespace blue"), /namespace\/blue created/);
  assert.match(await run("create configmap made -n blue --from-literal=a=b"), /created/);
  assert.match(await run("create secret generic s -n blue --from-literal=a=b"), /created/);
  assert.match(await run("create deployment d -n blue --image=busybox --replicas=0"), /created/);
  assert.match(await run("get secret s -n blue -o jsonpath={.data.a}"), /Yg==/);
}
