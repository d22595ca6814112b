import type { ErrorCode } from './contract.ts';

/** What a refusal says on both doors. */
export interface Err {
  code: ErrorCode;
  message: string;
  /** The same call may succeed later, unchanged. */
  retryable: boolean;
  retry_after_ms?: number | undefined;
  details?: Record<string, unknown> | undefined;
  request_id: string;
}

export type Ack<Data> = { ok: true; data: Data } | { ok: false; error: Err };

/** A refusal, or (`network`) no answer: what a call did is unknown then. */
export class ParthubError extends Error {
  readonly code: ErrorCode | 'network';
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  readonly details: Record<string, unknown>;
  readonly requestId: string | undefined;

  constructor(code: ErrorCode | 'network', about: Partial<Err> = {}) {
    super(about.message ?? code);
    this.name = 'ParthubError';
    this.code = code;
    this.retryable = about.retryable ?? code === 'network';
    this.retryAfterMs = about.retry_after_ms;
    this.details = about.details ?? {};
    this.requestId = about.request_id;
  }
}

/** The data of an ack, or the refusal thrown. */
export function dataOf<Data>(ack: Ack<Data>): Data {
  if (ack.ok) return ack.data;
  throw new ParthubError(ack.error.code, ack.error);
}
