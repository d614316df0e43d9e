// The part of the `raw-socket` package that is used here; it has no types of its own.
declare module 'raw-socket' {
  import type { EventEmitter } from 'node:events';

  export interface Socket
    extends EventEmitter<{ message: [Buffer, string]; error: [Error]; close: [] }> {
    send(
      buffer: Buffer,
      offset: number,
      length: number,
      address: string,
      done: (error: Error | null, bytes: number) => void,
    ): this;
    close(): this;
  }

  const raw: {
    readonly Protocol: { readonly ICMP: 1 };
    createSocket(options: { readonly protocol: number }): Socket;
  };
  export default raw;
}
