import assert from "node:assert/strict";
import { importBusybox } from "../../agent/runtimes/podman/busybox_image.ts";
import { PodmanClient } from "../../agent/runtimes/podman/podman_client.ts";
import { ownSocketPath, startPodmanService } from "../../agent/runtimes/podman/podman_service.ts";
import { gatewayDevice } from "../../server/addresses.ts";
import { SystemClock } from "../../core/lib/clock.ts";
import { silentLog } from "../../core/lib/log.ts";
import { programPath } from "../../core/lib/linux/program.ts";
import type { Event } from "../../core/resources/events/events.ts";
import type { ContainerStatus } from "../../core/resources/core/pods/pod_status.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { eventually } from "../eventually.ts";
import { KUBECTL_MISSING, newestKubectl, type Output } from "../kubectl.ts";
import { type Inventory, inventory, leftoversSince, type Marks } from "../leftovers.ts";
import { removeNetwork } from "../server_network.ts";
import { ServerProcess } from "../server_process.ts";
import { type Fixture, type Step, testSteps } from "./steps.ts";

/** Busybox and nothing else: each container has its own command. */
export const IMAGE = "localhost/e2e:1";

const kubectl = newestKubectl()?.path;

export interface PodmanSuite {
  name: string;
  /** A different one for each test file. */
  subnet: number;
  stepsAtOnce?: number;
  /** More flags of the server. */
  args?: readonly string[];
  steps: readonly Step<PodmanCluster>[];
}

/**
 * One server on its own Podman for the steps of a file. Finally it is stopped with its pods, even when a step has failed,
 * and must leave nothing behind on this machine.
 */
export function testOnPodman({ subnet, args = [], ...suite }: PodmanSuite): void {
  testSteps({
    ...suite,
    missing: podmanMissing(),
    start: () => PodmanCluster.start({ subnet, args }),
  });
}

/** A server on real Podman, as a user sees it: by kubectl, by HTTP, and by what is on the machine. */
export class PodmanCluster implements Fixture {
  readonly podman: PodmanClient;
  readonly #before: Inventory;
  readonly #marks: Marks;

  private constructor(
    public server: ServerProcess,
    { before, marks }: { before: Inventory; marks: Marks },
  ) {
    this.#before = before;
    this.#marks = marks;
    const socketPath = ownSocketPath(`${server.dataFolder}/podman`);
    this.podman = new PodmanClient({ socketPath, clock: new SystemClock() });
  }

  /** `subnet`: a different one for each server. `args`: more flags. */
  static async start(
    { subnet, args = [] }: { subnet: number; args?: readonly string[] },
  ): Promise<PodmanCluster> {
    const dataFolder = await Deno.makeTempDir({ prefix: "coracle-e2e-" });
    const podmanFolder = `${dataFolder}/podman`;
    const marks = [
      dataFolder,
      ownSocketPath(podmanFolder).split("/")[2]!,
      await gatewayDevice(dataFolder),
      `cv0a8f${subnet.toString(16).padStart(2, "0")}`,
      `10.143.${subnet}.`,
      `10.197.${subnet}.`,
    ];
    const before = await inventory(marks);
    await Deno.mkdir(podmanFolder); // its own storage, beside any other Podman on this machine
    try {
      const server = await ServerProcess.start({ runtime: "podman", dataFolder, subnet, args });
      const cluster = new PodmanCluster(server, { before, marks });
      await importBusybox(cluster.podman, IMAGE);
      return cluster;
    } catch (error) {
      await removeAll(dataFolder, subnet);
      throw error;
    }
  }

  get log(): string {
    return this.server.log;
  }

  get dataFolder(): string {
    return this.server.dataFolder;
  }

  /** For host paths that pods mount; to be created. They may not mount anything in the data folder. */
  get hostFolder(): string {
    return `${this.dataFolder}-host`;
  }

