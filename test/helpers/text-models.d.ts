export declare const WIDTH = 8;
/** Where the small tokenizers are. */
export declare const TOKENIZERS: string;
/**
 * A small model of texts: `input_ids` and `attention_mask` INT64 [N, L]; each token's vector is its own and the mean of all
 * those of its row, so that it makes a difference what is masked.
 * @param head `hidden`: `last_hidden_state` FP32 [N, L, 8]; `tokens`: `logits` [N, L, classes]; `sequence`: `logits` [N, classes]
 * @param heedsMask else what is masked counts as well
 */
export declare function smallTextModel(head: 'hidden' | 'tokens' | 'sequence', classes?: number, heedsMask?: boolean): Uint8Array;
/**
 * Puts a model into a folder as Hugging Face has it, with a small tokenizer: nothing of it is declared.
 * @param options is it all there is, as it was downloaded, or a version of the model?
 */
export declare function writeTextFolder(folder: string, name: string, model: Uint8Array, files: Readonly<Record<string, object>>, { downloaded }?: {
    downloaded?: boolean | undefined;
}): void;
/** As sentence-transformers leave a model: mean pooling, vectors one long. */
export declare const SENTENCE_FILES: {
    'config.json': {
        architectures: string[];
        model_type: string;
    };
    'modules.json': {
        idx: number;
        path: string;
        type: string;
    }[];
    '1_Pooling/config.json': {
        pooling_mode_mean_tokens: boolean;
    };
    'tokenizer_config.json': {
        model_max_length: number;
        pad_token: string;
    };
};
/** As transformers leaves a model of this architecture. */
export declare function transformersFiles(architecture: string, labels: readonly string[]): Record<string, object>;
