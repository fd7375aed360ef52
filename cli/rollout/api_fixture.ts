import { runProgram } from "../program.ts";
import type { Terminal } from "../../server/terminal.ts";

type Json = Record<string, unknown>;

export interface FakeObject {
  apiVersion: string;
  kind: string;
  metadata: Json & { name: string; uid: string };
  [field: string]: unknown;
}

/** A write that was asked for. */
export interface Asked {
  method: string;
  path: string;
  body: unknown;
}

/** An API that has some objects in the namespace `shop`, notes what is asked of it and can change an object. */
export class FakeApi implements AsyncDisposable {
  readonly asked: Asked[] = [];
  readonly #objects: FakeObject[];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #kubeconfig: string;
  readonly #watches = new Map<string, Set<ReadableStreamDefaultController<Uint8Array>>>();
  /** How many writes are refused with a conflict. */
  conflicts = 0;

  constructor(objects: readonly FakeObject[]) {
    this.#objects = [...objects];
    const options = { port: 0, hostname: "127.0.0.1", onListen: () => {} };
    this.#server = Deno.serve(options, (request) => this.#answer(request));
    this.#kubeconfig = Deno.makeTempFileSync();
    Deno.writeTextFileSync(this.#kubeconfig, kubeconfigTo(this.#server.addr.port));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const watches of this.#watches.values()) for (const watch of watches) watch.close();
    await this.#server.shutdown();
    await Deno.remove(this.#kubeconfig);
  }

  /** Runs `coracle rollout` against it, in the namespace of the kubeconfig. */
  async run(
    args: string,
    terminal: Partial<Terminal> = {},
  ): Promise<{ code: number; out: string; err: string }> {
    const said = { out: "", err: "" };
    const words = ["rollout", ...args.split(" "), "--kubeconfig", this.#kubeconfig];
    const code = await runProgram(words, {
      out: (text) => void (said.out += text),
      err: (text) => void (said.err += text),
      interactive: false,
      signal: new AbortController().signal,
      ...terminal,
    });
    return { code, ...said };
  }

  /** Changes an object, and tells those who watch. */
  change(name: string, changes: Json): void {
    const index = this.#objects.findIndex(({ metadata }) => metadata.name === name);
    const object = { ...this.#objects[index]!, ...changes };
    this.#objects[index] = object;
    const line = new TextEncoder().encode(`${JSON.stringify({ type: "MODIFIED", object })}\n`);
    for (const watch of this.#watches.get(pluralOf(object)) ?? []) watch.enqueue(line);
  }

  /** Resolves when somebody watches the kind. */
  async watched(plural: string): Promise<void> {
    while (!this.#watches.get(plural)?.size) await new Promise((resolve) => setTimeout(resolve, 1));
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const [, plural = "", name] = pathname.match(/\/namespaces\/shop\/([^/]+)(?:\/([^/]+))?/) ?? [];
    if (request.method !== "GET") {
      const body = await request.json();
      this.asked.push({ method: request.method, path: pathname, body });
      if (this.conflicts > 0) {
        this.conflicts--;
        return refusal("Conflict", 409, "the object has been modified");
      }
    }
    const all = this.#objects.filter((object) => pluralOf(object) === plural);
    if (name !== undefined) {
      const found = all.find(({ metadata }) => metadata.name === name);
      if (found) return Response.json(found);
      return refusal("NotFound", 404, `${plural}.argoproj.io "${name}" not found`);
    }
    if (request.method === "POST") {
      return Response.json({ metadata: { name: "made", uid: "9" } }, { status: 201 });
    }
    if (searchParams.has("watch")) return this.#watch(plural);
    return Response.json({ kind: "List", metadata: { resourceVersion: "1" }, items: all });
  }

  #watch(plural: string): Response {
    const watches = this.#watches.get(plural) ?? new Set();
    this.#watches.set(plural, watches);
    let own: ReadableStreamDefaultController<Uint8Array>;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        watches.add(own = controller);
        controller.enqueue(new TextEncoder().encode("\n"));
      },
      cancel: () => void watches.delete(own),
    });
    return new Response(body);
  }
}

function pluralOf({ kind }: FakeObject): string {
  return `${kind.toLowerCase()}s`;
}

function refusal(reason: string, code: number, message: string): Response {
  return Response.json({ kind: "Status", status: "Failure", reason, code, message }, {
    status: code,
  });
}

function kubeconfigTo(port: number): string {
  return JSON.stringify({
    "current-context": "a",
    contexts: [{ name: "a", context: { cluster: "b", user: "c", namespace: "shop" } }],
    clusters: [{ name: "b", cluster: { server: `http://127.0.0.1:${port}` } }],
    users: [{ name: "c", user: { token: "x" } }],
  });
}
