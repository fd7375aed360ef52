import { ApiError } from "../../core/client/api_error.ts";
import { type ImageRequest, IMAGES } from "../../core/client/images/image_requests.ts";
import { type NodeImages, PIECE_BYTES_MAX } from "../../core/client/images/node_images.ts";
import type { StreamKind } from "../../core/client/tunnel/tunnel.ts";
import type { Clock } from "../../core/lib/clock.ts";
import { Asked } from "./asked.ts";

/** Answers what a server asks of the images of this node: RemoteImages is its other end. */
export function imageKind({ images, clock }: { images: NodeImages; clock: Clock }): StreamKind {
  return {
    kind: IMAGES,
    answer: async (stream, _head, signal) => {
      const asked = new Asked(stream, signal, clock);
      try {
        await asked.grant(await answer(await asked.request() as ImageRequest, asked, images));
        stream.end();
      } catch (error) {
        asked.fail(error);
      }
    },
  };
}

async function answer(request: ImageRequest, asked: Asked, images: NodeImages): Promise<object> {
  switch (request?.do) {
    case "missing":
      return { missing: await images.missing(request.blobs) };
    case "write": {
      const { blob, offset, bytes } = request;
      if (!(bytes <= PIECE_BYTES_MAX)) throw new ApiError("BadRequest", "the piece is too large");
      const piece = bytes === 0 ? new Uint8Array() : await asked.reader.exactly(bytes);
      if (!piece) throw new ApiError("BadRequest", "the piece has not come");
      return { written: await images.write(blob, offset, piece) };
    }
    case "load":
      return { names: await images.load(request.image) };
    case "pull":
      await images.pull(request.image, request.secrets);
      return {};
    default:
      throw new ApiError("NotImplemented", "this agent is older, and does not know what is asked");
  }
}
