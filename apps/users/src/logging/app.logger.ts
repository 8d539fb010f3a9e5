import { Injectable } from '@nestjs/common';
import { Logger } from 'nestjs-pino';

/** The parts of Nest that write a line for each module and each route of a start. */
const NARRATORS: ReadonlySet<unknown> = new Set([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
]);

/** Writes the lines that Nest has for every start at level debug: they hide those that differ. */
@Injectable()
export class AppLogger extends Logger {
  override log(message: unknown, ...parameters: unknown[]): void {
    const context = parameters.at(-1);
    if (NARRATORS.has(context)) this.debug(message, ...parameters);
    else super.log(message, ...parameters);
  }
}
