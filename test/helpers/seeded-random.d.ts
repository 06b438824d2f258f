/** A small generator with a seed (mulberry32), so that a failure can be run again: whole numbers below a bound. */
export declare function seededRandom(seed: number): (below: number) => number;
