/** Under which the protocol's calls stand in the OpenAPI document. */
export const V2_TAG = 'Open Inference Protocol V2';
