/** The files of the model that is deployed, damaged and mended. */
export declare class ChangingModel {
    private readonly dir;
    version: number;
    private readonly folder;
    constructor(dir: string);
    private get file();
    /** Deploys the next version, which adds one more. The one before it goes when the next comes. */
    deployNext(): void;
    /** Writes over the file of the version that serves. Returns what mends it. */
    corrupt(): () => void;
    /** Puts a model with other inputs in its place. */
    swapForIncompatible(): () => void;
    /** Takes the whole model away. */
    remove(): () => void;
    private write;
}
