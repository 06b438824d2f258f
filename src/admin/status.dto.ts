import { ApiProperty } from '@nestjs/swagger';

// What `GET {prefix}/status` answers: everything that the page shows of the server at one moment.

export class StatusReason {
  /** Short. */
  text: string;
  /** What to do about it. */
  @ApiProperty({ type: String, nullable: true })
  hint: string | null;
  /** All that was said, where that is more than the text. */
  @ApiProperty({ type: String, nullable: true })
  detail: string | null;
}

export class StatusActivity {
  requests_per_second: number;
  /** Calls that failed through no fault of their client. */
  errors_per_second: number;
  @ApiProperty({ type: Number, nullable: true })
  p50_ms: number | null;
  @ApiProperty({ type: Number, nullable: true })
  p99_ms: number | null;
}

export class StatusStages {
  queue: number;
  decode: number;
  run: number;
  encode: number;
}

export class StatusModelActivity extends StatusActivity {
  @ApiProperty({ type: Number, nullable: true })
  rows_per_run: number | null;
  @ApiProperty({ type: StatusStages, nullable: true })
  stages_ms: StatusStages | null;
}

export class StatusSeries {
  @ApiProperty({ type: 'array', items: { type: 'number', nullable: true } })
  requests: (number | null)[];
  @ApiProperty({ type: 'array', items: { type: 'number', nullable: true } })
  errors: (number | null)[];
  @ApiProperty({ type: 'array', items: { type: 'number', nullable: true } })
  p50_ms: (number | null)[];
  @ApiProperty({ type: 'array', items: { type: 'number', nullable: true } })
  p99_ms: (number | null)[];
}

export class StatusServerActivity extends StatusActivity {
  step_seconds: number;
  /** One value a second, the oldest first; null: nothing is known of that second, or nothing succeeded in it. */
  series: StatusSeries;
}

export class StatusVersion {
  version: string;
  state: string;
  default: boolean;
  size_bytes: number;
}

export class StatusModel {
  name: string;
  @ApiProperty({ type: String, nullable: true })
  description: string | null;
  state: 'ready' | 'loading' | 'unloading' | 'failed' | 'quarantined' | 'unavailable';
  @ApiProperty({ type: StatusReason, nullable: true })
  reason: StatusReason | null;
  required: boolean;
  @ApiProperty({ type: String, nullable: true })
  version: string | null;
  versions: StatusVersion[];
  /** In words, as far as they are known: `picture 224 × 224`. */
  @ApiProperty({ type: String, nullable: true })
  takes: string | null;
  @ApiProperty({ type: String, nullable: true })
  gives: string | null;
  /** Requests that wait for a run. */
  queue: number;
  /** In one worker, estimated from the size of its files. */
  memory_bytes: number;
  /** Null: it was not called. */
  @ApiProperty({ type: StatusModelActivity, nullable: true })
  last_minute: StatusModelActivity | null;
}

export class StatusFault {
  model?: string;
  text: string;
}

export class StatusWorkers {
  ready: number;
  configured: number;
  restarts: number;
}

export class StatusLinks {
  docs: string;
  @ApiProperty({ type: String, nullable: true })
  metrics: string | null;
}

export class StatusAuth {
  /** Does every call need a key? */
  required: boolean;
  /** What this caller may do. */
  may: string[];
}

export class StatusResponse {
  name: string;
  version: string;
  state: 'ready' | 'degraded' | 'starting' | 'draining';
  reasons: StatusFault[];
  uptime_seconds: number;
  requests_total: number;
  workers: StatusWorkers;
  auth: StatusAuth;
  links: StatusLinks;
  model_dir: string;
  last_minute: StatusServerActivity;
  models: StatusModel[];
  /** Begins the next page of models; absent on the last one. */
  next_cursor?: string;
}
