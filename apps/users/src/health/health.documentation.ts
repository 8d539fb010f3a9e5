/** What `/docs` says about the probes; their 200 and 503 come from terminus's `@HealthCheck()`. */
import { applyDecorators } from '@nestjs/common';
import { ApiOkResponse, ApiOperation } from '@nestjs/swagger';

import { LivenessResponse } from './liveness.response.js';

export const Live = () =>
  applyDecorators(
    ApiOperation({
      summary: 'Whether the process answers',
      description: 'Looks at nothing else: the database and Redis may be down.',
    }),
    ApiOkResponse({ type: LivenessResponse }),
  );

export const Ready = () =>
  ApiOperation({
    summary: 'Whether requests can be served',
    description:
      '503 once the process has begun to stop, and while what it needs is down: the database and ' +
      'Redis, as long as the other one is there, are only `degraded`, which stays 200.',
  });

export const Everything = () =>
  ApiOperation({
    summary: 'How the process and all that it depends on are',
    description: 'With the statuses of `/health/ready`.',
  });
