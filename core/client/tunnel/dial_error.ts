/** There is no tunnel. */
export class DialError extends Error {
  override name = "DialError";
  /** `unsupported`: the server knows no tunnels. `later`: it wants the agent to come back after so many ms. */
  readonly kind: "failed" | "unsupported" | "later";
  readonly afterMs: number | undefined;

  constructor(message: string, kind: DialError["kind"] = "failed", afterMs?: number) {
    super(message);
    this.kind = kind;
    this.afterMs = afterMs;
  }
}
