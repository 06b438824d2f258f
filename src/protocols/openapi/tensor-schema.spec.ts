import { DATATYPES } from '../../tensors/datatype';
import { flatSchema, nestedSchema, tensorCaption } from './tensor-schema';

describe('the schema of a tensor', () => {
  it('is an array for each dimension, of fixed length where the dimension is fixed', () => {
    expect(nestedSchema({ name: 'x', datatype: 'BOOL', shape: [-1, 8] })).toEqual({
      type: 'array',
      items: { type: 'array', minItems: 8, maxItems: 8, items: { type: 'boolean' } },
    });
    expect(nestedSchema({ name: 'x', datatype: 'BYTES', shape: [] })).toEqual({ type: 'string' });
  });

  it('is one array where the shape is said beside it', () => {
    expect(flatSchema({ name: 'x', datatype: 'UINT8', shape: [2, 2] })).toEqual({
      type: 'array',
      items: { type: 'integer', minimum: 0, maximum: 255 },
    });
  });

  it('allows the strings that stand for what JSON has no numbers for', () => {
    const { oneOf: float } = nestedSchema({ name: 'x', datatype: 'FP16', shape: [] });
    expect(float).toContainEqual({ type: 'string', enum: ['NaN', 'Infinity', '-Infinity'] });
    const { oneOf: integer } = nestedSchema({ name: 'x', datatype: 'UINT64', shape: [] });
    expect(integer).toContainEqual(expect.objectContaining({ type: 'string' }));
  });

  it.each(DATATYPES)('is known for %s', (datatype) => {
    const schema = nestedSchema({ name: 'x', datatype, shape: [] });
    expect(schema.type ?? schema.oneOf).toBeDefined();
  });

  it('comes with its datatype and shape for people', () => {
    expect(tensorCaption({ name: 'x', datatype: 'FP32', shape: [-1, 8, 8] })).toBe('FP32 [-1, 8, 8]');
  });
});
