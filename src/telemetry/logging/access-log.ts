import type { SpanPlace } from '../tracing/trace-context';
import { isoTime, type Origin, quotable } from './log-line';

const BUFFER_BYTES = 65_536;
const FLUSH_MS = 100;
const MAX_ID = 128;
const MAX_METHOD = 16;
const MAX_PATH = 512;
const MAX_ADDRESS = 64;
const MAX_MODEL = 128;
const MAX_CALLER = 128;
const MAX_SERVICE = 128;
// Six bytes for each character that has to be escaped, and room for the names and numbers.
const MAX_LINE_BYTES =
  6 * (MAX_ID + MAX_METHOD + MAX_PATH + MAX_ADDRESS + MAX_MODEL + MAX_CALLER + MAX_SERVICE) + 768;
const SLASH = 0x2f;

/** What is said of a request that failed or was slow. */
export interface RequestDetails {
  /** Of the error that it was answered with. */
  readonly code: string | undefined;
  /** Until its body was there; what it has not come to is undefined, as are the others. */
  readonly readMs: number | undefined;
  /** From bytes to tensors. */
  readonly decodeMs: number | undefined;
  readonly queueMs: number | undefined;
  readonly runMs: number | undefined;
}

/** Where access lines go. */
export interface AccessOutput {
  /** Takes whole lines; their bytes are reused once the call has returned. */
  write(lines: Buffer): void;
}

/**
 * One slim line for each request. On the hot path: a line is one string, joined by hand and written
 * as latin1 into a buffer that goes out when it is full or a tenth of a second old.
 */
export class AccessLog {
  private readonly buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  private readonly tail: string;
  private readonly flushTimer: NodeJS.Timeout;
  private used = 0;

  /** @param output absent: nothing is logged */
  constructor(
    private readonly output: AccessOutput | undefined,
    origin: Origin,
    private readonly slowMs = Infinity,
  ) {
    const worker = origin.worker === undefined ? '' : `,"worker":${origin.worker}`;
    const service = quotable(origin.service, MAX_SERVICE);
    this.tail = `,"service":"${service}","pid":${origin.pid}${worker}}\n`;
    this.flushTimer = setTimeout(() => this.flush(), FLUSH_MS).unref();
  }

  /**
   * Notes a request that was answered.
   * @param path as it came; the query, which may hold secrets, is left out
   * @param details of one that failed; of others they show from `slowMs` on
   * @param requestBytes of the body, as are `responseBytes`
   * @param trace of a request that is traced
   */
  write(
    requestId: string,
    method: string,
    path: string,
    status: number,
    durationMs: number,
    requestBytes: number,
    responseBytes: number,
    remoteAddress: string | undefined,
    model?: string,
    caller?: string,
    details?: RequestDetails,
    trace?: SpanPlace,
  ): void {
    if (this.output === undefined) return;
    const line =
      '{"level":"info","time":"' +
      isoTime() +
      '","requestId":"' +
      quotable(requestId, MAX_ID) +
      '","method":"' +
      quotable(method, MAX_METHOD) +
      '","path":"' +
      quotable(pathOf(path), MAX_PATH) +
      '","status":' +
      status +
      ',"ms":' +
      milliseconds(durationMs) +
      ',"in":' +
      requestBytes +
      ',"out":' +
      responseBytes +
      (remoteAddress === undefined ? '' : ',"ip":"' + quotable(remoteAddress, MAX_ADDRESS) + '"') +
      (model === undefined ? '' : ',"model":"' + quotable(model, MAX_MODEL) + '"') +
      (caller === undefined ? '' : ',"caller":"' + quotable(caller, MAX_CALLER) + '"') +
      (details !== undefined && (status >= 400 || durationMs >= this.slowMs) ? printed(details) : '') +
      (trace === undefined ? '' : ',"trace_id":"' + trace.traceId + '","span_id":"' + trace.spanId + '"') +
      this.tail;
    if (this.used + MAX_LINE_BYTES > BUFFER_BYTES) this.flush();
    if (this.used === 0) this.flushTimer.refresh();
    this.used += this.buffer.write(line, this.used, 'latin1');
  }

  /** Hands over what is buffered. */
  flush(): void {
    if (this.used === 0) return;
    const lines = this.buffer.subarray(0, this.used);
    this.used = 0;
    this.output?.write(lines);
  }
}

function printed({ code, readMs, decodeMs, queueMs, runMs }: RequestDetails): string {
  return (
    (code === undefined ? '' : ',"code":"' + code + '"') +
    stage(',"readMs":', readMs) +
    stage(',"decodeMs":', decodeMs) +
    stage(',"queueMs":', queueMs) +
    stage(',"runMs":', runMs)
  );
}

function stage(name: string, durationMs: number | undefined): string {
  return durationMs === undefined ? '' : name + milliseconds(durationMs);
}

/** The path alone: no query, no authority of an absolute URL with its password. */
function pathOf(url: string): string {
  const queryAt = url.indexOf('?');
  const path = queryAt === -1 ? url : url.slice(0, queryAt);
  return path.charCodeAt(0) === SLASH ? path : path.replace(/^[^/]*:\/\/[^/]*/, '');
}

/** Three decimals, from whole numbers: they print several times faster than fractions. */
function milliseconds(durationMs: number): string {
  const micros = Math.round(durationMs * 1_000);
  const whole = Math.floor(micros / 1_000);
  const rest = micros - whole * 1_000;
  return whole + (rest < 10 ? '.00' : rest < 100 ? '.0' : '.') + rest;
}
