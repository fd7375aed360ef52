import type { ContainerSpec } from "./container_runtime.ts";

/**
 * The capabilities of a container that asks for none: the default of CRI-O, the most cautious of Kubernetes' runtimes
 * (https://github.com/cri-o/cri-o/blob/main/docs/crio.conf.5.md, `default_capabilities`). Without `NET_RAW` it cannot
 * forge packets, without `MKNOD` it cannot make devices.
 */
export const DEFAULT_CAPABILITIES: readonly string[] = [
  "CHOWN",
  "DAC_OVERRIDE",
  "FSETID",
  "FOWNER",
  "SETGID",
  "SETUID",
  "SETPCAP",
  "NET_BIND_SERVICE",
  "KILL",
];

/** A set of capabilities, named without `CAP_`. */
export interface Capabilities {
  of: "none" | "default" | "all";
  /** Besides those. */
  added: readonly string[];
  /** Of those. */
  dropped: readonly string[];
}

/**
 * The capabilities that a container gets. Of what is both added and dropped, as containerd has it: `ALL` comes before
 * names, and a dropped name is dropped.
 */
export function capabilitiesOf(
  { privileged, capabilitiesAdd = [], capabilitiesDrop = [] }: ContainerSpec["security"],
): Capabilities {
  if (privileged) return { of: "all", added: [], dropped: [] };
  const adds = capabilitiesAdd.map(nameOf);
  const dropped = capabilitiesDrop.map(nameOf).filter((name) => name !== ALL);
  const dropsAll = dropped.length < capabilitiesDrop.length;
  const base = dropsAll ? "none" : adds.includes(ALL) ? "all" : "default";
  const added = adds.filter((name) => name !== ALL && !dropped.includes(name));
  return {
    of: base,
    added: base === "all" ? [] : [...new Set(added)],
    dropped: base === "none" ? [] : [...new Set(dropped)],
  };
}

const ALL = "ALL";

/** Some write the kernel's names. */
function nameOf(text: string): string {
  return text.toUpperCase().replace(/^CAP_/, "");
}