  /** Stops the server with its pods, and fails when it leaves anything behind. */
  async end(): Promise<void> {
    const marks = [...this.#marks, ...await this.#containerIds()];
    this.podman.close();
    await this.server.stop();
    const options = { ...this.server.options, args: ["--stop-pods", "--temporary"] };
    const last = await ServerProcess.start(options).catch(async (error) => {
      await removeAll(this.dataFolder, options.subnet!);
      throw error;
    });
    const code = await last.stop();
    await Deno.remove(this.dataFolder, { recursive: true });
    await Deno.remove(this.hostFolder, { recursive: true }).catch(() => {}); // most suites have none
    assert.deepEqual(await leftoversSince(this.#before, marks), [], last.log);
    assert.equal(code, 0, last.log);
  }

  async #containerIds(): Promise<string[]> {
    const query = { all: "true" };
    const list = this.podman.json<{ Id: string }[]>("GET", "/containers/json", { query });
    return (await list.catch(() => [])).map(({ Id }) => Id); // Podman itself may have failed
  }

  /** The output of kubectl with something on its standard input. Fails when kubectl does. */
  async kubectlWith(input: string, ...args: string[]): Promise<string> {
    return goodOutput(args, await this.server.kubectl(kubectl!, args, input));
  }

  /** The output of kubectl. Fails when kubectl does. */
  async kubectl(...args: string[]): Promise<string> {
    return goodOutput(args, await this.server.kubectl(kubectl!, args));
  }

  async apply(...objects: object[]): Promise<string> {
    const list = { apiVersion: "v1", kind: "List", items: objects };
    const args = ["apply", "-f", "-"];
    const output = await this.server.kubectl(kubectl!, args, JSON.stringify(list));
    goodOutput(args, output);
    return output.stderr;
  }

  /** `undefined` when there is none. */
  async get<T>(path: string): Promise<T | undefined> {
    const answer = await this.server.fetch(path);
    return answer.ok ? await answer.json() as T : undefined;
  }

  pod(name: string): Promise<Pod | undefined> {
    return this.get<Pod>(`/api/v1/namespaces/default/pods/${name}`);
  }

  async pods(selector: string): Promise<Pod[]> {
    const path = `/api/v1/namespaces/default/pods?labelSelector=${encodeURIComponent(selector)}`;
    return (await this.get<{ items: Pod[] }>(path))?.items ?? [];
  }

  /** The resourceVersion of the latest change. */
  async version(): Promise<string> {
    const list = await this.get<{ metadata: { resourceVersion: string } }>(
      "/api/v1/namespaces/default/pods?limit=1",
    );
    return list!.metadata.resourceVersion;
  }

  /** The pod after each change since a version, by a watch: past changes included. */
  async podSince(name: string, version: string): Promise<Pod[]> {
    const selector = encodeURIComponent(`metadata.name=${name}`);
    const path = `/api/v1/namespaces/default/pods?watch=1&fieldSelector=${selector}` +
      `&resourceVersion=${version}&timeoutSeconds=1`;
    const lines = (await (await this.server.fetch(path)).text()).trim().split("\n");
    return lines.filter((line) => line !== "").map((line) => JSON.parse(line).object as Pod);
  }

  /** The pid of the first process of a container, as seen on this machine. */
  async pidOf(containerId: string): Promise<number> {
    const path = `/containers/${containerId.replace("podman://", "")}/json`;
    return (await this.podman.json<{ State: { Pid: number } }>("GET", path)).State.Pid;
  }

  async events(pod: string): Promise<Event[]> {
    const selector = encodeURIComponent(`involvedObject.name=${pod}`);
    const path = `/api/v1/namespaces/default/events?fieldSelector=${selector}`;
    return (await this.get<{ items: Event[] }>(path))?.items ?? [];
  }

  /** The pod as soon as the condition holds; fails with its status when that takes too long. */
  async podWhen(name: string, isSo: (pod: Pod) => unknown, waitMs?: number): Promise<Pod> {
    let last: Pod | undefined;
    try {
      return await eventually(`pod ${name}: ${isSo}`, async () => {
        last = await this.pod(name);
        return last && isSo(last) ? last : undefined;
      }, waitMs);
    } catch (error) {
      const events = (await this.events(name)).map(({ reason, message }) =>
        `${reason}: ${message}`
      );
      throw new Error(`${error}\n${JSON.stringify(last?.status, null, 1)}\n${events.join("\n")}`);
    }
  }

  readyPod(name: string): Promise<Pod> {
    return this.podWhen(name, isReady);
  }

  logs(name: string, ...args: string[]): Promise<string> {
    return this.kubectl("logs", name, ...args);
  }

  async delete(kind: string, ...names: string[]): Promise<void> {
    await this.kubectl("delete", kind, ...names, "--timeout=120s");
  }
}

/** Cleans up after a server that did not start. */
async function removeAll(dataFolder: string, subnet: number): Promise<void> {
  const clock = new SystemClock();
  const log = silentLog(clock);
  const podman = await startPodmanService({ folder: `${dataFolder}/podman`, clock, log });
  await podman.own!.destroy();
  await removeNetwork(dataFolder, subnet);
  await Deno.remove(dataFolder, { recursive: true });
}

export function isReady({ status }: Pod): boolean {
  return status.conditions?.some((each) => each.type === "Ready" && each.status === "True") ??
    false;
}

export function isOver({ status: { phase } }: Pod): boolean {
  return phase === "Succeeded" || phase === "Failed";
}

/** The status of the first container. */
export function mainStatus({ status }: Pod): ContainerStatus {
  const main = status.containerStatuses?.[0];
  assert.ok(main, "It has no status yet");
  return main;
}

export interface PodDraft {
  labels?: Record<string, string>;
  /** A shell script. */
  script: string;
  container?: object;
  spec?: object;
}

/** A pod of one container, `main`, that runs a script. */
export function podOf(name: string, draft: PodDraft): object {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, labels: { app: name, ...draft.labels } },
    spec: podSpecOf(draft),
  };
}

export function podSpecOf({ script, container, spec }: PodDraft): object {
  const main = {
    name: "main",
    image: IMAGE,
    imagePullPolicy: "Never",
    command: ["sh", "-c", script],
    ...container,
  };
  return { terminationGracePeriodSeconds: 1, containers: [main], ...spec };
}

function goodOutput(args: readonly string[], { code, stdout, stderr }: Output): string {
  assert.equal(code, 0, `kubectl ${args.join(" ")}: exit code ${code}\n${stdout}\n${stderr}`);
  return stdout;
}

/** What this machine lacks to run a server on Podman, and how to get it. */
export function podmanMissing(): string | undefined {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return "needs root on Linux";
  const packages = { podman: "podman runc", busybox: "busybox-static", nft: "nftables" };
  for (const [program, names] of Object.entries(packages)) {
    if (programPath(program) === undefined) {
      return `${program} is missing: apt-get install ${names}`;
    }
  }
  return kubectl === undefined ? KUBECTL_MISSING : undefined;
}
