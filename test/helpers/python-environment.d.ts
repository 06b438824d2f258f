/**
 * The Python of a virtual environment that has these packages. It is kept in node_modules/.cache for the next time.
 * @param requirements path of a file for `pip install -r`
 * @returns its path; an Error that says why it could not be made, as without a network
 */
export declare function pythonWith(python3: string, requirements: string): string | Error;
/** The tests of a `describe` that need a Python with these packages; see {@link pythonWith}. With CI set they have to be there. */
export declare function withPackages(python3: string, requirements: string, tests: (python: string) => void): void;
