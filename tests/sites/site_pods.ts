import assert from "node:assert/strict";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { mainStatus, podOf } from "../e2e/podman_cluster.ts";
import { webApp } from "../e2e/web_app.ts";
import { eventually } from "../eventually.ts";
import { HERE, type SitesLab } from "./sites_lab.ts";

/** Answers with its host name, on port 8080. */
export const SERVE = "mkdir /www; hostname > /www/index.html; exec httpd -f -p 8080 -h /www";

/** The nodes of a lab. */
export const NODES = [HERE, "site-a", "site-b"] as const;
export type NodeName = typeof NODES[number];

export function onNode(node: NodeName): { nodeSelector: Record<string, string> } {
  return { nodeSelector: { "kubernetes.io/hostname": node } };
}

export function urlOf({ status }: Pod): string {
  return `http://${status.podIP}:8080/`;
}

/** A pod on each node, `on-NODE`, all with the label `app: web`. Resolves when they answer on their machines. */
export async function podOnEachNode(lab: SitesLab): Promise<void> {
  const labels = { app: "web" };
  const pods = NODES.map((node) =>
    podOf(`on-${node}`, { labels, script: SERVE, spec: onNode(node) })
  );
  await lab.cluster.apply(...pods);
  for (const node of NODES) await lab.cluster.readyPod(`on-${node}`);
  for (const site of lab.sites) {
    const pod = (await lab.cluster.pod(`on-${site.node}`))!;
    await eventually("it answers", async () => await site.get(urlOf(pod)) === `on-${site.node}`);
  }
}

/** The lines that a script has written in a pod that runs once on a node. */
export async function saidOn(lab: SitesLab, node: NodeName, script: string): Promise<string[]> {
  const { cluster } = lab;
  const name = `caller-${node}`;
  const all = `exec > /dev/termination-log 2>&1; ${script}`;
  await cluster.apply(
    podOf(name, { script: all, spec: { restartPolicy: "Never", ...onNode(node) } }),
  );
  const pod = await cluster.podWhen(name, ({ status }) => /^(Succ|Fail)/.test(status.phase));
  const { exitCode, message = "" } = mainStatus(pod).state.terminated!;
  await cluster.delete("pod", name);
  assert.equal(exitCode, 0, message);
  return message.trim().split("\n");
}

/** A web application as {@linkcode webApp}, on one node. */
export function webAppOn(node: NodeName, app: Parameters<typeof webApp>[0]): object[] {
  return webApp(app).map((object) => {
    const { kind, spec, ...rest } = object as { kind: string; spec: DeploymentSpec };
    if (kind !== "Deployment") return object;
    const template = { ...spec.template, spec: { ...spec.template.spec, ...onNode(node) } };
    return { kind, ...rest, spec: { ...spec, template } };
  });
}

interface DeploymentSpec {
  template: { spec: object };
}
