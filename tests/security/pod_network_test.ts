import assert from "node:assert/strict";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import type { Service } from "../../core/resources/core/services/services.ts";
import { eventually } from "../eventually.ts";
import { runProgram } from "../kubectl.ts";
import { LoneMachine, loneMachineMissing } from "./lone_machine.ts";

const SUBNET = 171;
/** Long enough to see that a connection on one machine fails; dropped packets take all of it. */
const DROPPED_MS = 700;
/** What docs/SECURITY.md promises. */
const REPAIR_MS_MAX = 2_000;
/** What the pod serves: a folder that always exists. */
const ROOT = new URL("../..", import.meta.url).pathname;
/** Only failures take this long. */
const WAIT_MS_MAX = 10_000;
const missing = loneMachineMissing();

Deno.test({
  name: `pods and neighbours on the network of a node${missing ? ` (${missing})` : ""}`,
  ignore: missing !== undefined,
  sanitizeOps: false, // pipes of processes stay open as long as they run
  sanitizeResources: false,
  async fn(test) {
    const lone = await LoneMachine.start(SUBNET);
    const routes = [`10.197.${SUBNET}.0/24`, `10.143.${SUBNET}.0/24`];
    try {
      const lab = await Lab.start(lone);
      for (const range of routes) await ip("route", "add", range, "via", lone.machine.ip);
      for (const [name, act] of STEPS) {
        await test.step({ name, fn: () => act(lab), sanitizeOps: false, sanitizeResources: false });
      }
    } catch (error) {
      throw new Error(`${error}\n${lone.log}`);
    } finally {
      for (const range of routes) await runProgram("ip", ["route", "del", range]);
      await lone.end();
    }
  },
});

const STEPS: readonly (readonly [name: string, act: (lab: Lab) => Promise<void>])[] = [
  ["a neighbour with a route reaches the API at its ClusterIP, and pods: refused", strangers],
  ["a neighbour reaches what is meant for it: NodePorts and the node's own addresses", guests],
  ["a pod makes itself the node's IPv6 router by an advertisement: refused", advertisement],
  ["a pod sends as another pod, also where rp_filter is off: refused", spoofing],
  ["a pod reaches the node's loopback where route_localnet is on: refused", loopback],
  ["a pod is cut off for good by whoever deletes its route or device: refused", damage],
  ["a pod gets a second namespace by a restart after damage: refused", doubled],
  ["a pod lives on unreachable when its namespace is lost: refused", lost],
  ["a neighbour is served at a ClusterIP where nftables does not work: refused", unruled],
];

async function strangers({ lone, web }: Lab): Promise<void> {
  const { podIP } = web.status;
  assert.equal(await isOpen(lone.machine.ip, lone.apiPort), true);
  const targets = [[lone.kubernetesIP, 443], [podIP!, 8080], [
    podIP!.replace(/\d+$/, "1"),
    lone.apiPort,
  ]] as const;
  const reached = await Promise.all(
    targets.map(([address, port]) => isOpen(address, port, DROPPED_MS)),
  );
  assert.deepEqual(reached, [false, false, false]);
}

async function guests({ lone, web, other, service }: Lab): Promise<void> {
  const { clusterIP, ports } = service.spec;
  const { nodePort } = ports![0]!;
  assert.equal(await isOpen(lone.machine.ip, nodePort!), true, "a neighbour to a NodePort");
  const urls = [
    `http://${clusterIP}:80/`,
    `http://${lone.machine.ip}:${nodePort}/`,
    `http://${web.status.podIP}:8080/`,
  ];
  for (const url of urls) {
    await lone.machine.run(...wget(url));
    await lone.inPod(other, ...wget(url));
  }
  const connect = `(await Deno.connect({ hostname: "${lone.kubernetesIP}", port: 443 })).close()`;
  await lone.inPod(other, "timeout", "5", Deno.execPath(), "eval", connect);
}

async function advertisement({ lone, web }: Lab): Promise<void> {
  await lone.machine.run("sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/all/accept_ra || true");
  await lone.sendRaw(web, "router-advertisement");
  const shown = await lone.machine.run("sh", "-c", "ip -6 route; ip -6 addr");
  assert.doesNotMatch(shown, /default|2001:db8:bad/);
}

