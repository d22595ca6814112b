/**
 * The one catalogue of errors: both doors answer with these codes and nothing else. REST turns an entry into
 * application/problem+json with its status, sockets into `Err` in the ack. `docs/errors.md` is made from it.
 */
interface Entry {
  status: number;
  /** What a person reads, in English; `details` say the rest to programs. */
  message: string;
  /** The same request may succeed later, unchanged. */
  retryable?: true;
}

const entries = {
  bad_json: { status: 400, message: 'The body is not valid JSON.' },
  validation_failed: { status: 400, message: 'Some fields are missing or wrong; see details.fields.' },
  duplicate_parameter: { status: 400, message: 'A query parameter was given more than once.' },
  invalid_cursor: { status: 400, message: 'The cursor is damaged, or belongs to another list or user.' },
  invalid_host: { status: 400, message: 'This host name is not served here.' },
  idempotency_key_required: { status: 400, message: 'This call needs an Idempotency-Key header.' },
  invalid_phone: { status: 400, message: 'This is not a phone number.' },
  phone_not_supported: {
    status: 400,
    message: 'Codes cannot be sent to this number; use a mobile number of Uzbekistan.',
  },
  otp_invalid: { status: 400, message: 'The code is wrong or no longer valid.' },
  weak_password: { status: 400, message: 'The password is too weak; see details.reasons.' },
  password_mismatch: { status: 400, message: 'The two passwords differ.' },
  own_post: { status: 400, message: 'This is your own post.' },
  unknown_event: { status: 400, message: 'No such event in this namespace.' },
  protocol_unsupported: { status: 400, message: 'This protocol version is not supported.' },
  namespace_unknown: { status: 400, message: 'No such namespace.' },

  auth_required: { status: 401, message: 'An access token is needed.' },
  token_invalid: { status: 401, message: 'The access token is not valid.' },
  token_expired: { status: 401, message: 'The access token has expired; refresh it.' },
  session_revoked: { status: 401, message: 'This session has ended; log in again.' },
  session_expired: { status: 401, message: 'This session has expired; log in again.' },
  refresh_invalid: { status: 401, message: 'The refresh token is not valid.' },
  refresh_reused: { status: 401, message: 'The refresh token was used before; the session has been ended.' },
  verification_invalid: { status: 401, message: 'The verification token is wrong, used or expired.' },
  invalid_credentials: { status: 401, message: 'The phone number or the password is wrong.' },
  not_authenticated: { status: 401, message: 'This connection is not authenticated.' },

  permission_denied: { status: 403, message: 'You may not do this.' },
  account_blocked: { status: 403, message: 'This account is blocked.' },
  reauth_required: { status: 403, message: 'Log in again to do this.' },
  password_required: { status: 403, message: 'Repeat the code together with the password.' },
  current_password_invalid: { status: 403, message: 'The current password is wrong.' },
  captcha_required: { status: 403, message: 'Solve the captcha first.' },
  b2b_not_enabled: { status: 403, message: 'Your business profile is not enabled.' },
  subscription_required: { status: 403, message: 'This needs an active subscription.' },
  post_limit_reached: { status: 403, message: 'The monthly limit of posts is reached.' },
  saved_search_limit_reached: { status: 403, message: 'Your plan allows no further saved search.' },
  upload_quota_exceeded: { status: 403, message: "Today's uploads are used up." },
  contact_hidden: { status: 403, message: 'The author does not show a phone number.' },
  recipient_unavailable: { status: 403, message: 'This user cannot be written to.' },
  origin_forbidden: { status: 403, message: 'This origin is not allowed.' },
  identity_mismatch: { status: 403, message: 'The token belongs to another user or session.' },

  not_found: { status: 404, message: 'Not found.' },
  method_not_allowed: { status: 405, message: 'This method is not allowed here.' },
  not_acceptable: { status: 406, message: 'The answer exists only as JSON.' },

  conflict: { status: 409, message: 'It was changed meanwhile; see details.current.' },
  invalid_state: { status: 409, message: 'Its present state does not allow this.' },
  idempotency_in_progress: {
    status: 409,
    message: 'The first request with this key is still running.',
    retryable: true,
  },
  phone_taken: { status: 409, message: 'This number belongs to another account.' },
  already_subscribed: { status: 409, message: 'You have this plan already.' },
  duplicate_post: { status: 409, message: 'You published the same a short time ago.' },
  already_reported: { status: 409, message: 'You reported this already.' },
  thread_locked: { status: 409, message: 'This conversation is locked.' },
  post_unavailable: { status: 409, message: 'This post takes no new conversations.' },
  attachment_not_ready: { status: 409, message: 'An attachment is still being processed.', retryable: true },
  edit_window_closed: { status: 409, message: 'It is too late to change this message.' },

  payload_too_large: { status: 413, message: 'The request is too large.' },
  unsupported_media_type: { status: 415, message: 'Send application/json.' },
  unsupported_image: { status: 415, message: 'Send a JPEG, PNG or WebP image.' },
  idempotency_conflict: { status: 422, message: 'The same key was used before with other content.' },
  content_rejected: { status: 422, message: 'The content is not allowed.' },

  rate_limited: { status: 429, message: 'Too many requests; wait a moment.', retryable: true },
  otp_cooldown: { status: 429, message: 'A code was sent a moment ago.', retryable: true },
  otp_attempts_exceeded: { status: 429, message: 'Too many wrong tries; request a new code.' },
  otp_locked: { status: 429, message: 'This number is locked for a while.', retryable: true },
  login_locked: { status: 429, message: 'Too many wrong passwords; wait, or log in by code.', retryable: true },
  reveal_limit_reached: { status: 429, message: "Today's contacts are used up.", retryable: true },
  too_many_connections: { status: 429, message: 'Too many open connections of one user.', retryable: true },

  internal: { status: 500, message: 'Something went wrong here; it has been logged.' },
  unavailable: {
    status: 503,
    message: 'The service is not available for a moment; nothing is lost, try again.',
    retryable: true,
  },
  otp_unavailable: { status: 503, message: 'Codes cannot be sent at the moment.', retryable: true },
  server_busy: { status: 503, message: 'The server is busy; connect again in a moment.', retryable: true },
  server_draining: { status: 503, message: 'The server is restarting; connect again in a moment.', retryable: true },
} as const satisfies Record<string, Entry>;

export type ErrorCode = keyof typeof entries;
export const errorCatalogue: Readonly<Record<ErrorCode, Entry>> = entries;

export type ErrorDetails = Record<string, unknown> & { retry_after_ms?: number };

/** A refusal that a client may read. Whatever else is thrown is `internal`: logged whole, told as nothing. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails | undefined;

  constructor(code: ErrorCode, details?: ErrorDetails, cause?: unknown) {
    super(entries[code].message, { cause });
    this.name = 'AppError';
    this.code = code;
    this.details = details;
  }
}

/** The error of the wire, alike on both doors (realtime.md, section 3). */
export interface Err {
  code: ErrorCode;
  message: string;
  retryable: boolean;
  retry_after_ms?: number;
  details?: Record<string, unknown>;
  request_id: string;
}

export function presentError(error: AppError, requestId: string, message: string = error.message): Err {
  const { retry_after_ms, ...details } = error.details ?? {};
  const entry = errorCatalogue[error.code];
  return {
    code: error.code,
    message,
    retryable: entry.retryable ?? false,
    ...(retry_after_ms !== undefined && { retry_after_ms }),
    ...(Object.keys(details).length > 0 && { details }),
    request_id: requestId,
  };
}
