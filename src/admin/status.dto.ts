// What `GET {prefix}/status` answers: everything that the page shows of the server at one moment.

export class StatusTensor {
  name: string;
  datatype: string;
  /** -1 stands for a dimension of any size. */
  shape: number[];
}

export class StatusReason {
  /** Short. */
  text: string;
  /** What to do about it. */
  hint: string | null;
}

export class StatusActivity {
  requests_per_second: number;
  /** Calls that failed through no fault of their client. */
  errors_per_second: number;
  p50_ms: number | null;
  p99_ms: number | null;
}

export class StatusStages {
  queue: number;
  decode: number;
  run: number;
  encode: number;
}

export class StatusModelActivity extends StatusActivity {
  rows_per_run: number | null;
  stages_ms: StatusStages | null;
}

export class StatusSeries {
  requests: (number | null)[];
  errors: (number | null)[];
  p50_ms: (number | null)[];
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
  description: string | null;
  state: 'ready' | 'loading' | 'unloading' | 'failed' | 'quarantined' | 'unavailable';
  reason: StatusReason | null;
  required: boolean;
  version: string | null;
  versions: StatusVersion[];
  inputs: StatusTensor[];
  outputs: StatusTensor[];
  /** In one worker, estimated from the size of its files. */
  memory_bytes: number;
  /** Null: it was not called. */
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
}
