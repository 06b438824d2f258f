/** A span as a collector gets it. */
export interface ReceivedSpan {
  readonly name: string;
  readonly kind: 'internal' | 'server' | 'client';
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for the first of its trace. */
  readonly parentId: string;
  /** Nanoseconds since 1970. */
  readonly start: bigint;
  readonly end: bigint;
  readonly attributes: Record<string, string | number>;
  /** Span ids. */
  readonly links: readonly string[];
  readonly isError: boolean;
  readonly resource: Record<string, string | number>;
}

type Field = Buffer | bigint;

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const KINDS = ['', 'internal', 'server', 'client'] as const;
const STATUS_ERROR = 2n;

/** The spans of a body in OTLP: https://github.com/open-telemetry/opentelemetry-proto, `ExportTraceServiceRequest`. */
export function readSpans(body: Buffer): ReceivedSpan[] {
  return messages(body, 1).flatMap((resourceSpans) => {
    const resource = attributesOf(messages(resourceSpans, 1)[0]!, 1);
    const spans = messages(resourceSpans, 2).flatMap((scopeSpans) => messages(scopeSpans, 2));
    return spans.map((span) => ({ ...readSpan(span), resource }));
  });
}

function readSpan(bytes: Buffer): Omit<ReceivedSpan, 'resource'> {
  const hex = (field: number): string => messages(bytes, field)[0]?.toString('hex') ?? '';
  const status = messages(bytes, 15)[0];
  return {
    name: messages(bytes, 5)[0]!.toString(),
    kind: KINDS[Number(numbers(bytes, 6)[0])] as ReceivedSpan['kind'],
    traceId: hex(1),
    spanId: hex(2),
    parentId: hex(4),
    start: numbers(bytes, 7)[0]!,
    end: numbers(bytes, 8)[0]!,
    attributes: attributesOf(bytes, 9),
    links: messages(bytes, 13).map((link) => messages(link, 2)[0]!.toString('hex')),
    isError: status !== undefined && numbers(status, 3)[0] === STATUS_ERROR,
  };
}

function attributesOf(bytes: Buffer, field: number): Record<string, string | number> {
  return Object.fromEntries(
    messages(bytes, field).map((pair) => {
      const value = messages(pair, 2)[0]!;
      const text = messages(value, 1)[0];
      return [messages(pair, 1)[0]!.toString(), text?.toString() ?? Number(numbers(value, 3)[0])];
    }),
  );
}

function messages(bytes: Buffer, field: number): Buffer[] {
  return valuesOf(bytes, field).filter((value) => typeof value !== 'bigint');
}

function numbers(bytes: Buffer, field: number): bigint[] {
  return valuesOf(bytes, field).filter((value) => typeof value === 'bigint');
}

/** What a protobuf message has of one field. */
function valuesOf(bytes: Buffer, wanted: number): Field[] {
  const found: Field[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const [field, wire] = [tag >> 3, tag & 7];
    let value: Field;
    if (wire === VARINT) {
      value = varint();
    } else if (wire === BYTES) {
      const length = Number(varint());
      value = bytes.subarray(at, (at += length));
    } else {
      value = wire === FIXED64 ? bytes.readBigUInt64LE(at) : BigInt(bytes.readUInt32LE(at));
      at += wire === FIXED64 ? 8 : 4;
    }
    if (field === wanted) found.push(value);
  }
  return found;
}
