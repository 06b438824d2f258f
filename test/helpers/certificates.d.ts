export interface Certificate {
    readonly certFile: string;
    readonly keyFile: string;
}
/** Makes certificates by openssl, in a folder of the test's. */
export declare class Authority implements Certificate {
    private readonly openssl;
    private readonly folder;
    readonly certFile: string;
    readonly keyFile: string;
    constructor(openssl: string, folder: string, name: string);
    /** @param names such as `DNS:localhost` and `IP:127.0.0.1` */
    sign(file: string, ...names: string[]): Certificate;
    private run;
}
