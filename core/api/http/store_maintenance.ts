import { ApiError } from "../../client/api_error.ts";
import { sendJson } from "./answer.ts";
import type { ApiContext } from "./api_context.ts";

/** Size of the store's file before and after. */
export interface Compacted {
  beforeBytes: number;
  afterBytes: number;
}

/** The file in which a server keeps its objects. */
export interface StoreFile {
  /** Gives unused space of the file back to the disk. Writes wait meanwhile, reads go on. */
  compact(): Promise<Compacted>;
}

/** POST /store/compact, for `coracle store compact` while the server runs. Answers when it is done. */
export async function answerCompact(
  c: ApiContext,
  { storeFile }: { storeFile?: StoreFile },
): Promise<Response> {
  if (storeFile === undefined) {
    throw new ApiError("NotFound", "this server keeps its objects elsewhere than in a file");
  }
  const compacted = await storeFile.compact().catch(({ message }: Error) => {
    throw new ApiError("ServiceUnavailable", `Cannot compact the store: ${message}`);
  });
  return sendJson(c, 200, compacted);
}
