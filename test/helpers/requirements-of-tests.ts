import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export type Tool = 'chromium' | 'redis-server' | 'python3' | 'openssl' | 'curl' | 'prlimit';

/** The names under which a tool's program goes; the first one found is taken. */
const PROGRAMS: Record<Tool, readonly string[]> = {
  chromium: [
    'chromium',
    'chromium-browser',
    'google-chrome',
    'google-chrome-stable',
    'chrome',
    'Google Chrome',
  ],
  'redis-server': ['redis-server'],
  python3: ['python3'],
  openssl: ['openssl'],
  curl: ['curl'],
  prlimit: ['prlimit'],
};

/** Where programs may be although the PATH does not say so. */
const USUAL_FOLDERS = [
  '/usr/local/bin',
  '/usr/bin',
  '/snap/bin',
  '/opt/google/chrome',
  '/opt/homebrew/bin',
  '/Applications/Google Chrome.app/Contents/MacOS',
];

/** The path of the tool's program; undefined when this machine has none. */
export function findTool(tool: Tool): string | undefined {
  const folders = [
    ...(process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== ''),
    ...USUAL_FOLDERS,
  ];
  return PROGRAMS[tool].flatMap((program) => folders.map((folder) => join(folder, program))).find(isProgram);
}

/**
 * A `describe` whose tests use a tool from outside the project, handed the path of its program. On a developer's
 * machine without it they are skipped and say so; where `CI` is set, the tool has to be there.
 */
export function describeWith(tool: Tool, name: string, tests: (program: string) => void): void {
  const program = findTool(tool);
  if (program !== undefined) {
    describe(name, () => tests(program));
  } else if (isSet(process.env.CI)) {
    describe(name, () => {
      it(`has ${tool}`, () => {
        throw new Error(`${tool} is not installed, and with CI set its tests are not skipped`);
      });
    });
  } else {
    describe.skip(`${name} (skipped: ${tool} is not installed)`, () => tests(tool));
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

export function isSet(variable: string | undefined): boolean {
  return variable !== undefined && !['', '0', 'false'].includes(variable);
}
