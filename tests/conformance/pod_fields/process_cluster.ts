import type { Event } from "../../../core/resources/events/events.ts";
import type { Pod } from "../../../core/resources/core/pods/pods.ts";
import { eventually } from "../../eventually.ts";
import { ServerProcess } from "../../server_process.ts";
import type { FieldCluster } from "./field_case.ts";

/** Reached by failures alone. */
const WAIT_MS_MAX = 60_000;
const NAMESPACE = "/api/v1/namespaces/default";

interface Waiter {
  name: string;
  look(pod: Pod): void;
}

/**
 * A server with containers as plain processes. Its pods are followed by one watch, so that each state that one has
 * is seen, however short, and nobody asks again and again.
 */
export class ProcessCluster implements FieldCluster {
  readonly #pods = new Map<string, Pod>();
  readonly #waiters = new Set<Waiter>();
  readonly #client: Deno.HttpClient;
  readonly #end = new AbortController();
  readonly #watch: Promise<void>;

  private constructor(readonly server: ServerProcess, ca: string, readonly token: string) {
    this.#client = Deno.createHttpClient({ caCerts: [ca] });
    this.#watch = this.#follow();
  }

  static async start(): Promise<ProcessCluster> {
    const server = await ServerProcess.start({
      ...{ runtime: "process", args: ["--stop-pods", "--temporary"] },
    });
    const ca = await Deno.readTextFile(`${server.dataFolder}/ca.crt`);
    const token = (await Deno.readTextFile(`${server.dataFolder}/admin.token`)).trim();
    return new ProcessCluster(server, ca, token);
  }

  get dataFolder(): string {
    return this.server.dataFolder;
  }

  /** Stops the server with its pods, and removes its data. */
  async end(): Promise<void> {
    this.#end.abort();
    await this.#watch;
    this.#client.close();
    await this.server.stop();
    await Deno.remove(this.dataFolder, { recursive: true });
  }

  async apply(...objects: object[]): Promise<string> {
    const list = { apiVersion: "v1", kind: "List", items: objects };
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify(list);
    const answer = await this.fetch("/apply", { method: "PUT", headers, body });
    const text = await answer.text();
    if (!answer.ok) throw new Error(text);
    return answer.headers.get("warning") ?? "";
  }

  podWhen(name: string, isSo: (pod: Pod) => unknown): Promise<Pod> {
    const { promise, resolve, reject } = Promise.withResolvers<Pod>();
    const look = (pod: Pod) => {
      try {
        if (isSo(pod)) resolve(pod);
      } catch (error) {
        reject(error);
      }
    };
    const waiter = { name, look };
    const timer = setTimeout(
      () => this.#describe(name, `${isSo}`).then((text) => reject(new Error(text)), reject),
      WAIT_MS_MAX,
    );
    this.#waiters.add(waiter);
    const known = this.#pods.get(name);
    if (known) look(known);
    return promise.finally(() => {
      clearTimeout(timer);
      this.#waiters.delete(waiter);
    });
  }

  async logs(name: string): Promise<string> {
    return await (await this.fetch(`${NAMESPACE}/pods/${name}/log`)).text();
  }

  async events(pod: string): Promise<Event[]> {
    const selector = encodeURIComponent(`involvedObject.name=${pod}`);
    const answer = await this.fetch(`${NAMESPACE}/events?fieldSelector=${selector}`);
    return (await answer.json()).items;
  }

  /** An event of a pod, as soon as there is one. */
  eventOf(pod: string, reason: string, message: RegExp): Promise<Event> {
    return eventually(
      `an event ${reason} of pod ${pod}: ${message}`,
      async () =>
        (await this.events(pod)).find((event) =>
          event.reason === reason && message.test(event.message ?? "")
        ),
    );
  }

  /** A file that containers write, as soon as it is so. */
  async fileWhen(path: string, isSo: (text: string) => boolean): Promise<void> {
    await eventually(`${path}: ${isSo}`, async () => isSo(await Deno.readTextFile(path)));
  }

  /** What a path shows, as soon as it is so. */
  async answerWhen(path: string, isSo: (body: Record<string, unknown>) => boolean): Promise<void> {
    await eventually(`${path}: ${isSo}`, async () => isSo(await (await this.fetch(path)).json()));
  }

  /** Writes an object, or a strategic merge patch. */
  async send(method: "POST" | "PATCH", path: string, object: object): Promise<void> {
    const type = method === "POST" ? "application/json" : "application/strategic-merge-patch+json";
    const headers = { "content-type": type };
    const answer = await this.fetch(path, { method, headers, body: JSON.stringify(object) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(text);
  }

  async delete(pod: string, query = ""): Promise<void> {
    await (await this.fetch(`${NAMESPACE}/pods/${pod}${query}`, { method: "DELETE" })).text();
  }

  /** A request as the admin. */
  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set("authorization", `Bearer ${this.token}`);
    return await fetch(`${this.server.address}${path}`, {
      ...{ ...init, headers, client: this.#client },
    });
  }

  /** Until {@linkcode end}. */
  async #follow(): Promise<void> {
    try {
      const { signal } = this.#end;
      const answer = await this.fetch(`${NAMESPACE}/pods?watch=1&timeoutSeconds=3600`, { signal });
      let rest = "";
      for await (const text of answer.body!.pipeThrough(new TextDecoderStream())) {
        const lines = (rest + text).split("\n");
        rest = lines.pop()!;
        for (const line of lines) this.#see(JSON.parse(line));
      }
    } catch (error) {
      if (!this.#end.signal.aborted) throw error;
    }
  }

  /** A pod that goes is seen once more, with its last state. */
  #see({ type, object }: { type: string; object: Pod }): void {
    const { name } = object.metadata;
    if (type === "DELETED") this.#pods.delete(name);
    else this.#pods.set(name, object);
    for (const waiter of [...this.#waiters]) if (waiter.name === name) waiter.look(object);
  }

  async #describe(name: string, wanted: string): Promise<string> {
    const status = JSON.stringify(this.#pods.get(name)?.status, null, 1);
    const events = (await this.events(name)).map(({ reason, message }) => `${reason}: ${message}`);
    return [`Pod ${name} is not so: ${wanted}`, status, ...events].join("\n");
  }
}

export interface PodDraft {
  metadata?: object;
  /** A shell script. */
  script?: string;
  container?: object;
  spec?: object;
}

/** A pod of one container, `main`, that runs a script to its end. */
export function podOf(name: string, { metadata, script = "", container, spec }: PodDraft): object {
  const main = {
    ...{ name: "main", image: "example.com/a:1", command: ["sh", "-c", script] },
    ...container,
  };
  return {
    ...{ apiVersion: "v1", kind: "Pod" },
    metadata: { name, ...metadata },
    spec: {
      ...{ restartPolicy: "Never", terminationGracePeriodSeconds: 1, containers: [main] },
      ...spec,
    },
  };
}
