import { tarArchive } from "./tar_archive.ts";

export interface TestRegistryOptions {
  /** What it wants to know before it serves anything. */
  login?: { username: string; password: string };
}

/** A registry on this machine that serves one image of one file (OCI distribution specification 1.1). */
export class TestRegistry implements AsyncDisposable {
  readonly #blobs = new Map<string, { type: string; bytes: Uint8Array<ArrayBuffer> }>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #authorization: string | undefined;
  #manifest = "";

  /** Listens on a free port of 127.0.0.1. */
  static async start(options: TestRegistryOptions = {}): Promise<TestRegistry> {
    const registry = new TestRegistry(options);
    registry.#manifest = await registry.#addImage();
    return registry;
  }

  private constructor({ login }: TestRegistryOptions) {
    this.#authorization = login && basicAuthorization(login);
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#answer(request),
    );
  }

  /** `127.0.0.1:PORT` */
  get host(): string {
    return `127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  async #addImage(): Promise<string> {
    const tar = tarArchive([{ name: "file", mode: 0o644, content: new Uint8Array([1]) }]);
    const layer = await this.#add("application/vnd.oci.image.layer.v1.tar", tar);
    const config = await this.#addJson("application/vnd.oci.image.config.v1+json", {
      architecture: Deno.build.arch === "aarch64" ? "arm64" : "amd64",
      os: "linux",
      config: {},
      rootfs: { type: "layers", diff_ids: [layer.digest] },
    });
    const mediaType = "application/vnd.oci.image.manifest.v1+json";
    const manifest = { schemaVersion: 2, mediaType, config, layers: [layer] };
    return (await this.#addJson(mediaType, manifest)).digest;
  }

  #addJson(mediaType: string, value: unknown): Promise<Descriptor> {
    return this.#add(mediaType, new TextEncoder().encode(JSON.stringify(value)));
  }

  async #add(mediaType: string, bytes: Uint8Array<ArrayBuffer>): Promise<Descriptor> {
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    const digest = `sha256:${hash.toHex()}`;
    this.#blobs.set(digest, { type: mediaType, bytes });
    return { mediaType, digest, size: bytes.length };
  }

  /** `/v2/`, `/v2/web/manifests/1` or by digest, `/v2/web/blobs/DIGEST`; all else is not there. */
  #answer(request: Request): Response {
    const told = request.headers.get("authorization");
    if (this.#authorization !== undefined && told !== this.#authorization) return refusal(told);
    const { pathname } = new URL(request.url);
    if (pathname === "/v2/") return new Response("{}");
    const [, kind, name = ""] = /^\/v2\/web\/(manifests|blobs)\/(.+)$/.exec(pathname) ?? [];
    const digest = kind === "manifests" && name === "1" ? this.#manifest : name;
    const blob = this.#blobs.get(digest);
    if (blob === undefined) {
      return Response.json(
        { errors: [{ code: "MANIFEST_UNKNOWN", message: "manifest unknown" }] },
        {
          status: 404,
        },
      );
    }
    const headers = { "content-type": blob.type, "docker-content-digest": digest };
    return new Response(request.method === "HEAD" ? null : blob.bytes, { headers });
  }
}

function basicAuthorization(
  { username, password }: { username: string; password: string },
): string {
  return `Basic ${new TextEncoder().encode(`${username}:${password}`).toBase64()}`;
}

/** It gives away what it was told, as a hostile one may. */
function refusal(told: string | null): Response {
  const message = `unauthorized: ${told ?? "nobody"}`;
  const headers = { "www-authenticate": 'Basic realm="test"' };
  return Response.json({ errors: [{ code: "UNAUTHORIZED", message }] }, { status: 401, headers });
}

interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
}
