import assert from "node:assert/strict";
import { eventually } from "../../eventually.ts";
import { type FieldCase, isReady, under, waitingOf } from "./field_case.ts";
import { podOf, type ProcessCluster } from "./process_cluster.ts";
import { Questioned } from "./questioned.ts";

const MOMENTS = ["postStart", "preStop"] as const;
type Moment = typeof MOMENTS[number];
const DASHED = { postStart: "post-start", preStop: "pre-stop" };

/** What is done after the start and before the end of a container. */
export const HOOK_CASES: readonly FieldCase<ProcessCluster>[] = [
  ...MOMENTS.flatMap((moment) => {
    const at = `containers[].lifecycle.${moment}`;
    return [
      { name: `${moment}: a command`, fields: [`${at}.exec.command`], run: doing(moment, command) },
      {
        name: `${moment}: an HTTP request`,
        fields: under(
          `${at}.httpGet`,
          ...["path", "port", "host", "scheme", "httpHeaders[].name", "httpHeaders[].value"],
        ),
        run: doing(moment, httpGet),
      },
      { name: `${moment}: a pause`, fields: [`${at}.sleep.seconds`], run: doing(moment, sleep) },
      {
        name: `${moment}: a TCP connection is not made, as in Kubernetes`,
        fields: under(`${at}.tcpSocket`, "port", "host"),
        run: doing(moment, tcpSocket),
      },
    ];
  }),
  {
    name: "a container is asked to end by a signal of its choice",
    fields: ["containers[].lifecycle.stopSignal"],
    run: stopSignal,
  },
];

interface Doing {
  cluster: ProcessCluster;
  moment: Moment;
  name: string;
}

function doing(moment: Moment, run: (doing: Doing) => Promise<void>) {
  return (cluster: ProcessCluster) => {
    const dashed = run.name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    return run({ cluster, moment, name: `${DASHED[moment]}-${dashed}` });
  };
}

async function create({ cluster, moment, name }: Doing, hook: object): Promise<void> {
  await cluster.apply(podOf(name, {
    script: "sleep 600",
    container: { lifecycle: { [moment]: hook } },
    spec: { terminationGracePeriodSeconds: 20, restartPolicy: "Always" },
  }));
}

/** The pod comes and goes: one of the two runs the hook. */
async function comeAndGo(doing: Doing, hook: object): Promise<void> {
  await create(doing, hook);
  const { cluster, name } = doing;
  await cluster.podWhen(name, isReady);
  await cluster.delete(name);
  await untilGone(doing);
}

async function untilGone({ cluster, name }: Doing): Promise<void> {
  const path = `/api/v1/namespaces/default/pods/${name}`;
  await eventually(`${name} is gone`, async () => {
    const answer = await cluster.server.fetch(path);
    await answer.body?.cancel();
    return answer.status === 404;
  });
}

async function command(doing: Doing): Promise<void> {
  const words = `${doing.cluster.dataFolder}/${doing.name}`;
  await comeAndGo(doing, { exec: { command: ["sh", "-c", `echo ${doing.name} >> ${words}`] } });
  assert.equal(await Deno.readTextFile(words), `${doing.name}\n`);
}

async function httpGet(doing: Doing): Promise<void> {
  const questioned = new Questioned();
  try {
    const path = `/${doing.name}`;
    const httpHeaders = [{ name: "X-Rank", value: "mate" }];
    const { port } = questioned;
    await comeAndGo(doing, {
      httpGet: { host: "127.0.0.1", port, path, scheme: "HTTP", httpHeaders },
    });
    const [question] = await questioned.asked(path, 1);
    assert.equal(question!.headers.get("x-rank"), "mate");
    assert.equal(question!.headers.get("user-agent"), "kube-lifecycle/1.34");
  } finally {
    await questioned.end();
  }
}

async function sleep(doing: Doing): Promise<void> {
  const beganMs = performance.now();
  await comeAndGo(doing, { sleep: { seconds: 3 } });
  assert.ok(performance.now() - beganMs > 2_900);
}

async function tcpSocket(doing: Doing): Promise<void> {
  const { cluster, moment, name } = doing;
  await create(doing, { tcpSocket: { host: "127.0.0.1", port: 1 } });
  if (moment === "postStart") {
    await cluster.podWhen(
      name,
      (pod) => /PostStartHookError|CrashLoopBackOff/.test(waitingOf(pod).reason ?? ""),
    );
  } else await cluster.podWhen(name, isReady);
  await cluster.delete(name);
  await untilGone(doing);
  await eventually("the failure is told of", async () => {
    const reasons = (await cluster.events(name)).map(({ reason }) => reason);
    return reasons.includes(moment === "postStart" ? "FailedPostStartHook" : "FailedPreStopHook");
  });
}

async function stopSignal(cluster: ProcessCluster): Promise<void> {
  const words = `${cluster.dataFolder}/stop-signal`;
  const script = `trap 'echo usr1 >> ${words}; exit 0' USR1; trap 'echo term >> ${words}' TERM; ` +
    `echo ready >> ${words}; while :; do sleep 0.1; done`;
  await cluster.apply(podOf("stop-signal", {
    script,
    container: { lifecycle: { stopSignal: "SIGUSR1" } },
    spec: { os: { name: "linux" }, terminationGracePeriodSeconds: 20 },
  }));
  await cluster.fileWhen(words, (text) => text === "ready\n");
  const { status } = await cluster.podWhen("stop-signal", isReady);
  assert.equal(status.containerStatuses![0]!.stopSignal, "SIGUSR1");
  await cluster.delete("stop-signal");
  await cluster.fileWhen(words, (text) => text === "ready\nusr1\n");
}
