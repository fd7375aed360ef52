/**
 * The sysctls that a pod may set without harm to others, as the kubelet has them: of its own namespaces, and bounded.
 *
 * https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/#safe-and-unsafe-sysctls
 */
export const SAFE_SYSCTLS: readonly string[] = [
  "kernel.shm_rmid_forced",
  "net.ipv4.ip_local_port_range",
  "net.ipv4.tcp_syncookies",
  "net.ipv4.ping_group_range",
  "net.ipv4.ip_unprivileged_port_start",
  "net.ipv4.ip_local_reserved_ports",
  "net.ipv4.tcp_keepalive_time",
  "net.ipv4.tcp_fin_timeout",
  "net.ipv4.tcp_keepalive_intvl",
  "net.ipv4.tcp_keepalive_probes",
  "net.ipv4.tcp_rmem",
  "net.ipv4.tcp_wmem",
];

/** Sysctls of the kernel itself that each IPC namespace has for itself (`k8s.io/component-helpers/node/util/sysctl`). */
const OF_IPC = [
  "kernel.sem",
  "kernel.shmall",
  "kernel.shmmax",
  "kernel.shmmni",
  "kernel.shm_rmid_forced",
  "kernel.shm",
  "kernel.msgmax",
  "kernel.msgmnb",
  "kernel.msgmni",
  "kernel.msg",
];

const SEGMENT = "[a-z0-9]([-_a-z0-9]*[a-z0-9])?";
const PATTERN = new RegExp(`^(${SEGMENT}[\\./])*(${SEGMENT}|\\*|${SEGMENT}\\*)$`);
const PATTERN_CHARS_MAX = 253;

/** Which namespace of a pod a sysctl belongs to. */
type Namespace = "Net" | "IPC";

/**
 * What keeps a pattern of sysctls, such as `kernel.msg*`, from being allowed to pods: `undefined` when they may have
 * it. Only what each pod has for itself can be allowed.
 */
export function sysctlPatternFault(pattern: string): string | undefined {
  if (pattern.length > PATTERN_CHARS_MAX || !PATTERN.test(pattern)) {
    return `sysctl "${pattern}" must have at most ${PATTERN_CHARS_MAX} characters and match regex ${PATTERN.source}`;
  }
  const { name } = parsed(pattern);
  return namespaceOf(name) ? undefined : `the sysctls "${name}" are not known to be namespaced`;
}

/** What a pod shares with its node. */
interface Sharing {
  hostNetwork?: boolean | undefined;
  hostIPC?: boolean | undefined;
}

/**
 * Why a pod may not set a sysctl, in the kubelet's words (`pkg/kubelet/sysctl/allowlist.go`); `undefined` when it may.
 * `allowed`: patterns besides the safe ones.
 */
export function sysctlFault(
  sysctl: string,
  { hostNetwork, hostIPC }: Sharing,
  allowed: readonly string[],
): string | undefined {
  const name = normalSysctl(sysctl);
  const isAllowed = [...SAFE_SYSCTLS, ...allowed].map(parsed).some((each) =>
    each.isPrefix ? name.startsWith(each.name) : name === each.name
  );
  if (!isAllowed) return `"${name}" not allowlisted`;
  const namespace = namespaceOf(name);
  const isShared = (namespace === "Net" && hostNetwork) || (namespace === "IPC" && hostIPC);
  return isShared ? `"${name}" not allowed with host ${namespace} enabled` : undefined;
}

function parsed(pattern: string): { name: string; isPrefix: boolean } {
  const [name = "", ...rest] = normalSysctl(pattern).split("*");
  return { name, isPrefix: rest.length > 0 };
}

function namespaceOf(name: string): Namespace | undefined {
  if (OF_IPC.includes(name) || name.startsWith("fs.mqueue.")) return "IPC";
  return name.startsWith("net.") ? "Net" : undefined;
}

/** A name as the kubelet writes it, with dots: one that is written with slashes has its dots in the names of devices (sysctl.d(5)). */
export function normalSysctl(name: string): string {
  const first = name.search(/[./]/);
  if (first === -1 || name[first] === ".") return name;
  return name.replaceAll(/[./]/g, (each) => each === "/" ? "." : "/");
}
