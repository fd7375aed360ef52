/** Begins the kinds of what is kept besides objects of the API: no kind of it does. */
export const OWN_KIND = "~";

/** Kinds of what the node itself keeps. */
export const OWN_KINDS = {
  /** Tokens of service accounts that are in volumes. */
  tokens: `${OWN_KIND}tokens`,
  /** Statuses of pods that the server does not know yet. */
  statuses: `${OWN_KIND}statuses`,
  /** What is to be told of the time without a server. */
  events: `${OWN_KIND}events`,
} as const;

/** Those that are encrypted. */
export const OWN_SECRETS: readonly string[] = [OWN_KINDS.tokens];
