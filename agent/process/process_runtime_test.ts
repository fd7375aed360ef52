import { SystemClock } from "../../core/lib/clock.ts";
import { containerRuntimeContract } from "../container_runtime_contract.ts";
import { writeImage } from "./process_image.ts";
import { ProcessRuntime } from "./process_runtime.ts";

Deno.test("the process runtime keeps the contract of a container runtime", async (t) => {
  const folder = await Deno.makeTempDir();
  const image = "localhost/contract:1";
  const clock = new SystemClock();
  try {
    await writeImage(`${folder}/images`, image, {
      Entrypoint: ["/bin/sh", "-c"],
      Cmd: ["echo from the image"],
    });
    await containerRuntimeContract(t, {
      open: () => new ProcessRuntime({ folder, clock, version: "test" }),
      image,
      folder,
      isIsolated: false,
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
