/** The lab as a process of its own: `dist/lab.js`, started by `causeway demo`, by benchmarks and by tests. */
import { runLab } from './run.ts';

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(new Error(signal)));
process.exitCode = await runLab(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  error: (text) => process.stderr.write(text),
  signal: stop.signal,
});
