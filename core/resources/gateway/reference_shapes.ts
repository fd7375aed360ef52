/** What the parts of a reference look like in the Gateway API. */
export const GROUP_SHAPE = {
  maxLength: 253,
  pattern: "^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
};
export const KIND_SHAPE = { maxLength: 63, pattern: "^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$" };
export const NAMESPACE_SHAPE = { maxLength: 63, pattern: "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$" };
const SUBDOMAIN = "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";
export const SECTION_SHAPE = { maxLength: 253, pattern: `^${SUBDOMAIN}` };
export const HOSTNAME_SHAPE = { maxLength: 253, pattern: `^(\\*\\.)?${SUBDOMAIN}` };
