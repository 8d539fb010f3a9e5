import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

export const REQUEST_ID_HEADER = 'x-request-id';

/** What a caller may choose: enough for UUIDs and trace ids, nothing that could forge a log line. */
const ACCEPTABLE = /^[\w.:-]{1,128}$/;

/** The caller's id if it is acceptable, else a new one. Logs and the response carry it. */
export function chooseRequestId({ headers }: { headers: IncomingHttpHeaders }): string {
  const offered = headers[REQUEST_ID_HEADER];
  return typeof offered === 'string' && ACCEPTABLE.test(offered) ? offered : randomUUID();
}
