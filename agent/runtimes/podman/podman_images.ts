import type { Clock } from "../../../core/lib/clock.ts";
import { Deadline } from "../../../core/lib/deadline.ts";
import {
  type Image,
  type ListedImage,
  type RegistryCredentials,
  RuntimeError,
} from "../container_runtime.ts";
import {
  formatImageReference,
  type ImageReference,
  isLoopbackRegistry,
  parseImageReference,
} from "../image_reference.ts";
import { imageReference } from "./container_state.ts";
import { type PodmanClient, PodmanError } from "./podman_client.ts";

/** The kubelet gives up a pull that makes no progress for a minute; we give up one that takes an hour. */
const PULL_DEADLINE_MS = 60 * 60 * 1000;
/** Unpacking a large image takes a while. */
const LOAD_DEADLINE_MS = 15 * 60 * 1000;
/** Removing the layers of a large image takes a while. */
const REMOVE_DEADLINE_MS = 5 * 60 * 1000;

/** What Podman says of an image, as far as it is read. */
interface ImageInspection {
  Id: string;
  Digest?: string;
  RepoTags: string[] | null;
  RepoDigests: string[] | null;
  Size: number;
  Config?: { User?: string };
}

/** An entry of `GET /images/json`. */
type ImageListEntry = Omit<ImageInspection, "Config"> & { Containers: number };

/** The images of a Podman. */
export class PodmanImages {
  readonly #client: PodmanClient;
  readonly #clock: Clock;

  constructor(client: PodmanClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** The name under which Podman has an image. A short name is never left to Podman: it would ask a terminal. */
  fullName(image: string): string {
    return formatImageReference(parseImageReference(image));
  }

  async find(image: string): Promise<Image | undefined> {
    const name = this.fullName(image);
    const found = await this.#inspect(name);
    return found && imageOf(found, name);
  }

  /** Rejects with a {@linkcode RuntimeError}. */
  async pull(image: string, credentials: RegistryCredentials | undefined): Promise<Image> {
    const reference = parseImageReference(image);
    const name = formatImageReference(reference);
    const late = () => pullFailure(name, `it took longer than ${PULL_DEADLINE_MS} ms`);
    using deadline = new Deadline({ clock: this.#clock, ms: PULL_DEADLINE_MS, late });
    const id = await this.#pull(name, { reference, credentials, signal: deadline.signal });
    const pulled = await this.#inspect(id);
    if (pulled === undefined) throw pullFailure(name, "it was removed at once");
    return imageOf(pulled, name);
  }

  /** Rejects with a {@linkcode RuntimeError}. */
  async load(archive: ReadableStream<Uint8Array>): Promise<string[]> {
    try {
      const { Names } = await this.#client.json<{ Names: string[] }>("POST", "/images/load", {
        body: archive,
        deadlineMs: LOAD_DEADLINE_MS,
      });
      return Names;
    } catch (error) {
      throw error instanceof PodmanError ? new RuntimeError("ErrImagePull", error.message) : error;
    }
  }

  async list(): Promise<ListedImage[]> {
    const entries = await this.#client.json<ImageListEntry[]>("GET", "/images/json");
    return entries.map((entry) => ({
      ...imageOf(entry, entry.RepoTags?.[0]),
      id: entry.Id,
      names: [...(entry.RepoDigests ?? []), ...(entry.RepoTags ?? [])],
      isUsed: entry.Containers > 0,
    }));
  }

  /** Podman itself refuses to remove what a container uses, if it is not forced to. */
  async remove(id: string): Promise<void> {
    const found = await this.#inspect(id);
    const names = found?.RepoTags?.length ? found.RepoTags : found ? [id] : [];
    for (const name of names) {
      const request = { deadlineMs: REMOVE_DEADLINE_MS };
      await this.#client.send("DELETE", `/images/${name}`, request);
    }
  }

  /** The `USER` of an image that is present; empty when it has none. */
  async userOf(image: string): Promise<string> {
    const found = await this.#inspect(this.fullName(image));
    return found?.Config?.User ?? "";
  }

  async #inspect(name: string): Promise<ImageInspection | undefined> {
    try {
      return await this.#client.json<ImageInspection>("GET", `/images/${name}/json`);
    } catch (error) {
      if (error instanceof PodmanError && error.status === 404) return undefined;
      throw error;
    }
  }

  /** Podman answers 200 to every pull; how it went is in the last line. */
  async #pull(
    name: string,
    { reference, credentials, signal }: {
      reference: ImageReference;
      credentials: RegistryCredentials | undefined;
      signal: AbortSignal;
    },
  ): Promise<string> {
    const lines = this.#client.lines<{ id?: string; error?: string }>("POST", "/images/pull", {
      query: {
        reference: name,
        policy: "always",
        quiet: "true",
        tlsVerify: String(!isLoopbackRegistry(reference)),
      },
      ...(credentials && { headers: { "x-registry-auth": headerOf(credentials) } }),
      deadlineMs: Infinity,
      signal,
    });
    for await (const { id, error } of lines) {
      if (id !== undefined) return id;
      if (error !== undefined) throw pullFailure(name, error);
    }
    throw pullFailure(name, "the answer was cut off");
  }
}

function imageOf(
  { Id: id, Digest: digest, Size }: ImageListEntry | ImageInspection,
  name?: string,
): Image {
  return { reference: imageReference({ id, digest, name }), sizeBytes: Size };
}

function headerOf({ username, password }: RegistryCredentials): string {
  const text = JSON.stringify({ username, password });
  return new TextEncoder().encode(text).toBase64({ alphabet: "base64url" });
}

function pullFailure(name: string, state: string): RuntimeError {
  return new RuntimeError("ErrImagePull", `failed to pull image "${name}": ${state}`);
}
