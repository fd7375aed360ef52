import type { Clock } from "../../../core/lib/clock.ts";
import { Deadline } from "../../../core/lib/deadline.ts";
import { RuntimeError } from "../container_runtime.ts";
import {
  formatImageReference,
  type ImageReference,
  isLoopbackRegistry,
  parseImageReference,
} from "../image_reference.ts";
import { type PodmanClient, PodmanError } from "./podman_client.ts";

/** The kubelet gives up a pull that makes no progress for a minute; we give up one that takes an hour. */
const PULL_DEADLINE_MS = 60 * 60 * 1000;

/** What Podman says of an image, as far as it is read. */
interface ImageInspection {
  Id: string;
  Config?: { User?: string };
}

/** The images of a Podman. */
export class PodmanImages {
  readonly #client: PodmanClient;
  readonly #clock: Clock;
  /** One pull at a time for each image: further requests for the same wait for it. */
  readonly #pulls = new Map<string, Promise<string>>();

  constructor(client: PodmanClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** The name under which Podman has an image. A short name is never left to Podman: it would ask a terminal. */
  fullName(image: string): string {
    return formatImageReference(parseImageReference(image));
  }

  /**
   * Resolves with the image's id; rejects with a {@linkcode RuntimeError} in the kubelet's words. `onPull` is
   * called before anything is fetched.
   */
  async ensure(
    image: string,
    policy: "Always" | "IfNotPresent" | "Never",
    onPull?: () => void,
  ): Promise<string> {
    const reference = parseImageReference(image);
    const name = formatImageReference(reference);
    if (policy !== "Always") {
      const present = (await this.#inspect(name))?.Id;
      if (present !== undefined) return present;
    }
    if (policy === "Never") {
      throw new RuntimeError(
        "ErrImageNeverPull",
        `Container image "${image}" is not present with pull policy of Never`,
      );
    }
    onPull?.();
    const pull = this.#pulls.get(name) ??
      this.#pull(name, reference).finally(() => this.#pulls.delete(name));
    this.#pulls.set(name, pull);
    return await pull;
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

  async #pull(name: string, reference: ImageReference): Promise<string> {
    const late = () => pullFailure(name, `it took longer than ${PULL_DEADLINE_MS} ms`);
    using deadline = new Deadline({ clock: this.#clock, ms: PULL_DEADLINE_MS, late });
    return await this.#pulled(name, reference, deadline.signal);
  }

  /** Podman answers 200 to every pull; how it went is in the last line. */
  async #pulled(name: string, reference: ImageReference, signal: AbortSignal): Promise<string> {
    const lines = this.#client.lines<{ id?: string; error?: string }>("POST", "/images/pull", {
      query: {
        reference: name,
        policy: "always",
        quiet: "true",
        tlsVerify: String(!isLoopbackRegistry(reference)),
      },
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

function pullFailure(name: string, state: string): RuntimeError {
  return new RuntimeError("ErrImagePull", `failed to pull image "${name}": ${state}`);
}
