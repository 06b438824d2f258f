/**
 * The environment cannot be used. Each fault is the name of a variable and its rule in words; the value is
 * in none of them, because the message ends up in logs.
 */
export class ConfigurationError extends Error {
  constructor(readonly faults: readonly string[]) {
    super(['The configuration is not usable:', ...faults.map((fault) => `  ${fault}`)].join('\n'));
    this.name = 'ConfigurationError';
  }
}
