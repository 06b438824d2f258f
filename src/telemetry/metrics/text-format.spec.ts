import { textFormatFor } from './text-format';

/** As Prometheus 2.5 and later ask. */
const PROMETHEUS =
  'application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2';

describe('textFormatFor', () => {
  it.each([
    [PROMETHEUS, 'openmetrics'],
    ['application/openmetrics-text', 'openmetrics'],
    ['text/plain, Application/OpenMetrics-Text; version=1.0.0', 'openmetrics'],
    ['text/plain, application/openmetrics-text;q=0.9', 'prometheus'],
    ['application/openmetrics-text;q=0', 'prometheus'],
    ['application/openmetrics-text;q=x', 'prometheus'],
    ['text/plain', 'prometheus'],
    ['*/*', 'prometheus'],
    ['', 'prometheus'],
    [undefined, 'prometheus'],
  ] as const)('takes of %j %s', (accept, format) => {
    expect(textFormatFor(accept)).toBe(format);
  });
});
