import { DomainError } from '../errors/domain-error';
import { clientMistake } from './client-mistake';

/** What becomes of what the runtime said: the code that the client gets. */
function codeOf(said: string): string {
  const message = `Non-zero status code returned while running an operator. Name:'' Status Message: ${said}`;
  const mistake = clientMistake(new DomainError('runtime_failure', message), [], []) as DomainError;
  return mistake.code;
}

describe('clientMistake', () => {
  it.each([
    'operator() Integer modulo by zero',
    'value of k must not be negative',
    'GatherElements op: Out of range value in index tensor',
    'batch_indices value 9 at index 0 is out of range [0, 1)',
    'Index value out of bounds. Got: 99999. Valid range is [0, 16).',
    'Invalid Y argument: index is out of range: Y[0] (9) must be less than 2',
    'GetThresholdsFromInputs iou_threshold must be in range [0, 1].',
    "All 'rois' values must be finite.",
    'IsAxisInRange(axis, tensor_rank) was false. axis 9 is not in valid range [-2,1]',
    "'axes' has an axis outside of the tensor dimension count",
    "'axes' has duplicates",
    "'step' value cannot be 0",
    "Compute Invalid value in 'split' input. All values must be >= 0.",
    'Invalid sequence length: 9. Value must be in range [0,2]',
    'Invalid value/s in sequence_lens. All values must be >= 0 and <= seq_length.',
    'delta in Range operator can not be zero!',
    'Range: the computed number of elements is not a finite value.',
    'Tile repeat value must be non-negative, got: -1',
    'Tile output tensor would require more than 4294967296 bytes, which exceeds the limit',
    'Depth is negative.',
    'ScalesValidation Scale value should be greater than 0.',
    'short_time_fourier_transform frame_step must be greater than zero.',
    'unknown_dim == -1 was false. At most one dimension can be -1.',
    'requested_shape[i] >= -1 was false. A dimension cannot be less than -1, got -2',
    'The requested shape has too many elements. Input shape:{2}, requested shape:{9223372036854775807,2}',
    'stod',
    'stoll',
    'Integer overflow',
    '[ONNXRuntimeError] : 1 : FAIL : CalculateTensorStorageSize Tensor shape.Size() must be >= 0',
    '[ONNXRuntimeError] : 1 : FAIL : Calculation for Tensor storage size overflowed',
    'shape.Size() must >=0',
    'Failed to allocate memory for requested buffer of size 4000000000000000',
  ])('is a value that is out of range: %s', (said) => {
    expect(codeOf(said)).toBe('out_of_range');
  });

  it.each([
    'out_size >= 0 was false. Calculated output dimension is negative. Check input shape',
    'Invalid input shape: {2,2}',
    'DepthToSpace requires input depth to be a multiple of (block_size * blok_size)',
    'last dimension of indices must not be larger than rank of input tensor',
  ])('is a shape that does not fit: %s', (said) => {
    expect(codeOf(said)).toBe('shape_mismatch');
  });

  it.each(['std::bad_alloc', 'Failed to allocate memory for requested buffer of size 4096', 'stop', ''])(
    'is not what only the server may be to blame for: %j',
    (said) => {
      expect(codeOf(said)).toBe('runtime_failure');
    },
  );

  it('says what of the inputs was wrong, and nothing of the runtime', () => {
    const said = "running Slice node. Name:'/a/b' Status Message: 'step' value cannot be 0";
    expect(clientMistake(new DomainError('runtime_failure', said), [], [])).toMatchObject({
      message: "An input has a value that the model cannot take: 'step' value cannot be 0.",
    });
  });
});
