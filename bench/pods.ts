import type { ServerProcess } from "../tests/server_process.ts";
import { ApiConnection } from "./api_connection.ts";
import { IMAGE, IMAGE_PORT } from "./server.ts";

const WAIT_MS_MAX = 60_000;

export interface SeenPod {
  name: string;
  uid: string;
  ip: string | undefined;
  containerId: string | undefined;
  isReady: boolean;
  /** Whether it has a node. */
  isBound: boolean;
}

/** A Deployment of small web servers. */
export function deployment(
  name: string,
  { replicas = 1, probes = true }: { replicas?: number; probes?: boolean } = {},
): string {
  return JSON.stringify({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace: "default" },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: podSpec(probes) },
    },
  });
}

/** One small web server. */
export function pod(name: string): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "default", labels: { app: name } },
    spec: podSpec(true),
  });
}

function podSpec(probes: boolean) {
  const readinessProbe = { httpGet: { path: "/passwd", port: IMAGE_PORT } };
  return {
    terminationGracePeriodSeconds: 0,
    containers: [{
      name: "web",
      image: IMAGE,
      imagePullPolicy: "Never",
      ...(probes && { readinessProbe }),
      resources: { requests: { cpu: "1m", memory: "1Mi" } },
    }],
  };
}

/** Watches the pods of namespace `default` as a client does. */
export class PodFeed {
  readonly #connection: ApiConnection;
  readonly #pods = new Map<string, SeenPod>();
  #changed = Promise.withResolvers<void>();
  #ended: unknown;

  private constructor(connection: ApiConnection) {
    this.#connection = connection;
  }

  static async open(server: ServerProcess): Promise<PodFeed> {
    const feed = new PodFeed(await ApiConnection.open(server));
    feed.#follow().catch((error) => {
      feed.#ended = error;
      feed.#changed.resolve();
    });
    return feed;
  }

  /** Resolves with the first pod that `isWanted` as soon as the watch shows it. */
  async until(isWanted: (pod: SeenPod) => boolean): Promise<SeenPod> {
    return await this.when((pods) => pods.find(isWanted));
  }

  /** Resolves with what `choose` returns for all pods, once it returns something. Rejects after a minute. */
  async when<T>(choose: (pods: SeenPod[]) => T | undefined): Promise<T> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(
      () =>
        late.reject(new Error(`Not within a minute: ${Deno.inspect([...this.#pods.values()])}`)),
      WAIT_MS_MAX,
    );
    try {
      while (true) {
        const found = choose([...this.#pods.values()]);
        if (found !== undefined) return found;
        if (this.#ended) throw this.#ended;
        await Promise.race([this.#changed.promise, late.promise]);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.#connection.close();
  }

  async #follow(): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    const path = "/api/v1/namespaces/default/pods?watch=true";
    for await (const piece of this.#connection.stream(path)) {
      const lines = (rest + decoder.decode(piece, { stream: true })).split("\n");
      rest = lines.pop()!;
      for (const line of lines) if (line !== "") this.#take(JSON.parse(line));
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    }
  }

  // The API's JSON: only fields are read that this file has applied itself.
  // deno-lint-ignore no-explicit-any
  #take({ type, object }: { type: string; object: any }): void {
    const { name, uid } = object.metadata;
    if (type === "DELETED") this.#pods.delete(uid);
    else if (type === "ADDED" || type === "MODIFIED") {
      const { podIP, conditions = [], containerStatuses = [] } = object.status;
      const ready = conditions.find((condition: { type: string }) => condition.type === "Ready");
      this.#pods.set(uid, {
        ...{ name, uid, ip: podIP, isReady: ready?.status === "True" },
        isBound: object.spec.nodeName !== undefined,
        containerId: containerStatuses[0]?.containerID?.replace(/^\w+:\/\//, ""),
      });
    }
  }
}

/** Resolves when as many pods are ready. */
export async function awaitReady(server: ServerProcess, count: number): Promise<void> {
  const feed = await PodFeed.open(server);
  try {
    await feed.when((pods) => pods.filter((pod) => pod.isReady).length >= count || undefined);
  } finally {
    feed.close();
  }
}