async function spoofing(lab: Lab): Promise<void> {
  const { lone, web, other } = lab;
  const gateway = web.status.podIP!.replace(/\d+$/, "1");
  const device = deviceOf(web);
  await lab.count(`iifname ${device} udp dport 9`);
  await lone.sendRaw(web, "packet", web.status.podIP!, gateway);
  assert.equal(await lab.counted(), 1, "its own address is accepted");
  await lab.count(`iifname ${device} udp dport 9`);
  // As other software may set it for all devices.
  await lone.machine.run("sh", "-c", `echo 0 > /proc/sys/net/ipv4/conf/${device}/rp_filter`);
  for (const source of [other.status.podIP!, "192.0.2.77"]) {
    await lone.sendRaw(web, "packet", source, gateway);
  }
  assert.equal(await lab.counted(), 0);
}

async function loopback(lab: Lab): Promise<void> {
  const { lone, web } = lab;
  await lone.machine.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet");
  await lab.count(`iifname ${deviceOf(web)} udp dport 9`);
  await lone.sendRaw(web, "packet", web.status.podIP!, "127.0.0.1");
  assert.equal(await lab.counted(), 0);
  await lone.machine.run("sh", "-c", "echo 0 > /proc/sys/net/ipv4/conf/all/route_localnet");
}

async function damage({ lone, web }: Lab): Promise<void> {
  const { podIP } = web.status;
  for (const command of [`ip route del ${podIP}`, `ip link del ${deviceOf(web)}`]) {
    await lone.machine.run("sh", "-c", command);
    const sinceMs = performance.now();
    await eventually(`the pod answers after "${command}"`, () => answers(lone, web), WAIT_MS_MAX);
    const tookMs = performance.now() - sinceMs;
    assert.ok(tookMs < REPAIR_MS_MAX, `"${command}" is repaired after ${tookMs} ms`);
  }
  const after = await lone.api<Pod>("/api/v1/namespaces/default/pods/web");
  assert.deepEqual(runOf(after), runOf(web));
}

async function doubled({ lone, web }: Lab): Promise<void> {
  await lone.machine.run("ip", "netns", "add", "somebody"); // bind-mounts the folder on itself
  const stuck = podOf("stuck", ["sleep", "1000"], {
    volumes: [{ name: "v", configMap: { name: "absent" } }],
  });
  const pod = await lone.api<Pod>("/api/v1/namespaces/default/pods", stuck);
  await eventually("it has a namespace", async () => (await lone.namesOf(pod)).length > 0);
  await lone.kill();
  await lone.machine.run("ip", "route", "del", web.status.podIP!);
  await lone.machine.run("ip", "link", "del", deviceOf(web));
  await lone.boot();
  await eventually("the pod answers", () => answers(lone, web), WAIT_MS_MAX);
  for (const each of [web, pod]) assert.equal((await lone.namesOf(each)).length, 1);
  const after = await lone.api<Pod>("/api/v1/namespaces/default/pods/web");
  assert.deepEqual(runOf(after), runOf(web));
}

async function lost({ lone, web }: Lab): Promise<void> {
  const [name] = await lone.namesOf(web);
  await lone.kill();
  const path = `/run/netns/${name}`;
  await lone.machine.run("sh", "-c", `umount -l ${path}; rm -f ${path} || true`);
  // For the next step: the rules are gone, and nobody can load new ones.
  await lone.machine.run("sh", "-c", "nft flush ruleset; mount --bind /bin/false $(which nft)");
  await lone.boot();
  const pod = await lone.podWhen("web", (pod) => isReady(pod) && runOf(pod)[2] === 1);
  assert.equal(pod.status.podIP, web.status.podIP);
  await eventually("it answers at its address", () => answers(lone, pod), WAIT_MS_MAX);
  assert.equal((await lone.namesOf(pod)).length, 1, "the old name still exists");
  await eventually("its device is the only one of its name", async () => {
    const links = await lone.machine.run("ip", "-o", "link");
    return links.split(deviceOf(web)).length === 2;
  }, WAIT_MS_MAX);
}

