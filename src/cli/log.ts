import pino from 'pino';
import type { Terminal } from './terminal.ts';

/** pino's shape, as far as it is used. Subjects, bodies and secrets are never given to it. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** JSON lines on stderr; warnings and errors only, unless somebody looks for a problem. */
export function createLog(terminal: Terminal, debug: boolean): Log {
  return pino(
    {
      level: debug ? 'debug' : 'warn',
      base: null,
      timestamp: () => `,"at":"${new Date(terminal.clock.nowMs()).toISOString()}"`,
    },
    { write: (line: string) => void terminal.stderr.write(line) },
  );
}
