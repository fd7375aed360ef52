import assert from "node:assert/strict";
import { eventually } from "../eventually.ts";
import { Connection, PacedLoad } from "../paced_load.ts";
import { testSteps } from "./steps.ts";
import { TwoMachines, twoMachinesMissing } from "./two_machines.ts";
import { freePort, gatewayOn, routeTo, webApp } from "./web_app.ts";

const PER_SECOND = 500;
const port = freePort();

testSteps({
  name: "two machines under load, each with a gateway",
  missing: twoMachinesMissing(),
  start: () => TwoMachines.start(150),
  steps: [
    { name: "the application comes up behind both gateways", run: bringUp },
    { name: "kill -9 of the server loses no request at the other gateway", run: serverKilled },
    { name: "kill -9 of the agent loses no request at the other gateway", run: agentKilled },
    { name: "a rolling update over both machines loses none at either", run: update },
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

async function update(both: TwoMachines): Promise<void> {
  const loads = await Promise.all(gatewaysOf(both).map((hostname) => loadOn(hostname)));
  await both.cluster.apply(...app("v2"));
  await rolledOut(both);
  for (const load of loads) await goesOn(load);
  for (const load of loads) {
    const { answers, failures } = await load.stop();
    assert.deepEqual(failures, [], both.log);
    assert.ok(answers.get("v1")! > 0 && answers.get("v2")! > 0);
  }
}

function app(version: string): object[] {
  return webApp({ name: "shop", version, replicas: 4 });
}

function gatewaysOf({ machine }: TwoMachines): string[] {
  return ["127.0.0.1", machine.ip];
}

async function loadOn(hostname: string): Promise<PacedLoad> {
  const load = new PacedLoad({ hostname, port, perSecond: PER_SECOND });
  await goesOn(load);
  return load;
}

/** Half a second more of it. */
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
