import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { RemoteFault } from './remote-fault';

export interface RemoteAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Of a failure only so much is read: it is for a log line. */
const FAILURE_BYTES = 8 * 1024;

/**
 * Reads an answer to its end; of one that is no success only the beginning.
 * @throws RemoteFault too_large, malformed for a coding that was not asked for; and what the stream fails with
 */
export async function readAnswer(stream: IncomingMessage, maxBytes: number): Promise<RemoteAnswer> {
  const { statusCode: status = 0, headers } = stream;
  const succeeded = status >= 200 && status < 300;
  try {
    if (succeeded) {
      checkCoding(headers['content-encoding']);
      if (Number(headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
    }
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      sizeBytes += chunk.length;
      if (succeeded && sizeBytes > maxBytes) throw tooLarge(maxBytes);
      if (!succeeded && sizeBytes > FAILURE_BYTES) break;
    }
    return { status, headers, body: chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, sizeBytes) };
  } finally {
    // What was not read to its end cannot be used again; what was is not hurt.
    if (!stream.readableEnded) stream.destroy();
  }
}

function checkCoding(coding: string | undefined): void {
  if (coding === undefined || coding === 'identity') return;
  throw new RemoteFault('malformed', "The model's remote compressed its answer, though it was not asked to.");
}

function tooLarge(maxBytes: number): RemoteFault {
  return new RemoteFault(
    'too_large',
    `The answer of the model's remote is larger than ${maxBytes} bytes (REMOTE_MAX_ANSWER_BYTES).`,
  );
}
