/** Why a machine cannot join, and what to do: for whoever sits at it. */
export class JoinError extends Error {
  override name = "JoinError";
}

/** The request has been refused for good: another one needs another key. */
export class RequestDenied extends JoinError {
  override name = "RequestDenied";
}
