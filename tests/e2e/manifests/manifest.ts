import assert from "node:assert/strict";
import type { Event } from "../../../core/resources/events/events.ts";
import type { Pod } from "../../../core/resources/core/pods/pods.ts";
import type { KubeObject } from "../../../core/resources/resource.ts";
import { eventually } from "../../eventually.ts";
import { isOver, isReady, type PodmanCluster } from "../podman_cluster.ts";

const FOLDER = new URL("../../manifests/", import.meta.url);

// deno-lint-ignore no-explicit-any -- an object of any kind, read field by field
export type AnyObject = KubeObject & Record<string, any>;

/** What a manifest promises, and how one sees whether it is so. */
export interface ManifestCase {
  /** Its name in `tests/manifests`, and the namespace that it is applied to. */
  name: string;
  check(applied: Manifest): Promise<void>;
}

/** A manifest that was applied to a namespace of its own. */
export class Manifest {
  private constructor(readonly cluster: PodmanCluster, readonly namespace: string) {}

  /** `HOST` in the text is a folder of the test on this machine. */
  static async apply(cluster: PodmanCluster, name: string): Promise<Manifest> {
    const manifest = new Manifest(cluster, name);
    await cluster.kubectl("create", "namespace", name);
    const text = await Deno.readTextFile(new URL(`${name}.yaml`, FOLDER));
    await manifest.write(text.replaceAll("HOST/", `${cluster.hostFolder}/`));
    return manifest;
  }

  /** Removes all that it made, and waits until it is gone. */
  async remove(): Promise<void> {
    await this.cluster.kubectl("delete", "namespace", this.namespace, "--timeout=120s");
  }

  /** kubectl in the namespace; fails when it does. */
  kubectl(...args: string[]): Promise<string> {
    return this.cluster.kubectl("-n", this.namespace, ...args);
  }

  /** What kubectl refuses with. Fails when it does not. */
  async refusal(...args: string[]): Promise<string> {
    const outcome = await this.kubectl(...args).then((text) => ({ text }), (error) => ({ error }));
    assert.ok("error" in outcome, `kubectl ${args.join(" ")} was not refused`);
    return String(outcome.error);
  }

  /** Applies more to the namespace. */
  write(text: string): Promise<string> {
    return this.cluster.kubectlWith(text, "-n", this.namespace, "apply", "-f", "-");
  }

  /** `path`: `pods/NAME`, or with its group, `apps/v1/deployments/NAME`. */
  get(path: string): Promise<AnyObject | undefined> {
    return this.cluster.get(this.#url(path));
  }

  async list(path: string): Promise<AnyObject[]> {
    return (await this.cluster.get<{ items: AnyObject[] }>(this.#url(path)))?.items ?? [];
  }

  #url(path: string): string {
    const parts = path.split("?")[0]!.split("/");
    const cut = /^v\d/.test(parts[1] ?? "") ? 2 : 0;
    const group = cut === 0 ? "/api/v1" : `/apis/${parts.slice(0, cut).join("/")}`;
    const rest = path.split("/").slice(cut).join("/");
    return `${group}/namespaces/${this.namespace}/${rest}`;
  }

  /** Waits until there are as many ready pods with these labels; in the order of their names. */
  ready(labels: string, count = 1): Promise<Pod[]> {
    return eventually(`${count} ready pods with ${labels}`, async () => {
      const pods = await this.pods(labels);
      return pods.length === count && pods.every(isReady) && pods;
    });
  }

  async pods(labels: string): Promise<Pod[]> {
    const found = await this.list(`pods?labelSelector=${encodeURIComponent(labels)}`);
    return found as unknown as Pod[]; // of this kind
  }

  /** Waits until a pod is as it should be. */
  pod(name: string, isSo: (pod: Pod) => unknown = isReady): Promise<Pod> {
    return eventually(`pod ${name}: ${isSo}`, async () => {
      const pod = await this.get(`pods/${name}`) as Pod | undefined;
      return pod && isSo(pod) ? pod : undefined;
    });
  }

  /** The log of a container, once the pod has ended. */
  async said(pod: string, container?: string): Promise<string> {
    await this.pod(pod, isOver);
    return await this.logs(pod, container);
  }

  async logs(pod: string, container?: string): Promise<string> {
    const path = this.#url(`pods/${pod}/log${container ? `?container=${container}` : ""}`);
    return await (await this.cluster.server.fetch(path)).text();
  }

  /** The output of a shell script in a container. */
  exec(pod: string, script: string, container?: string): Promise<string> {
    const chosen = container ? ["-c", container] : [];
    return this.kubectl("exec", pod, ...chosen, "--", "sh", "-c", script);
  }

  /** Waits until a script in a container says this. */
  async says(pod: string, script: string, expected: string | RegExp): Promise<void> {
    let last = "";
    const isIt = (text: string) =>
      typeof expected === "string" ? text.trim() === expected : expected.test(text);
    await eventually(`"${script}" in ${pod}: ${expected}`, async () => {
      last = await this.exec(pod, script);
      return isIt(last);
    }).catch((error) => {
      throw new Error(`${error}\nThe last answer: ${last}`);
    });
  }

  /** The reasons and messages of the events about an object. */
  async events(name: string): Promise<string[]> {
    const events = await this.list(`events?fieldSelector=involvedObject.name%3D${name}`);
    return (events as unknown as Event[]).map(({ reason, message }) => `${reason}: ${message}`);
  }

  /** The address of the node. */
  async nodeAddress(): Promise<string> {
    const nodes = await this.cluster.get<{ items: AnyObject[] }>("/api/v1/nodes");
    return nodes!.items[0]!["status"].addresses[0].address;
  }
}

/** What an HTTP server answers; waits until it answers. */
export function answerOf(url: string): Promise<string> {
  return eventually(`${url} answers`, async () => {
    const answer = await fetch(url, { headers: { connection: "close" } });
    const text = (await answer.text()).trim();
    return answer.ok && text !== "" ? text : undefined;
  });
}
