import { isJsonObject, type JsonObject } from "../../lib/json/json_value.ts";
import type { Secret } from "../../resources/core/secrets.ts";
import { ANSWER_MS_MAX, RemoteCall, type RemoteNode } from "../remote_streams/remote_call.ts";
import { type ImageRequest, IMAGES, LOAD_MS_MAX, PULL_MS_MAX } from "./image_requests.ts";
import { type ImageBlob, type NodeImages, PIECE_BYTES_MAX, type SentImage } from "./node_images.ts";

/** How slow a link may be at the least, in bytes a second: a piece takes no longer than that. */
const BYTES_PER_SECOND_MIN = 1_000;

/** The images of a node that is reached through its tunnel. */
export class RemoteImages implements NodeImages {
  readonly #node: RemoteNode;

  constructor(node: RemoteNode) {
    this.#node = node;
  }

  async missing(blobs: readonly ImageBlob[]): Promise<Record<string, number>> {
    const { missing } = await this.#ask({ do: "missing", blobs });
    const known = isJsonObject(missing) ? missing : {};
    return Object.fromEntries(blobs.flatMap(({ digest }) => {
      const offset = Object.hasOwn(known, digest) ? known[digest] : undefined;
      return typeof offset === "number" ? [[digest, offset]] : [];
    }));
  }

  async write(blob: ImageBlob, offset: number, bytes: Uint8Array): Promise<number> {
    const ms = ANSWER_MS_MAX + PIECE_BYTES_MAX / BYTES_PER_SECOND_MIN * 1_000;
    const request = { do: "write", blob, offset, bytes: bytes.length } as const;
    const { written } = await this.#ask(request, { ms, bytes });
    return typeof written === "number" ? written : 0;
  }

  async load(image: SentImage): Promise<string[]> {
    const { names } = await this.#ask({ do: "load", image }, { ms: LOAD_MS_MAX });
    return Array.isArray(names) ? names.map(String) : [];
  }

  async pull(image: string, secrets: readonly Secret[]): Promise<void> {
    await this.#ask({ do: "pull", image, secrets }, { ms: PULL_MS_MAX });
  }

  async #ask(
    request: ImageRequest,
    { ms = ANSWER_MS_MAX, bytes }: { ms?: number; bytes?: Uint8Array } = {},
  ): Promise<JsonObject> {
    const call = RemoteCall.open(this.#node, { kind: IMAGES });
    try {
      const granted = call.order(request, ms);
      if (bytes) call.write(bytes).catch(() => {}); // the answer tells
      return await granted;
    } finally {
      call.end("it has been answered");
    }
  }
}
