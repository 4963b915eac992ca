#!/usr/bin/env node
// From a clone this first installs and builds what is missing; in an installed package it only starts the program.
import { ensureOrExit } from '../scripts/ensure.mjs';

await ensureOrExit();
process.setSourceMapsEnabled(true);
await import('../dist/cli.js');