async function unruled({ lone, other, service }: Lab): Promise<void> {
  const { clusterIP } = service.spec;
  const url = `http://${clusterIP}/`;
  await eventually("the service answers", async () => {
    await lone.inPod(other, ...wget(url, 1));
    return true;
  }, WAIT_MS_MAX);
  await lone.machine.run(...wget(url));
  const heard = fetch(`${url}LICENSE`, { signal: AbortSignal.timeout(DROPPED_MS) });
  await assert.rejects(heard.then((answer) => answer.text()), "the neighbour is answered");
  assert.equal(await isOpen(lone.machine.ip, service.spec.ports![0]!.nodePort!), true);
}

/** A node with two pods and a service. */
class Lab {
  private constructor(
    readonly lone: LoneMachine,
    readonly web: Pod,
    readonly other: Pod,
    readonly service: Service,
  ) {}

  static async start(lone: LoneMachine): Promise<Lab> {
    const pods = "/api/v1/namespaces/default/pods";
    const serve = ["busybox", "httpd", "-f", "-p", "8080", "-h", ROOT];
    const probe = { tcpSocket: { port: 8080 }, periodSeconds: 1 };
    await lone.api(pods, podOf("web", serve, {}, { readinessProbe: probe }));
    await lone.api(pods, podOf("other", ["sleep", "1000"]));
    const service = await lone.api<Service>("/api/v1/namespaces/default/services", {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web" },
      spec: {
        type: "NodePort",
        selector: { app: "web" },
        ports: [{ port: 80, targetPort: 8080 }],
      },
    });
    const [web, other] = await Promise.all([
      lone.podWhen("web", isReady),
      lone.podWhen("other", isReady),
    ]);
    await eventually("the service answers", async () => {
      await lone.machine.run(...wget(`http://${service.spec.clusterIP}/`));
      return true;
    });
    return new Lab(lone, web, other, service);
  }

  /** Counts the packets that enter the node from now on. */
  async count(what: string): Promise<void> {
    const rules = `add table ip watch; delete table ip watch; add table ip watch;
      add chain ip watch input { type filter hook input priority 0; };
      add rule ip watch input ${what} counter`;
    await this.lone.machine.run("nft", rules);
  }

  async counted(): Promise<number> {
    const shown = await this.lone.machine.run("nft", "list", "table", "ip", "watch");
    return Number(/packets (\d+)/.exec(shown)![1]);
  }
}

function podOf(name: string, command: string[], spec: object = {}, container: object = {}): object {
  const containers = [{ name: "main", image: "busybox:1", command, ...container }];
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, labels: { app: name } },
    spec: { terminationGracePeriodSeconds: 1, ...spec, containers },
  };
}

/** Identifies the run of the pod's container. */
function runOf({ status }: Pod) {
  const [container] = status.containerStatuses ?? [];
  return [status.podIP, container?.containerID, container?.restartCount] as const;
}

function isReady({ status }: Pod): boolean {
  return status.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ??
    false;
}

function deviceOf({ status }: Pod): string {
  return `cv${
    status.podIP!.split(".").map((byte) => Number(byte).toString(16).padStart(2, "0")).join("")
  }`;
}

async function answers(lone: LoneMachine, { status }: Pod): Promise<boolean> {
  await lone.machine.run(...wget(`http://${status.podIP}:8080/`, 1));
  return true;
}

/** Requests a file from the web pod. */
function wget(url: string, seconds = 10): [string, ...string[]] {
  return ["timeout", String(seconds), "busybox", "wget", "-q", "-O", "/dev/null", `${url}LICENSE`];
}

/** Whether this machine, the neighbour, can connect. */
async function isOpen(hostname: string, port: number, waitMs = WAIT_MS_MAX): Promise<boolean> {
  try {
    (await Deno.connect({ hostname, port, signal: AbortSignal.timeout(waitMs) })).close();
    return true;
  } catch {
    return false;
  }
}

async function ip(...args: string[]): Promise<void> {
  const { code, stderr } = await runProgram("ip", args);
  assert.equal(code, 0, stderr);
}
