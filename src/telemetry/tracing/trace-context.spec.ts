import { newSpanId, newTraceId, parseTraceparent, printTraceparent, saneTracestate } from './trace-context';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

describe('traceparent', () => {
  it.each([
    ['00', '01', true],
    ['00', '00', false],
    ['00', '03', true],
    ['cc', '01', true],
  ])('of version %s with the flags %s', (version, flags, sampled) => {
    expect(parseTraceparent(`${version}-${TRACE}-${SPAN}-${flags}`)).toEqual({
      traceId: TRACE,
      spanId: SPAN,
      sampled,
    });
  });

  it.each([
    '',
    `ff-${TRACE}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-0`,
    `00-${TRACE}-${SPAN}-01-`,
    `00-${TRACE}-${SPAN}-0g`,
    `00-${TRACE}-${SPAN}_01`,
    `00-${TRACE}-${SPAN}-01\n`,
    `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`,
    ` 0-${TRACE}-${SPAN}-01`,
  ])('is as if it had not been sent: %j', (text) => {
    expect(parseTraceparent(text)).toBeUndefined();
  });

  it('is read as it is printed, of any new ids', () => {
    const place = { traceId: newTraceId(), spanId: newSpanId() };
    expect(parseTraceparent(printTraceparent(place))).toEqual({ ...place, sampled: true });
    expect(newTraceId()).not.toBe(newTraceId());
  });
});

describe('tracestate', () => {
  it('is passed on as long as it is a short line', () => {
    expect(saneTracestate('vendor=a:b;c, other=1')).toBe('vendor=a:b;c, other=1');
    for (const text of [undefined, '', 'a=\u00e9', `a=${'b'.repeat(511)}`, ['a=b']]) {
      expect(saneTracestate(text)).toBeUndefined();
    }
  });
});
