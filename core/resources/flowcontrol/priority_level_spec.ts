import { fallback, integer, object, present, string, type TypeOf } from "../../schema/schema.ts";

const queuing = object("How requests wait.", {
  queues: fallback(64, integer("How many queues there are.")),
  handSize: fallback(8, integer("Of how many queues each flow uses the shortest.")),
  queueLengthLimit: fallback(50, integer("How many requests a queue holds.")),
});
export type Queuing = TypeOf<typeof queuing>;

const limited = object("How many requests are served at once.", {
  nominalConcurrencyShares: fallback(30, integer("Its share of the seats of the server.")),
  limitResponse: present(object("What becomes of a request for which there is no seat.", {
    type: fallback("", string("Whether it waits or is refused: Queue or Reject.")),
    queuing,
  })),
  lendablePercent: fallback(0, integer("How many of its seats others may use, in percent.")),
  borrowingLimitPercent: integer("How many seats of others it may use, in percent of its own."),
});
export type LimitedLevel = TypeOf<typeof limited>;

const exempt = object("What of the seats is reckoned to it.", {
  nominalConcurrencyShares: fallback(
    0,
    integer("Its share of the seats; it is never refused one."),
  ),
  lendablePercent: fallback(0, integer("How many of its seats others may use, in percent.")),
});

export const priorityLevelSpec = object("How requests are limited.", {
  type: fallback("", string("Whether they are limited at all: Exempt or Limited.")),
  limited,
  exempt,
});
export type PriorityLevelSpec = TypeOf<typeof priorityLevelSpec>;
