/** Told, as the work goes on, how many steps it took; may throw to end it. */
export type CountSteps = (steps: number) => void;
