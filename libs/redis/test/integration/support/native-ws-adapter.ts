import type { Server } from 'node:http';
import { AbstractWsAdapter } from '@nestjs/websockets';
import type { Observable } from 'rxjs';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';

interface Handler {
  readonly message: unknown;
  readonly callback: (...args: unknown[]) => unknown;
}

/** Works as `@nestjs/platform-ws`: a message is `{ event, data }` as JSON. */
export class NativeWsAdapter extends AbstractWsAdapter {
  create(): WebSocketServer {
    return new WebSocketServer({ server: this.httpServer as Server });
  }

  bindMessageHandlers(
    client: WebSocket,
    handlers: Handler[],
    transform: (data: unknown) => Observable<unknown>,
  ): void {
    client.on('message', (message: RawData) => {
      const { event, data } = JSON.parse((message as Buffer).toString()) as Record<string, unknown>;
      const handler = handlers.find((one) => one.message === event);
      transform(handler?.callback(data, event)).subscribe((response) => {
        client.send(JSON.stringify(response));
      });
    });
  }
}
