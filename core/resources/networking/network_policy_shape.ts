import { labelSelector } from "../../schema/label_selector.ts";
import {
  fallback,
  integer,
  intOrString,
  list,
  object,
  oneOf,
  present,
  required,
  string,
  type TypeOf,
} from "../../schema/schema.ts";

const port = object("Ports that are meant.", {
  protocol: fallback("TCP", oneOf("Protocol of the ports.", ["TCP", "UDP", "SCTP"])),
  port: intOrString("Number or name of the port; all when absent."),
  endPort: integer("Last port of a range that begins with `port`."),
});
export type PolicyPort = TypeOf<typeof port>;

const peer = object("Pods or addresses that are meant.", {
  podSelector: labelSelector,
  namespaceSelector: labelSelector,
  ipBlock: object("A range of addresses.", {
    cidr: required(string("The range.")),
    except: list("Ranges in it that are not meant.", string("Range.")),
  }),
});
export type PolicyPeer = TypeOf<typeof peer>;

const ports = list("Ports that are meant; all when empty.", port);

export const networkPolicySpec = object("What is allowed, and for which pods.", {
  podSelector: present(labelSelector),
  ingress: list(
    "What may reach the pods.",
    object("Peers and ports that may.", {
      ports,
      from: list("Who may; everybody when empty.", peer),
    }),
  ),
  egress: list(
    "What the pods may reach.",
    object("Peers and ports that they may reach.", {
      ports,
      to: list("Whom they may reach; everybody when empty.", peer),
    }),
  ),
  policyTypes: list(
    "Directions that the policy is about; Ingress, and Egress when there are rules for it, when absent.",
    oneOf("A direction.", ["Ingress", "Egress"]),
  ),
});
export type NetworkPolicySpec = TypeOf<typeof networkPolicySpec>;
