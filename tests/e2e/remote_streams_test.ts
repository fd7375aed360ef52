import assert from "node:assert/strict";
import { eventually } from "../eventually.ts";
import { residentBytes } from "../attack/vital_signs.ts";
import { kubectlVersions } from "../kubectl.ts";
import { STREAM_CASES } from "./stream_cases.ts";
import { testSteps } from "./steps.ts";
import { EDGE, TwoMachines, twoMachinesMissing } from "./two_machines.ts";

const POD = "streams";
const PODS = "/api/v1/namespaces/default/pods";

testSteps({
  name: "streams on another machine, through its tunnel, by kubectl",
  missing: twoMachinesMissing(),
  start: () => TwoMachines.start(141),
  steps: [
    ...STREAM_CASES.map(({ name, run }) => ({
      name,
      run: ({ cluster }: TwoMachines) => run({ cluster, node: EDGE }),
    })),
    { name: "a client that reads slowly stops the container, not the server", run: slowReader },
    { name: "a link that is silent ends what was open, too, and comes back", run: silenced },
    { name: "an agent that is gone ends what was open, with the reason", run: killed },
  ],
});

async function slowReader({ cluster }: TwoMachines): Promise<void> {
  const before = residentBytes(cluster.server.pid);
  const script = "yes 0123456789012345678901234567890123456789 | head -c 300000000";
  const child = cluster.server.startKubectl(
    kubectlVersions().at(-1)!.path,
    ["exec", POD, "--", "sh", "-c", `${script}; echo end >&2`],
  );
  const reader = child.stdout.getReader();
  await reader.read();
  const written = async () =>
    Number(
      /wchar: (\d+)/.exec(
        await cluster.kubectl("exec", POD, "--", "sh", "-c", "cat /proc/$(pidof yes)/io"),
      )?.[1],
    );
  await eventually("the container waits for its reader", async () => {
    const first = await written();
    return first === await written();
  });
  assert.ok(await written() < 50_000_000, `${await written()} bytes were written for nobody`);
  const grown = residentBytes(cluster.server.pid) - before;
  assert.ok(grown < 60 * 1024 * 1024, `the server has grown by ${grown} bytes`);
  let length = 0;
  for (let next; !(next = await reader.read()).done;) length += next.value.length;
  assert.ok(length > 299_000_000);
  assert.equal((await child.status).code, 0);
}

async function silenced({ cluster, machine }: TwoMachines): Promise<void> {
  const kubectl = kubectlVersions().at(-1)!.path;
  const command = cluster.server.kubectl(kubectl, ["exec", POD, "--", "sleep", "601"]);
  await eventually(
    "the command runs",
    async () => (await cluster.kubectl("exec", POD, "--", "ps")).includes("sleep 601"),
  );
  await machine.cut();
  const asked = cluster.server.fetch(`${PODS}/${POD}/log`);
  const { code, stderr } = await command;
  const answer = await asked;
  await machine.mend();
  assert.notEqual(code, 0);
  assert.match(stderr, /lost connection to the agent of node "edge": /);
  assert.equal(answer.status, 500);
  assert.match((await answer.json()).message, /containerLogs.*agent of node "edge"/);
  await eventually(
    "its pods answer again",
    async () => (await cluster.server.kubectl(kubectl, ["exec", POD, "--", "true"])).code === 0,
  );
}

async function killed(both: TwoMachines): Promise<void> {
  const { cluster } = both;
  const kubectl = kubectlVersions().at(-1)!.path;
  const command = cluster.server.kubectl(kubectl, ["exec", POD, "--", "sleep", "600"]);
  const log = cluster.server.kubectl(kubectl, ["logs", "-f", "proxied"]);
  await eventually(
    "the command runs",
    async () => (await cluster.kubectl("exec", POD, "--", "ps")).includes("sleep 600"),
  );
  await both.agent.kill();
  const [executed, followed] = [await command, await log];
  assert.notEqual(executed.code, 0);
  assert.match(executed.stderr, /lost connection to the agent of node "edge": /);
  assert.match(followed.stdout, /error: lost connection to the agent of node "edge": /);
  const away = 'No agent available: node "edge" has no connection to this server';
  const [logged, run, forward, proxied] = await Promise.all([
    cluster.server.fetch(`${PODS}/${POD}/log`),
    cluster.server.kubectl(kubectl, ["exec", POD, "--", "true"]),
    cluster.server.kubectl(kubectl, ["port-forward", POD, ":8080"]),
    cluster.server.fetch(`${PODS}/proxied:8080/proxy/`),
  ]);
  assert.equal(logged.status, 500);
  const { message } = await logged.json();
  assert.match(
    message,
    /^Get "https:\/\/[\d.]+:10250\/containerLogs\/default\/streams\/main": No agent available/,
  );
  for (const each of [run, forward]) {
    assert.notEqual(each.code, 0);
    assert.ok(each.stderr.includes(`error dialing backend: ${away}`), each.stderr);
  }
  assert.equal(proxied.status, 503);
  assert.equal((await proxied.json()).message, `error trying to reach service: ${away}`);
  await both.startAgent();
  await eventually(
    "its pods answer again",
    async () => (await cluster.server.kubectl(kubectl, ["exec", POD, "--", "true"])).code === 0,
  );
}
