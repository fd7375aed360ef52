/** One pod's connection: a namespace, and a pair of devices between it and the node. */
export interface PodWire {
  /** Path of the network namespace, below `/run/netns`. */
  namespacePath: string;
  /** Name of the node's end. The pod's end is `eth0`. */
  device: string;
  ip: string;
  gatewayIP: string;
  mtu: number;
}

/** The address of the node towards its pods, on a device of its own. */
export interface Gateway {
  device: string;
  ip: string;
  /** The range of the node's pods. Addresses without a pod answer "unreachable" at once. */
  cidr: string;
}

/** The way to the pods of another node. */
export interface NodeRoute {
  /** The range of that node's pods. */
  cidr: string;
  /** That node's own address, on a link that both are on. */
  via: string;
}

/** How the kernel's network is changed: by netlink, or by the `ip` command. */
export interface Plumbing {
  /** Safe when it is there already. */
  addGateway(gateway: Gateway): Promise<void>;
  removeGateway(gateway: Gateway): Promise<void>;
  /** Makes the namespace and connects it. Left-overs of a device of that name are replaced. */
  addWire(wire: PodWire): Promise<void>;
  /** Removes the namespace; the devices go with it. Succeeds when it is not there. */
  removeWire(namespacePath: string): Promise<void>;
  /** The addresses of all pods that are connected, of every range. */
  wiredAddresses(): Promise<ReadonlySet<string>>;
  /** Makes all addresses of a range this machine's own. Safe when they are already. */
  addLocalRange(cidr: string): Promise<void>;
  removeLocalRange(cidr: string): Promise<void>;
  /**
   * Adds a route; `source` is the address that this machine's own packets have there, and marks whose route it is.
   * Leaves a route alone that somebody else has made to the range. Rejects when `via` is on no link.
   */
  addNodeRoute(route: NodeRoute, source: string): Promise<void>;
  /** Succeeds when it is not there. */
  removeNodeRoute(route: NodeRoute, source: string): Promise<void>;
  /** The routes that were added with `source`. */
  nodeRoutes(source: string): Promise<readonly NodeRoute[]>;
  close(): void;
}
