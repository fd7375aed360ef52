import { messageOf } from "../../core/lib/error_message.ts";
/** A setting of the kernel for one device: a file below `/proc/sys/net` (ip-sysctl in the kernel's documentation). */
export interface DeviceSetting {
  family: "ipv4" | "ipv6";
  name: string;
  value: "0" | "1";
}

/**
 * What a pod may not do to its node by the device between them. A router advertisement would give the node a default
 * route (RFC 4861); a packet with another's source address, a redirect or a source route would divert
 * others' traffic (RFC 3704, RFC 1812). Pods have no IPv6 here, and `disable_ipv6` alone is
 * undone when it is set for `all`.
 */
export const NODE_END: readonly DeviceSetting[] = [
  { family: "ipv6", name: "disable_ipv6", value: "1" },
  { family: "ipv6", name: "accept_ra", value: "0" },
  { family: "ipv6", name: "accept_redirects", value: "0" },
  { family: "ipv6", name: "autoconf", value: "0" },
  { family: "ipv4", name: "rp_filter", value: "1" },
  { family: "ipv4", name: "accept_redirects", value: "0" },
  { family: "ipv4", name: "accept_source_route", value: "0" },
  { family: "ipv4", name: "route_localnet", value: "0" },
  { family: "ipv4", name: "arp_accept", value: "0" },
];

/** The same for the pod's own end. */
export const POD_END: readonly DeviceSetting[] = [
  { family: "ipv6", name: "disable_ipv6", value: "1" },
  { family: "ipv6", name: "accept_ra", value: "0" },
];

/**
 * Puts a device of this thread's network namespace as the settings say, at once. Where the kernel has no IPv6, those for
 * it are passed over. Throws when another cannot be set; the message says which and why.
 */
export function applySettings(device: string, settings: readonly DeviceSetting[]): void {
  for (const setting of settings) {
    const path = pathOf(device, setting);
    try {
      Deno.writeTextFileSync(path, setting.value);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound && setting.family === "ipv6") continue;
      const reason = messageOf(error);
      throw new Error(
        `Cannot protect the node from the pod at "${device}": "${path}" cannot be set to ${setting.value}: ${reason}`,
      );
    }
  }
}

/** Whether a device is as the settings say. */
export function areSettingsApplied(device: string, settings: readonly DeviceSetting[]): boolean {
  return settings.every((setting) => {
    try {
      return Deno.readTextFileSync(pathOf(device, setting)).trim() === setting.value;
    } catch {
      return true; // no IPv6, or the device is just going
    }
  });
}

/** A shell's commands that do the same as {@linkcode applySettings}. */
export function settingsScript(device: string, settings: readonly DeviceSetting[]): string {
  return settings.map((setting) => {
    const path = pathOf(device, setting);
    const isThere = setting.family === "ipv6" ? `[ ! -e ${path} ] || ` : "";
    return `${isThere}echo ${setting.value} > ${path}`;
  }).join(" && ");
}

function pathOf(device: string, { family, name }: DeviceSetting): string {
  return `/proc/sys/net/${family}/conf/${device}/${name}`;
}
