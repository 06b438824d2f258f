/**
 * The environment for a server whose models have StringNormalizer, which needs the locale en_US.UTF-8. Where the
 * system has only C.UTF-8, that one goes by its name: they change the case of letters alike.
 * @param folder where it may be put
 */
export declare function withEnglish(folder: string): Record<string, string>;
