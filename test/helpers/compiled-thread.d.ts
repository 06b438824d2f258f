/** The folder with the rooms in JavaScript. */
export declare const COMPILED: string;
export declare const THREAD_FILE: string;
export declare const PROCESSING_THREAD_FILE: string;
