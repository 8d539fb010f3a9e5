/**
 * Preloaded into the embedded server of a test: adds the milliseconds in the file CLOCK_FILE to the clock of
 * the process.
 */
const { readFileSync } = require('node:fs');

const realNow = Date.now;
Date.now = () => realNow.call(Date) + Number(readFileSync(process.env.CLOCK_FILE, 'utf8'));
