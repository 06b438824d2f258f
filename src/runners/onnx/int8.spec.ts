import { mayUseInt8 } from './int8';

describe('mayUseInt8', () => {
  it.each([
    'MatMulInteger',
    'ConvInteger',
    'QLinearConv',
    'DequantizeLinear',
    'DynamicQuantizeLinear',
    'com.microsoft.QGemm',
  ])('says yes of %s', (operator) => {
    expect(mayUseInt8(new Set(['Add', operator]))).toBe(true);
  });

  it('says no where nothing is quantised, and yes where that is not known', () => {
    expect(mayUseInt8(new Set(['MatMul', 'Conv', 'com.microsoft.FusedConv']))).toBe(false);
    expect(mayUseInt8(new Set())).toBe(true);
  });
});
