/** What `--runtime` can say. */
export type RuntimeChoice = "auto" | "podman" | "process";
