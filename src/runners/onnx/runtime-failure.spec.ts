import { describeFailure } from './runtime-failure';

const MODEL = '/srv/models/digits/1/model.onnx';

describe('describeFailure', () => {
  it.each([
    [
      "Load model from /srv/models/digits/1/model.onnx failed:Load model /srv/models/digits/1/model.onnx failed. File doesn't exist",
      "Load model from model.onnx failed:Load model model.onnx failed. File doesn't exist",
    ],
    [
      'External data path validation failed for initializer: w. Error: tensorprotoutils.cc:461 ValidateExternalDataPathFromDir External data path does not exist: "/srv/models/digits/1/ext.bin"',
      'External data path validation failed for initializer: w. Error: ValidateExternalDataPathFromDir External data path does not exist: "ext.bin"',
    ],
    [
      'resolved path: "/srv/other" allowed directory: "/srv/models/digits/1"',
      'resolved path: "other" allowed directory: "the model folder"',
    ],
    [
      "Non-zero status code returned while running Reshape node. Name:'/a/b/Reshape' Status Message: /onnxruntime_src/onnxruntime/core/providers/cpu/tensor/reshape_helper.h:91 onnxruntime::ReshapeHelper::ReshapeHelper(const onnxruntime::TensorShape&, onnxruntime::TensorShapeVector&, bool) input_shape_size == requested_shape_size was false. The input tensor cannot be reshaped.\n",
      "Non-zero status code returned while running Reshape node. Name:'/a/b/Reshape' Status Message: input_shape_size == requested_shape_size was false. The input tensor cannot be reshaped.",
    ],
    [
      'running FusedGemm node. Status Message: /onnxruntime_src/include/op_kernel_context.h:42 const T* onnxruntime::OpKernelContext::Input(int) const [with T = onnxruntime::Tensor] Missing Input: x\n',
      'running FusedGemm node. Status Message: Missing Input: x',
    ],
    [
      '/onnxruntime_src/webgpu_context.cc:136 onnxruntime::webgpu::WebGpuContext::Initialize(const onnxruntime::webgpu::WebGpuContextConfig&)::<lambda()> Failed to get a WebGPU adapter: No supported adapters',
      'Failed to get a WebGPU adapter: No supported adapters',
    ],
    [
      'In Node, ("n", Foo, "", -1) : ("x": tensor(float),) -> ("y": tensor(float),) , Error No Op registered for Foo',
      'In Node, ("n", Foo, "", -1) : ("x": tensor(float),) -> ("y": tensor(float),) , Error No Op registered for Foo',
    ],
  ])('keeps the reason and drops places: %s', (message, expected) => {
    expect(describeFailure(new Error(message), MODEL)).toBe(expected);
  });

  it('takes anything that was thrown', () => {
    expect(describeFailure('out of memory', MODEL)).toBe('out of memory');
  });
});
