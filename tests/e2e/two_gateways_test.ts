import assert from "node:assert/strict";
import { eventually } from "../eventually.ts";
import { Connection, PacedLoad } from "../paced_load.ts";
import { testSteps } from "./steps.ts";
import { TwoMachines, twoMachinesMissing } from "./two_machines.ts";
import { freePort, gatewayOn, routeTo, webApp } from "./web_app.ts";

const PER_SECOND = 500;
const REPLICAS = 4;
const port = freePort();

testSteps({
  name: "two machines under load, each with a gateway",
  missing: twoMachinesMissing(),
  start: () => TwoMachines.start(150),
  steps: [
    { name: "the application comes up behind both gateways", run: bringUp },
    { name: "kill -9 of the server loses no request at the other gateway", run: serverKilled },
    { name: "kill -9 of the agent loses no request at the other gateway", run: agentKilled },
    {
      name: "a rolling update over both machines loses none at the server's gateway",
      run: (both) => update(both, { hostname: "127.0.0.1", from: "v1", to: "v2" }),
    },
    {
      name: "a rolling update over both machines loses none at the agent's gateway",
      run: (both) => update(both, { hostname: both.machine.ip, from: "v2", to: "v3" }),
    },
  ],
});

async function bringUp(both: TwoMachines): Promise<void> {
  await both.cluster.apply(...app("v1"), gatewayOn(port), routeTo({ shop: 1 }));
  await rolledOut(both);
  for (const hostname of gatewaysOf(both)) {
    await eventually(`${hostname} answers`, async () => await ask(hostname) === "v1");
  }
}

async function serverKilled(both: TwoMachines): Promise<void> {
  const { cluster, machine } = both;
  const load = await loadOn(machine.ip);
  await cluster.server.kill();
  await goesOn(load);
  cluster.server = await cluster.server.restart();
  await both.nodeIs("True");
  await goesOn(load);
  assert.deepEqual((await load.stop()).failures, [], both.log);
}

async function agentKilled(both: TwoMachines): Promise<void> {
  const load = await loadOn("127.0.0.1");
  await both.agent.kill();
  await goesOn(load);
  await both.startAgent();
  await both.nodeIs("True");
  await goesOn(load);
  assert.deepEqual((await load.stop()).failures, [], both.log);
}

/** All load goes to one gateway: the node that stops a pod has no request in flight there itself. */
async function update(
  both: TwoMachines,
  { hostname, from, to }: { hostname: string; from: string; to: string },
): Promise<void> {
  const load = await loadOn(hostname);
  await both.cluster.apply(...app(to));
  await rolledOut(both);
  await eventually("the old pods are gone", async () => {
    return (await both.cluster.pods("app=shop")).length === REPLICAS;
  });
  await goesOn(load);
  const { answers, failures } = await load.stop();
  assert.deepEqual(failures, [], both.log);
  assert.ok(answers.get(from)! > 0 && answers.get(to)! > 0);
}

function app(version: string): object[] {
  return webApp({ name: "shop", version, replicas: REPLICAS });
}

function gatewaysOf({ machine }: TwoMachines): string[] {
  return ["127.0.0.1", machine.ip];
}

async function loadOn(hostname: string): Promise<PacedLoad> {
  const load = new PacedLoad({ hostname, port, perSecond: PER_SECOND });
  await goesOn(load);
  return load;
}

/** Half a second more of load. */
async function goesOn(load: PacedLoad): Promise<void> {
  const { sent } = load;
  await eventually("the load runs", () => load.sent > sent + PER_SECOND / 2);
}

async function rolledOut({ cluster }: TwoMachines): Promise<void> {
  await cluster.kubectl("rollout", "status", "deployment/shop", "--timeout=180s");
}

async function ask(hostname: string): Promise<string> {
  const connection = await Connection.open({ hostname, port });
  try {
    return await connection.ask("/", { isLast: true });
  } finally {
    connection.close();
  }
}
