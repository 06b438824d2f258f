/** Asks until it is so; a question that throws counts as no. */
export declare function until(what: string, holds: () => boolean | Promise<boolean>, limitMs?: number): Promise<void>;
