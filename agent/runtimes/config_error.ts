/** A container cannot be made because what it refers to is missing: `CreateContainerConfigError`. */
export class ConfigError extends Error {
  override name = "ConfigError";
}
