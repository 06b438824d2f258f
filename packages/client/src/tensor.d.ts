export type TensorData = Uint8Array | Uint16Array | Uint32Array | BigUint64Array | Int8Array | Int16Array | Int32Array | BigInt64Array | Float32Array | Float64Array | readonly string[];
/** BOOL is a byte of 0 or 1 for each element, FP16 its 16 bits. */
declare const ARRAYS: {
    readonly BOOL: Uint8ArrayConstructor;
    readonly UINT8: Uint8ArrayConstructor;
    readonly UINT16: Uint16ArrayConstructor;
    readonly UINT32: Uint32ArrayConstructor;
    readonly UINT64: BigUint64ArrayConstructor;
    readonly INT8: Int8ArrayConstructor;
    readonly INT16: Int16ArrayConstructor;
    readonly INT32: Int32ArrayConstructor;
    readonly INT64: BigInt64ArrayConstructor;
    readonly FP16: Uint16ArrayConstructor;
    readonly FP32: Float32ArrayConstructor;
    readonly FP64: Float64ArrayConstructor;
};
export type Datatype = keyof typeof ARRAYS | 'BYTES';
/** Elements in row-major order. As an input it travels in binary, and so do the answer's outputs. */
export declare class Tensor {
    readonly data: TensorData;
    readonly shape: readonly number[];
    readonly datatype: Datatype;
    /**
     * @param datatype left out: as the array says, or BYTES for strings; name BOOL and FP16, whose arrays say otherwise
     * @throws RangeError where shape and data differ in length
     */
    constructor(data: TensorData, shape: readonly number[], datatype?: Datatype);
    /** The elements as they travel: little-endian, texts each after their length in four bytes. */
    toBytes(): Uint8Array<ArrayBuffer>;
    static fromBytes(bytes: Uint8Array<ArrayBuffer>, shape: readonly number[], datatype: Datatype): Tensor;
}
export {};
