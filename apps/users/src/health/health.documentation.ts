/** The texts of the probes in `/docs`; their 200 and 503 come from the `@HealthCheck()` of terminus. */
import { applyDecorators } from '@nestjs/common';
import { ApiOkResponse, ApiOperation } from '@nestjs/swagger';

import { LivenessResponse } from './liveness.response.js';

export const Live = () =>
  applyDecorators(
    ApiOperation({
      summary: 'Whether the process answers',
      description: 'Checks nothing else: the database and Redis may be down.',
    }),
    ApiOkResponse({ type: LivenessResponse }),
  );

export const Ready = () =>
  ApiOperation({
    summary: 'Whether requests can be served',
    description:
      '503 while the process stops, and while it lacks what it needs. If only one of the database ' +
      'and Redis is down, it is `degraded`, which stays 200.',
  });

export const Everything = () =>
  ApiOperation({
    summary: 'The state of the process and of everything that it depends on',
    description: 'With the statuses of `/health/ready`.',
  });
