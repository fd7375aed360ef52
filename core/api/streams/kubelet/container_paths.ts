/** A path of a kubelet that leads to a pod or one of its containers. */
export interface ContainerPath {
  what: "containerLogs" | "run" | "exec" | "attach" | "portForward";
  namespace: string;
  pod: string;
  /** Absent: any pod of that name. */
  uid?: string;
  /** Empty where a pod as a whole is meant. */
  container: string;
}

/** How many segments follow a pod's name, without and with a uid in front of them. */
const SEGMENTS = {
  containerLogs: [1],
  run: [1, 2],
  exec: [1, 2],
  attach: [1, 2],
  portForward: [0, 1],
};

/** `undefined` for any other path. Source: `pkg/kubelet/server/server.go`, InstallDebuggingHandlers. */
export function containerPath(path: string): ContainerPath | undefined {
  const [, what = "", namespace, pod, ...rest] = path.split("/").map(decoded);
  if (!Object.hasOwn(SEGMENTS, what) || !namespace || !pod) return undefined;
  const known = what as ContainerPath["what"];
  const counts = SEGMENTS[known];
  const place = counts.indexOf(rest.length);
  if (place < 0 || rest.includes("")) return undefined;
  const hasUid = place === 1;
  return {
    ...{ what: known, namespace, pod },
    ...(hasUid && { uid: rest[0]! }),
    container: counts[0] === 0 ? "" : rest.at(-1)!,
  };
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
