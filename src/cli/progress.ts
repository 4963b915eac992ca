import { MultiBar, Presets, type SingleBar } from 'cli-progress';
import { formatBytes, formatCount, plain } from './format.ts';
import type { Output } from './output.ts';
import type { Terminal } from './terminal.ts';

/** Bars for people who watch a terminal; nothing at all otherwise. */
export interface Progress {
  /** @param total Items to do; may grow. */
  show(
    name: string,
    now: { readonly done: number; readonly total: number; readonly bytes: number; readonly note: string },
  ): void;
  /** A bar that is through leaves room for the next. */
  finish(name: string): void;
  close(): void;
}

const BARS_MAX = 12;
const none: Progress = { show: () => {}, finish: () => {}, close: () => {} };

export function progressBars(terminal: Terminal, output: Output): Progress {
  if (!output.live) return none;
  const bars = new Map<string, SingleBar>();
  const multi = new MultiBar(
    {
      stream: terminal.stderr as NodeJS.WriteStream,
      format: '{bar} {count} {size} {name} {note}',
      barsize: 24,
      hideCursor: true,
      clearOnComplete: true,
      emptyOnZero: true,
      fps: 5,
      autopadding: true,
    },
    Presets.shades_classic,
  );
  output.notesAbove((text) => multi.log(text));
  return {
    show(name, { done, total, bytes, note }) {
      const values = {
        name: plain(name),
        count: `${formatCount(done)}/${formatCount(total)}`.padStart(15),
        size: formatBytes(bytes).padStart(9),
        note: plain(note),
      };
      const bar = bars.get(name) ?? (bars.size < BARS_MAX ? multi.create(Math.max(total, 1), done, values) : null);
      if (bar === null) return;
      bars.set(name, bar);
      bar.setTotal(Math.max(total, done, 1));
      bar.update(done, values);
    },
    finish(name) {
      const bar = bars.get(name);
      if (bar === undefined) return;
      multi.remove(bar);
      bars.delete(name);
    },
    close() {
      output.notesAbove(null);
      multi.stop();
    },
  };
}
