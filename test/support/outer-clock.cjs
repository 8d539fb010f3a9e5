/**
 * The clock of Node itself, which the embedded server reads and Jest's sandbox does not. Loaded with
 * `requireOutsideOfJest` (node-environment.cjs).
 */
const realNow = Date.now;
let ahead = 0;

/** Lets time pass for the embedded server, at once. */
exports.advance = (ms) => {
  ahead += ms;
  Date.now = () => realNow.call(Date) + ahead;
};

exports.reset = () => {
  ahead = 0;
  Date.now = realNow;
};
