import { type DeviceFlag, isBelowDev } from "../devices/device_flag.ts";
import type { Device } from "../devices/node_devices.ts";

/** A device that the node was told to have cannot be given to containers. The message says why. */
export class DeviceError extends Error {
  override name = "DeviceError";
}

/**
 * The devices of the flags, each as often as it may be shared. Paths are followed to what they lead to now: the name in
 * `/dev/serial/by-id` stays the one that containers see. Rejects with a {@linkcode DeviceError}.
 */
export async function openedDevices(flags: readonly DeviceFlag[]): Promise<Device[]> {
  const opened = await Promise.all(flags.map(async ({ resource, device, shares }) => {
    const source = isBelowDev(device) ? await deviceAt(device) : device;
    const shown = source === device || device.includes(":") ? source : `${source}:${device}`;
    return Array.from({ length: shares }, (_, i) => ({
      resource,
      id: shares === 1 ? device : `${device}#${i}`,
      device: shown,
    }));
  }));
  return opened.flat();
}

async function deviceAt(path: string): Promise<string> {
  const real = await Deno.realPath(path).catch(() => undefined);
  if (real === undefined) {
    throw new DeviceError(`Cannot give "${path}" to containers: it is not there`);
  }
  const { isCharDevice, isBlockDevice } = await Deno.stat(real);
  if (!isBelowDev(real) || !(isCharDevice || isBlockDevice)) {
    throw new DeviceError(`Cannot give "${path}" to containers: "${real}" is no device below /dev`);
  }
  return real;
}
