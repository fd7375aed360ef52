import { ApiError } from "../../client/api_error.ts";
import type { Rotated } from "../../store/encryption/rotation.ts";
import { sendJson } from "./answer.ts";
import type { ApiContext } from "./api_context.ts";

/** How secrets get a new key. */
export interface SecretRotation {
  rotate(): Promise<Rotated>;
}

/** POST /secrets/rotate, for `coracle secrets rotate`. Answers when all secrets are under the new key. */
export async function answerRotate(
  c: ApiContext,
  { secretRotation }: { secretRotation?: SecretRotation },
): Promise<Response> {
  if (secretRotation === undefined) {
    throw new ApiError(
      "NotFound",
      "this server shares its store with others, which would not know the new key",
    );
  }
  const rotated = await secretRotation.rotate().catch(({ message }: Error) => {
    throw new ApiError("ServiceUnavailable", `Cannot rotate the key of secrets: ${message}`);
  });
  return sendJson(c, 200, rotated);
}
