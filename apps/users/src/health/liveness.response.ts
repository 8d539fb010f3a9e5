import { ApiProperty } from '@nestjs/swagger';

/** The process answers. */
export class LivenessResponse {
  @ApiProperty({ enum: ['ok'] })
  readonly status!: 'ok';
}
