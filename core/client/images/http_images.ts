import { isJsonObject } from "../../lib/json/json_value.ts";
import { ApiError, apiErrorOf } from "../api_error.ts";
import type { BytesRequest } from "../https_transport.ts";
import { LinkError } from "../link_error.ts";
import type { ImageBlob, NodeImages, SentImage } from "./node_images.ts";

export interface HttpImagesOptions {
  send: (request: BytesRequest) => Promise<Response>;
  node: string;
  signal: AbortSignal;
}

/** The images of a node, asked for at the server. Rejects with `ApiError`s, and `LinkError`s where it does not answer. */
export class HttpImages implements Omit<NodeImages, "pull"> {
  readonly #options: HttpImagesOptions;
  readonly #path: string;

  constructor(options: HttpImagesOptions) {
    this.#options = options;
    this.#path = `/api/v1/nodes/${encodeURIComponent(options.node)}/images`;
  }

  async missing(blobs: readonly ImageBlob[]): Promise<Record<string, number>> {
    const { missing } = await this.#ask("POST", "", JSON.stringify({ blobs }));
    return isJsonObject(missing) ? missing as Record<string, number> : {}; // the server is believed
  }

  async write(
    { digest, size }: ImageBlob,
    offset: number,
    bytes: Uint8Array<ArrayBuffer>,
  ): Promise<number> {
    const path = `/${digest}?size=${size}&offset=${offset}`;
    const { written } = await this.#ask("PUT", path, bytes, "application/octet-stream");
    return Number(written);
  }

  async load(image: SentImage): Promise<string[]> {
    const { names } = await this.#ask("POST", "/load", JSON.stringify(image));
    return Array.isArray(names) ? names.map(String) : [];
  }

  async #ask(
    method: "POST" | "PUT",
    path: string,
    body: string | Uint8Array<ArrayBuffer>,
    contentType = "application/json",
  ): Promise<Record<string, unknown>> {
    const { send, signal } = this.#options;
    const answer = await send({ method, path: this.#path + path, body, contentType, signal })
      .catch((error: Error) => {
        signal.throwIfAborted();
        throw new LinkError(`Cannot reach the server: ${error.message}`, { cause: error });
      });
    const content = await answer.json().catch(() => undefined);
    if (answer.ok && isJsonObject(content)) return content;
    throw apiErrorOf(content) ??
      new ApiError("InternalError", `the server answered ${answer.status}`);
  }
}
