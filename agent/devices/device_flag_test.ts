import assert from "node:assert/strict";
import { parseDeviceFlag } from "./device_flag.ts";

Deno.test("a device is named by its resource, its path, and how many may have it", () => {
  const resource = "coracle.dev/tty";
  const table: [string, object][] = [
    ["tty=/dev/ttyUSB0", { resource, device: "/dev/ttyUSB0", shares: 1 }],
    ["tty=/dev/ttyUSB0:3", { resource, device: "/dev/ttyUSB0", shares: 3 }],
    [
      "tty=/dev/serial/by-path/pci-0:14.0-usb-0:1:1.0-port0",
      { resource, device: "/dev/serial/by-path/pci-0:14.0-usb-0:1:1.0-port0", shares: 1 },
    ],
    [
      "gpu=nvidia.com/gpu=0",
      { resource: "coracle.dev/gpu", device: "nvidia.com/gpu=0", shares: 1 },
    ],
  ];
  for (const [text, flag] of table) assert.deepEqual(parseDeviceFlag(text), flag);
});

Deno.test("what is no device of the node is refused", () => {
  const table: [string, RegExp][] = [
    ["tty", /must be such as/],
    ["tty=", /must be such as/],
    ["=/dev/tty", /the name "" cannot be part of a resource/],
    ["a/b=/dev/tty", /the name "a\/b" cannot be part/],
    ["T=/dev/tty", /the name "T" cannot be part/],
    ["disk=/etc/shadow", /neither a path below \/dev nor the name of a CDI device/],
    ["disk=/dev/../etc/shadow", /neither a path/],
    ["disk=/dev/./sda", /neither a path/],
    ["disk=/dev/", /neither a path/],
    ["disk=dev/sda", /neither a path/],
    ["tty=/dev/tty:0", /shared by 1 to 1000 containers, not by 0/],
    ["tty=/dev/tty:1001", /not by 1001/],
  ];
  for (const [text, fault] of table) assert.match(String(parseDeviceFlag(text)), fault, text);
});
