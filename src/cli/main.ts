/** The program `causeway`: bundled to `dist/cli.js`, started by `bin/causeway.mjs`. */
import { runProgram } from './program.ts';
import { realJobs } from './real-jobs.ts';
import { processTerminal } from './terminal.ts';

process.exitCode = await runProgram(process.argv.slice(2), processTerminal(), realJobs);
