import { ApiError } from "../../core/client/api_error.ts";
import type { ContainerState } from "../runtimes/container_runtime.ts";

/** The id of the container of that name that runs. Throws an InternalError in the words of the kubelet, as it does. */
export function runningContainer(containers: readonly ContainerState[], name: string): string {
  const found = containers.find((each) => each.name === name && each.state === "running");
  if (found) return found.id;
  throw new ApiError("InternalError", `container not found ("${name}")`);
}
