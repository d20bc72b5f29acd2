/** One field's fault, as the service names it. */
export interface FieldFault {
  pointer: string;
  code: string;
  detail: string;
}

/** Whatever went wrong with a call: the service's problem (RFC 9457), or no answer at all (`status` 0). */
export class ApiError extends Error {
  override name = 'ApiError';

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly faults: FieldFault[] = [],
    readonly requestId?: string,
    /** The record as it is now, where a change lost a race (412). */
    readonly current?: Record<string, unknown>,
    /** Records that look alike, where a create was suspected to be a duplicate (409). */
    readonly candidates: Array<Record<string, unknown>> = [],
    readonly holder?: string,
  ) {
    super(message);
  }

  static async of(response: Response): Promise<ApiError> {
    const requestId = response.headers.get('request-id') ?? undefined;
    try {
      const problem = await response.clone().json();
      return new ApiError(
        response.status,
        problem.code ?? 'unknown',
        problem.detail ?? problem.title ?? response.statusText,
        problem.errors ?? [],
        problem.request_id ?? requestId,
        problem.current,
        problem.candidates ?? [],
        problem.holder,
      );
    } catch {
      return new ApiError(response.status, 'unknown', response.statusText || String(response.status), [], requestId);
    }
  }

  static unreachable(): ApiError {
    return new ApiError(0, 'unreachable', '');
  }

  /** The faults by field path, as forms name fields: `#/lines/0/quantity` is `lines.0.quantity`. */
  fields(): Record<string, string> {
    return Object.fromEntries(
      this.faults.map((fault) => [fault.pointer.replace(/^#?\//, '').replaceAll('/', '.'), fault.detail]),
    );
  }
}
