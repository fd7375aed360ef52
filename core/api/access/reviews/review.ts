import type { Clock } from "../../../lib/clock.ts";
import type { VirtualKind } from "../../discovery/discovery.ts";
import type { User } from "../../http/api_context.ts";
import type { Authenticator } from "../authenticator.ts";
import type { Authorizer } from "../authorizer.ts";

/** What a question is answered from. */
export interface ReviewContext {
  /** Who asks. */
  user: User;
  /** Of the path. */
  namespace: string | undefined;
  authorizer: Authorizer;
  authenticator: Pick<Authenticator, "verdictOn">;
  clock: Pick<Clock, "now">;
}

/** A question about users and their rights: it is created, answered and never stored. */
export interface Review extends VirtualKind {
  /** The question with its answer as status. Throws an ApiError. `draft`: from outside. */
  answer(draft: unknown, context: ReviewContext): unknown | Promise<unknown>;
}
