import assert from "node:assert/strict";
import { eventually } from "../eventually.ts";
import { onPath, type Output, runProgram } from "../kubectl.ts";
import { ServerProcess, withServer } from "../server_process.ts";

const helm = onPath("helm");
const missing = helm === undefined
  ? " (helm is missing: go install helm.sh/helm/v3/cmd/helm@v3.19.5)"
  : "";
const CHARTS = "tests/conformance/charts";

/** Helm against one server. */
class Helm {
  constructor(readonly server: ServerProcess) {}

  async run(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.try(...args);
    assert.equal(code, 0, `helm ${args.join(" ")}: ${stderr}`);
    return stdout;
  }

  try(...args: string[]): Promise<Output> {
    const env = { HOME: `${this.server.dataFolder}/home`, KUBECONFIG: this.server.kubeconfig };
    return runProgram(helm!, args, { env });
  }

  /** `undefined`: it is not there. */
  async object(path: string): Promise<Record<string, Record<string, string>> | undefined> {
    const answer = await this.server.fetch(path);
    return answer.ok ? await answer.json() : undefined;
  }

  configMap() {
    return this.object("/api/v1/namespaces/default/configmaps/shop");
  }
}

async function releaseComesAndGoes(helm: Helm): Promise<void> {
  const web = `${CHARTS}/web`;
  const notes = await helm.run("install", "shop", web, "--wait", "--timeout", "60s");
  assert.match(notes, /STATUS: deployed[^]*shop says hello\./);
  assert.deepEqual((await helm.configMap())!["data"], {
    greeting: "hello",
    revision: "1",
    before: "nothing",
  });
  assert.ok(await helm.object("/api/v1/namespaces/default/pods/shop-pre-install"));
  const set = (value: string) => ["--set", `greeting=${value}`];
  await helm.run("upgrade", "shop", web, ...set("ahoy"), "--wait", "--timeout", "60s");
  assert.equal((await helm.configMap())!["data"]!["before"], "hello");
  const breaks = [...set("oops"), "--set", "breaks=true", "--atomic", "--timeout", "4s"];
  const broken = await helm.try("upgrade", "shop", web, ...breaks);
  assert.equal(broken.code, 1);
  assert.match(broken.stderr, /rolled back due to atomic being set/);
  assert.equal((await helm.configMap())!["data"]!["greeting"], "ahoy");
  await helm.run("rollback", "shop", "1", "--wait", "--timeout", "60s");
  assert.equal((await helm.configMap())!["data"]!["greeting"], "hello");
  const history = JSON.parse(await helm.run("history", "shop", "-o", "json"));
  assert.deepEqual(history.map(({ status }: { status: string }) => status), [
    "superseded",
    "superseded",
    "failed",
    "superseded",
    "deployed",
  ]);
  await helm.run("uninstall", "shop", "--wait", "--timeout", "60s");
  assert.equal(await helm.configMap(), undefined);
  assert.ok(await helm.object("/api/v1/namespaces/default/pods/shop-post-delete"));
}

async function chartBringsItsKind(helm: Helm): Promise<void> {
  const path = "/apis/toys.example/v1/namespaces/default/gadgets/toy";
  await helm.run("install", "toy", `${CHARTS}/gadget`, "--timeout", "60s");
  assert.deepEqual((await helm.object(path))!["spec"], { size: 5 });
  const refused = await helm.try("upgrade", "toy", `${CHARTS}/gadget`, "--set", "size=-1");
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /spec\.size in body should be greater than or equal to 1/);
  await helm.run("upgrade", "toy", `${CHARTS}/gadget`, "--set", "size=9");
  assert.deepEqual((await helm.object(path))!["spec"], { size: 9 });
  await helm.run("uninstall", "toy");
  await eventually("the object goes with its release", async () => !await helm.object(path));
}

Deno.test({
  name: `helm installs, upgrades, rolls back and uninstalls${missing}`,
  ignore: helm === undefined,
  fn: () =>
    withServer({ runtime: "process" }, async (server) => {
      const helm = new Helm(server);
      await chartBringsItsKind(helm);
      await releaseComesAndGoes(helm);
    }),
});
