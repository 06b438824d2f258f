/** The states of the Open Inference Protocol's repository extension that a version here can be in. */
export type ModelState = 'UNAVAILABLE' | 'LOADING' | 'READY' | 'UNLOADING';
