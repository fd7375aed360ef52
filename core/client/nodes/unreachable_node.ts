/** An agent that cannot be asked: there is no way to it, it does not answer, or the way has broken. The message says why. */
export class UnreachableNode extends Error {
  override name = "UnreachableNode";

  /** There is no way to it. The words of konnectivity. */
  static notConnected(node: string): UnreachableNode {
    return new UnreachableNode(
      `No agent available: node "${node}" has no connection to this server`,
    );
  }

  static late(node: string, ms: number): UnreachableNode {
    return new UnreachableNode(
      `dial timeout: the agent of node "${node}" has not answered within ${ms / 1_000} s`,
    );
  }

  static lost(node: string, why: string): UnreachableNode {
    return new UnreachableNode(`lost connection to the agent of node "${node}": ${why}`);
  }
}
