/** A pod's place in the network. */
export interface PodAddress {
  podUid: string;
  /** IPv4 address, unique in the cluster. */
  ip: string;
  /** Path of its network namespace; `undefined` when it shares the node's. */
  namespacePath?: string;
}

/**
 * Gives each pod an address. Two variants behind one contract: a namespace per pod (routed veth; needs root),
 * and addresses of the loopback range without root, where programs must bind `$POD_IP`.
 */
export interface PodNetwork {
  readonly kind: "namespace" | "loopback";
  /** Address of the node towards its pods: the pods' gateway. */
  readonly gatewayIP: string;
  /** Probes the machine and makes what all pods share. Called once; safe when it is there already. */
  start(): Promise<void>;
  /** Sets up a pod's network. Twice for one uid gives the same address. */
  add(podUid: string): Promise<PodAddress>;
  /**
   * Sets an address aside for a pod that has had it before the machine started again, until it is added or removed; does
   * nothing when somebody else has it. Absent: addresses are kept anyway.
   */
  keepAddress?(podUid: string, ip: string): void;
  /** Whether a pod's network is there, or is just being set up. Nobody can reach what runs in a pod without one. */
  has(podUid: string): boolean;
  /** Calls `listener` when something else has removed a pod's network. Returns the stop. */
  onLost(listener: (podUid: string) => void): () => void;
  /** Takes it down. Succeeds when it is not there. */
  remove(podUid: string): Promise<void>;
  /** What is there, after a restart too: the only truth. */
  list(): Promise<readonly PodAddress[]>;
  /** Closes what the process has open; leaves the pods' networks as they are. */
  close(): void;
}
