/**
 * The queues of a flow: `handSize` different ones of `deckSize`, the same each time. Two flows rarely have the same
 * hand, so a flow that fills its queues leaves others some that are not full.
 *
 * Source: pkg/util/shufflesharding of k8s.io/apiserver.
 */
export function handOf(flow: string, deckSize: number, handSize: number): number[] {
  let rest = hashOf(flow);
  const hand: number[] = [];
  for (let i = 0; i < handSize; i++) {
    const left = BigInt(deckSize - i);
    let card = Number(rest % left);
    rest /= left;
    // The card's number is among those that are left.
    for (const taken of hand.toSorted((a, b) => a - b)) if (card >= taken) card++;
    hand.push(card);
  }
  return hand;
}

/** 64 bits by FNV-1a: http://www.isthe.com/chongo/tech/comp/fnv/ */
function hashOf(text: string): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash;
}
