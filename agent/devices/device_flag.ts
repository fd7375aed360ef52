import { labelNameFaults } from "../../core/schema/names.ts";

/** Before the name of a device it is the resource that pods request: `coracle.dev/NAME`. */
const DOMAIN = "coracle.dev";
/** How many containers may share a device. */
const SHARES_MAX = 1_000;
/** As the Container Device Interface names devices: `vendor.com/class=name`. */
const CDI_NAME = /^[a-zA-Z][a-zA-Z0-9_.-]*\/[a-zA-Z][a-zA-Z0-9_-]*=[a-zA-Z0-9][a-zA-Z0-9_.:-]*$/;

/** A device of the node that containers may be given. */
export interface DeviceFlag {
  /** E.g. `coracle.dev/tty`. */
  resource: string;
  /** A path below `/dev`, or the name of a CDI device. */
  device: string;
  /** How many containers may have it at once. */
  shares: number;
}

/** Reads `NAME=PATH[:N]`; the fault as a text when it is none. */
export function parseDeviceFlag(text: string): DeviceFlag | string {
  const match = /^([^=]*)=(.+?)(?::(\d{1,9}))?$/.exec(text);
  if (match === null) return "it must be such as tty=/dev/ttyUSB0 or fuse=/dev/fuse:8";
  const [, name = "", device = "", count] = match;
  const [fault] = labelNameFaults(name);
  if (fault !== undefined) return `the name "${name}" cannot be part of a resource: ${fault}`;
  const shares = count === undefined ? 1 : Number(count);
  if (shares < 1 || shares > SHARES_MAX) {
    return `a device is shared by 1 to ${SHARES_MAX} containers, not by ${count}`;
  }
  if (!isBelowDev(device) && !CDI_NAME.test(device)) {
    return `"${device}" is neither a path below /dev nor the name of a CDI device`;
  }
  return { resource: `${DOMAIN}/${name}`, device, shares };
}

/** Whether it is the path of a device, and not the name of one. */
export function isBelowDev(device: string): boolean {
  return device.startsWith("/dev/") &&
    device.split("/").slice(2).every((part) => part !== "" && part !== "." && part !== "..");
}
