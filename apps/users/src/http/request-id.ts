import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

export const REQUEST_ID_HEADER = 'x-request-id';

/** The ids that a caller may choose: long enough for UUIDs and trace ids, and unable to forge a log line. */
const ACCEPTABLE = /^[\w.:-]{1,128}$/;

/** Returns the caller's id if it is acceptable, else a new one. Log lines and the response have it. */
export function chooseRequestId({ headers }: { headers: IncomingHttpHeaders }): string {
  const offered = headers[REQUEST_ID_HEADER];
  return typeof offered === 'string' && ACCEPTABLE.test(offered) ? offered : randomUUID();
}
